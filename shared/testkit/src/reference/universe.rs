//! Values to try for the unknown keys of a case.
//!
//! For keys that may hold any text the values come from the patterns of the policies: one string for every combination
//! of patterns that some string fits. For addresses, dates and numbers they are the bounds and their neighbours.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Given, Slot};
use super::condition::{Clause, Comparison};
use super::context::{Context, Present};
use super::policy::{Statement, resource_matches};
use super::value::{Decimal, Range, address_text, instant, iso, seconds};
use super::variable::{Piece, pieces, resolve};
use super::wildcard::{Item, arn_parts, six_parts};
use super::witness::{Symbol, symbols, witnesses};

/// For every unknown key, by its name in lower case, the values to try; `None` is absence.
#[derive(Clone, Debug, Default)]
pub struct Universe {
    /// The values of each key.
    pub values: BTreeMap<String, Vec<Option<Present>>>,
    /// Whether these values are known to reach everything that any value can reach.
    pub rich: bool,
}

/// What values a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyType {
    Address,
    Date,
    Epoch,
    Boolean,
    Number,
    Texts,
    Text,
}

fn key_type(key: &str) -> KeyType {
    match key {
        "aws:sourceip" | "aws:vpcsourceip" => KeyType::Address,
        "aws:currenttime" | "aws:tokenissuetime" => KeyType::Date,
        "aws:epochtime" => KeyType::Epoch,
        "aws:securetransport" | "aws:viaawsservice" | "aws:multifactorauthpresent" | "aws:principalisawsservice" => {
            KeyType::Boolean
        }
        "aws:multifactorauthage" => KeyType::Number,
        "ses:recipients"
        | "aws:tagkeys"
        | "aws:principalorgpaths"
        | "aws:resourceorgpaths"
        | "aws:sourceorgpaths"
        | "aws:vpceorgpaths"
        | "aws:calledvia"
        | "aws:principalservicenameslist" => KeyType::Texts,
        _ => KeyType::Text,
    }
}

/// Groups of operators that read a value in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Text,
    Number,
    Date,
    Address,
}

/// Everything in the policies that can tell values of one key apart.
#[derive(Debug, Default)]
struct Distinctions {
    patterns: Vec<Vec<Symbol>>,
    numbers: BTreeSet<i64>,
    instants: BTreeSet<i128>,
    ranges: Vec<Range>,
    families: BTreeSet<Family>,
    /// Other unknown keys that this one is compared with.
    linked: BTreeSet<String>,
    clauses: usize,
    /// Something was left out.
    incomplete: bool,
}

const MOST_STATES: usize = 20_000;
const MOST_LISTS: usize = 5_000;

impl Universe {
    /// The values to try for a case.
    pub(crate) fn derive(case: &Case) -> Universe {
        let known: Context = case
            .context
            .iter()
            .filter_map(|(key, (_, given))| match given {
                Given::Known(value) => value.as_ref().map(|value| (key.clone(), value.clone())),
                Given::Unknown => None,
            })
            .collect();
        let unknown: BTreeSet<&String> =
            case.context.iter().filter(|(_, (_, given))| matches!(given, Given::Unknown)).map(|(key, _)| key).collect();
        let mut universe = Universe { values: BTreeMap::new(), rich: true };
        let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut all = BTreeMap::new();
        for key in &unknown {
            let found = distinctions(key, case, &known, &unknown);
            let (values, complete) = scalars(key_type(key), &found);
            universe.rich &= complete && !found.incomplete && found.linked.is_empty();
            texts.insert((*key).clone(), values);
            all.insert((*key).clone(), found);
        }
        for (key, found) in &all {
            for other in &found.linked {
                let both: BTreeSet<String> =
                    [key, other].into_iter().filter_map(|key| texts.get(key)).flatten().cloned().collect();
                for key in [key, other] {
                    if matches!(key_type(key), KeyType::Text | KeyType::Texts) {
                        texts.insert(key.clone(), both.clone());
                    }
                }
            }
        }
        for (key, values) in texts {
            let clauses = all.get(&key).map_or(0, |found| found.clauses);
            let mut tried = vec![None];
            if key_type(&key) == KeyType::Texts {
                let (lists, complete) = lists(&values, clauses);
                universe.rich &= complete;
                tried.extend(lists.into_iter().map(|list| Some(Present::Many(list))));
            } else {
                tried.extend(values.into_iter().map(|value| Some(Present::One(value))));
            }
            universe.values.insert(key, tried);
        }
        universe
    }
}

