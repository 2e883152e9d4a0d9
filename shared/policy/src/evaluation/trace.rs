//! What is kept of a statement that was held against a request.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::StatementRef;
use crate::condition::Condition;
use crate::context::{Context, ContextValue};
use crate::decision::Truth;
use crate::document::{Effect, PolicyDocument, Statement};

/// One statement held against the request.
#[derive(Debug, Clone)]
pub struct StatementTrace {
    /// Which statement.
    pub at: StatementRef,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whether the statement as a whole matches.
    pub outcome: Truth,
    /// Whether the action element matches (after `NotAction` was turned round).
    pub action: Truth,
    /// Whether the resource element matches (after `NotResource` was turned round).
    pub resource: Truth,
    /// Whether the principal element matches; `None` where the grammar has none.
    pub principal: Option<Truth>,
    /// Each condition.
    pub conditions: ConditionTraces,
}

/// One condition (an operator, a key, its values) held against the context.
#[derive(Debug, Clone)]
pub struct ConditionTrace {
    /// JSON pointer to the values in the document.
    pub pointer: String,
    /// As spelled in the document, for example `ForAnyValue:StringLikeIfExists`.
    pub operator: String,
    /// As spelled in the document.
    pub key: String,
    /// The values of the document.
    pub expected: Vec<String>,
    /// The values after policy variables were put in, where that changed them; `None` in the list for a variable that has no
    /// value.
    pub resolved: Option<Vec<Option<String>>>,
    /// What the request has.
    pub actual: ContextValue,
    /// Whether it holds.
    pub outcome: Truth,
}

impl ConditionTrace {
    fn new(condition: &Condition, context: &Context) -> ConditionTrace {
        ConditionTrace {
            pointer: condition.pointer.clone(),
            operator: condition.operator.text.clone(),
            key: condition.key.clone(),
            expected: condition.values.clone(),
            resolved: condition.resolved_values(context),
            actual: condition.actual(context).clone(),
            outcome: condition.evaluate(context),
        }
    }
}

/// The traces of a statement's conditions: a slice, written out when it is first read, since most are never looked at.
#[derive(Debug, Clone, Default)]
pub struct ConditionTraces {
    /// Where they come from, and the statement's index; `None` for a statement without conditions.
    of: Option<(Source, usize)>,
    written: OnceLock<Box<[ConditionTrace]>>,
}

/// What the traces are written from.
#[derive(Debug, Clone)]
enum Source {
    Own(Arc<PolicyDocument>, Context),
    Shared(Arc<(Arc<PolicyDocument>, Context)>),
}

impl Source {
    fn parts(&self) -> (&PolicyDocument, &Context) {
        match self {
            Source::Own(document, context) => (document, context),
            Source::Shared(shared) => (&shared.0, &shared.1),
        }
    }
}

/// Gives the statements of one document their traces. In a long one they share the source: one count less for each.
pub(super) struct Sources<'a> {
    document: &'a Arc<PolicyDocument>,
    context: &'a Context,
    shared: Option<Arc<(Arc<PolicyDocument>, Context)>>,
}

impl<'a> Sources<'a> {
    /// From how many statements on a document is long: the shared source has to be made first.
    const LONG: usize = 8;

    pub(super) fn new(document: &'a Arc<PolicyDocument>, context: &'a Context) -> Sources<'a> {
        Sources { document, context, shared: None }
    }

    /// The traces of a statement's conditions.
    pub(super) fn traces(&mut self, index: usize, statement: &Statement) -> ConditionTraces {
        if statement.conditions.is_empty() {
            return ConditionTraces::default();
        }
        let both = || (Arc::clone(self.document), self.context.clone());
        let source = if self.document.statements.len() < Sources::LONG {
            let (document, context) = both();
            Source::Own(document, context)
        } else {
            Source::Shared(Arc::clone(self.shared.get_or_insert_with(|| Arc::new(both()))))
        };
        ConditionTraces { of: Some((source, index)), written: OnceLock::new() }
    }
}

impl Deref for ConditionTraces {
    type Target = [ConditionTrace];
    fn deref(&self) -> &[ConditionTrace] {
        let Some((source, statement)) = &self.of else { return &[] };
        self.written.get_or_init(|| {
            let (document, context) = source.parts();
            let conditions = document.statements.get(*statement).into_iter().flat_map(|found| &found.conditions);
            conditions.map(|condition| ConditionTrace::new(condition, context)).collect()
        })
    }
}

impl<'a> IntoIterator for &'a ConditionTraces {
    type Item = &'a ConditionTrace;
    type IntoIter = std::slice::Iter<'a, ConditionTrace>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
