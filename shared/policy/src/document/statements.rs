//! The statements of a document, with an index by action that a decision looks through first.

use std::ops::Deref;

use super::Statement;

/// The statements of a document, in order; a slice that can't be changed.
#[derive(Debug, Clone, Default)]
pub struct Statements {
    list: Vec<Statement>,
    heads: Vec<Head>,
}

/// The first bytes of an action pattern, in the order of the statements.
#[derive(Debug, Clone, Copy)]
struct Head {
    bytes: u64,
    mask: u64,
    statement: u32,
}

/// The first eight bytes of a lower-case action, as one number; what an action pattern is first compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActionHead(u64);

impl ActionHead {
    pub(crate) fn new(action: &str) -> ActionHead {
        ActionHead(pack(action).0)
    }
}

/// The first eight bytes, and a mask of as many as there are.
fn pack(text: &str) -> (u64, u64) {
    let (mut bytes, mut mask) = ([0; 8], [0; 8]);
    for ((own, mask), byte) in bytes.iter_mut().zip(&mut mask).zip(text.bytes()) {
        (*own, *mask) = (byte, u8::MAX);
    }
    (u64::from_le_bytes(bytes), u64::from_le_bytes(mask))
}

impl Statements {
    pub(super) fn new(list: Vec<Statement>) -> Statements {
        let mut heads = Vec::with_capacity(list.len());
        for (statement, index) in list.iter().zip(0..) {
            if statement.action.negated {
                heads.push(Head { bytes: 0, mask: 0, statement: index });
                continue;
            }
            heads.extend(statement.action.patterns.iter().map(|pattern| {
                let (bytes, mask) = pack(pattern.literal_prefix());
                Head { bytes, mask, statement: index }
            }));
        }
        Statements { list, heads }
    }

    /// Those whose index is to be kept.
    pub(super) fn keeping(&self, keep: impl Fn(usize) -> bool) -> Statements {
        let kept = self.list.iter().enumerate().filter(|(index, _)| keep(*index));
        Statements::new(kept.map(|(_, statement)| statement.clone()).collect())
    }

    /// The statements that the beginning of an action does not rule out, each once, with their index.
    pub(crate) fn candidates(&self, action: ActionHead) -> impl Iterator<Item = (usize, &Statement)> {
        let mut last = None;
        self.heads
            .iter()
            .filter(move |head| (head.bytes ^ action.0) & head.mask == 0)
            .filter(move |head| last.replace(head.statement) != Some(head.statement))
            .filter_map(|head| {
                let index = head.statement as usize;
                self.list.get(index).map(|statement| (index, statement))
            })
    }
}

impl Deref for Statements {
    type Target = [Statement];
    fn deref(&self) -> &[Statement] {
        &self.list
    }
}

impl<'a> IntoIterator for &'a Statements {
    type Item = &'a Statement;
    type IntoIter = std::slice::Iter<'a, Statement>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}