/// All lists of at most so many different values, shortest first.
///
/// A clause with a set operator is decided by one value of the list, so that as many values as clauses are enough.
fn lists(values: &BTreeSet<String>, clauses: usize) -> (Vec<Vec<String>>, bool) {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    let mut longest = vec![Vec::new()];
    for _ in 0..clauses.max(1) {
        let mut longer = Vec::new();
        for list in &longest {
            for value in values {
                if list.last().is_none_or(|last: &String| last < value) {
                    let mut extended: Vec<String> = list.clone();
                    extended.push(value.clone());
                    longer.push(extended);
                }
            }
        }
        if all.len() + longer.len() > MOST_LISTS {
            return (all, false);
        }
        all.extend(longer.iter().cloned());
        longest = longer;
    }
    (all, true)
}

fn distinctions(key: &str, case: &Case, known: &Context, unknown: &BTreeSet<&String>) -> Distinctions {
    let mut found = Distinctions::default();
    let readable = case.slots.iter().filter_map(|(_, slot)| match slot {
        Slot::Readable(policies) => Some(policies),
        Slot::Unreadable => None,
    });
    for statement in readable.flatten().flat_map(|policy| &policy.statements) {
        for clause in &statement.clauses {
            if clause.key == key {
                found.clauses += 1;
                for value in &clause.values {
                    found.compared_with(clause, value, statement.variables, known, unknown);
                }
            }
            for value in &clause.values {
                found.put_into(key, clause, value, statement.variables, known, unknown);
            }
        }
        found.put_into_resources(key, statement, &case.resource, known, unknown);
    }
    found
}

fn variables_in(text: &str, variables: bool) -> BTreeSet<String> {
    pieces(text, variables)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(key),
            _ => None,
        })
        .collect()
}

impl Distinctions {
    /// The key is compared with a policy's value.
    fn compared_with(
        &mut self,
        clause: &Clause,
        value: &str,
        variables: bool,
        known: &Context,
        unknown: &BTreeSet<&String>,
    ) {
        let resolved = |wildcards: bool| resolve(&pieces(value, variables), wildcards, known);
        let takes_variables = !matches!(
            clause.comparison,
            Comparison::Numeric(_) | Comparison::Date(_) | Comparison::Ip | Comparison::Binary | Comparison::Null
        );
        if takes_variables {
            let open: BTreeSet<String> =
                variables_in(value, variables).into_iter().filter(|name| unknown.contains(name)).collect();
            if !open.is_empty() {
                self.linked.extend(open);
                self.families.insert(Family::Text);
                return;
            }
        }
        match clause.comparison {
            Comparison::StringEquals => self.pattern(resolved(false), false),
            Comparison::StringEqualsIgnoreCase => self.pattern(resolved(false), true),
            Comparison::StringLike => self.pattern(resolved(true), false),
            Comparison::Bool => self.pattern(resolved(false), true),
            Comparison::Arn => {
                self.families.insert(Family::Text);
                self.arn(resolved(true));
            }
            Comparison::Binary => {
                self.pattern(Some(value.chars().map(Item::Char).collect()), false);
            }
            Comparison::Numeric(_) => {
                self.families.insert(Family::Number);
                match value.parse::<i64>() {
                    Ok(number) => {
                        self.numbers.insert(number);
                    }
                    Err(_) => self.incomplete = true,
                }
                if Decimal::parse(value).is_none() {
                    self.incomplete = true;
                }
            }
            Comparison::Date(_) => {
                self.families.insert(Family::Date);
                self.instants.extend(instant(value).map(seconds));
            }
            Comparison::Ip => {
                self.families.insert(Family::Address);
                self.ranges.extend(Range::parse(value));
            }
            Comparison::Null => {}
        }
    }

    fn pattern(&mut self, items: Option<Vec<Item>>, fold: bool) {
        self.families.insert(Family::Text);
        self.patterns.extend(items.map(|items| symbols(&items, fold, false)));
    }

    fn arn(&mut self, items: Option<Vec<Item>>) {
        let any_arn = vec![
            vec![Item::Char('a'), Item::Char('r'), Item::Char('n')],
            vec![Item::AnyMany],
            vec![Item::AnyMany],
            vec![Item::AnyMany],
            vec![Item::AnyMany],
            vec![Item::AnyMany],
        ];
        for parts in [Some(any_arn), items.map(|items| six_parts(&items))].into_iter().flatten() {
            let mut joined = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    joined.push(Symbol::Char { character: ':', fold: false });
                }
                joined.extend(symbols(part, false, index < 5));
            }
            self.patterns.push(joined);
        }
    }

    /// The key is put as a variable into a value that another key is compared with.
    fn put_into(
        &mut self,
        key: &str,
        clause: &Clause,
        value: &str,
        variables: bool,
        known: &Context,
        unknown: &BTreeSet<&String>,
    ) {
        let named = variables_in(value, variables);
        if !named.contains(key) || clause.key == key {
            return;
        }
        if unknown.contains(&clause.key) {
            self.linked.insert(clause.key.clone());
            return;
        }
        self.incomplete |= named.iter().any(|name| name != key && unknown.contains(name));
        let actuals: Vec<&String> = match known.get(&clause.key) {
            Some(Present::One(actual)) => vec![actual],
            Some(Present::Many(actuals)) => actuals.iter().collect(),
            None => Vec::new(),
        };
        let fold = matches!(clause.comparison, Comparison::StringEqualsIgnoreCase | Comparison::Bool);
        for actual in actuals {
            self.parts_of(actual, fold, key, known, |context| clause.compare(actual, value, variables, context));
        }
    }

    /// The key is put as a variable into `Resource` or `NotResource`.
    fn put_into_resources(
        &mut self,
        key: &str,
        statement: &Statement,
        resource: &str,
        known: &Context,
        unknown: &BTreeSet<&String>,
    ) {
        for text in statement.resources.iter().flat_map(|listed| &listed.texts) {
            let named = variables_in(text, statement.variables);
            if !named.contains(key) {
                continue;
            }
            self.incomplete |= named.iter().any(|name| name != key && unknown.contains(name));
            let last = arn_parts(resource).and_then(|parts| parts.last().copied()).unwrap_or_default();
            self.parts_of(last, false, key, known, |context| {
                resource_matches(text, resource, statement.variables, context)
            });
        }
    }

    /// Every part of a text that, put in for the key, makes a comparison true.
    fn parts_of(&mut self, text: &str, fold: bool, key: &str, known: &Context, holds: impl Fn(&Context) -> bool) {
        let characters: Vec<char> = text.chars().collect();
        let mut parts = BTreeSet::from([String::new()]);
        for start in 0..characters.len() {
            for end in start + 1..=characters.len() {
                parts.insert(characters.iter().skip(start).take(end - start).collect());
            }
        }
        for part in parts {
            let mut context = known.clone();
            context.insert(key.to_owned(), Present::One(part.clone()));
            if holds(&context) {
                self.pattern(Some(part.chars().map(Item::Char).collect()), fold);
            }
        }
    }
}

/// The texts to try for one value of a key; `false` beside them when some value may behave like none of them.
fn scalars(key_type: KeyType, found: &Distinctions) -> (BTreeSet<String>, bool) {
    let only = |allowed: &[Family]| found.families.iter().all(|family| allowed.contains(family));
    match key_type {
        KeyType::Address => (addresses(found), only(&[Family::Address])),
        KeyType::Date => {
            let mut dates: BTreeSet<String> = around(&found.instants).filter_map(iso).collect();
            dates.insert("2024-06-01T00:00:00Z".to_owned());
            (dates, only(&[Family::Date]))
        }
        KeyType::Epoch => {
            let numbers: BTreeSet<i128> = found.numbers.iter().map(|number| i128::from(*number)).collect();
            let all: BTreeSet<i128> = found.instants.union(&numbers).copied().collect();
            let mut texts: BTreeSet<String> = around(&all).map(|number| number.to_string()).collect();
            texts.insert("1717200000".to_owned());
            (texts, only(&[Family::Date, Family::Number]))
        }
        KeyType::Boolean => (BTreeSet::from(["true".to_owned(), "false".to_owned()]), true),
        KeyType::Number => {
            let mut texts = numbers(found);
            texts.insert("1".to_owned());
            (texts, only(&[Family::Number]))
        }
        KeyType::Text | KeyType::Texts => {
            let (strings, complete) = witnesses(&found.patterns, MOST_STATES);
            let mut texts: BTreeSet<String> = strings.into_iter().collect();
            if found.families.contains(&Family::Number) {
                texts.extend(numbers(found));
            }
            if found.families.contains(&Family::Date) {
                texts.extend(around(&found.instants).filter_map(iso));
            }
            if found.families.contains(&Family::Address) {
                texts.extend(addresses(found));
            }
            (texts, complete && found.families.len() <= 1)
        }
    }
}

/// Each number with its two neighbours.
fn around(numbers: &BTreeSet<i128>) -> impl Iterator<Item = i128> {
    numbers.iter().flat_map(|number| [number - 1, *number, number + 1])
}

fn numbers(found: &Distinctions) -> BTreeSet<String> {
    found.numbers.iter().flat_map(|number| [half_above(number - 1), number.to_string(), half_above(*number)]).collect()
}

/// The number in the middle between this one and the next.
fn half_above(number: i64) -> String {
    match number {
        0.. => format!("{number}.5"),
        -1 => "-0.5".to_owned(),
        _ => format!("{}.5", number + 1),
    }
}

fn addresses(found: &Distinctions) -> BTreeSet<String> {
    let mut texts = BTreeSet::from(["203.0.113.77".to_owned(), "2001:db8::77".to_owned()]);
    for range in &found.ranges {
        let ends = [Some(range.first), Some(range.last), range.first.checked_sub(1), range.last.checked_add(1)];
        texts.extend(ends.into_iter().flatten().filter_map(|number| address_text(range.six, number)));
    }
    texts
}
