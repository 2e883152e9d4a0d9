//! Values at and between the constants of numeric, date and address conditions: one for each way in which they compare.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::automaton::Glob;
use super::product::{Product, Test, Witnesses, witnesses};
use crate::condition::{Decimal, Moment};
use crate::context::KeyType;

/// How many spellings of one point are tried.
const SPELLINGS: usize = 1_000;

/// How many regions of addresses are searched for what patterns with wildcards tell apart.
const REGIONS: usize = 50;
/// How many beginnings of an address are told apart.
const ADDRESS_STATES: usize = 2_000;

/// What the conditions on one key compare its value with.
#[derive(Default)]
pub(super) struct Demands {
    pub(super) tests: Vec<Test>,
    pub(super) numbers: Vec<Decimal>,
    pub(super) moments: Vec<Moment>,
    pub(super) networks: Vec<IpNet>,
}

impl Demands {
    pub(super) fn add_test(&mut self, test: Test) {
        if !test.is_empty() && !self.tests.contains(&test) {
            self.tests.push(test);
        }
    }

    /// Texts of a type which show every combination of outcomes, and whether none is missing.
    pub(super) fn texts(mut self, kind: KeyType) -> (Vec<String>, bool) {
        if kind == KeyType::Boolean {
            return (vec!["true".to_owned(), "false".to_owned()], true);
        }
        let compared = !(self.numbers.is_empty() && self.moments.is_empty() && self.networks.is_empty());
        if compared || !matches!(kind, KeyType::Text | KeyType::TextList) {
            self.tell_texts_apart();
        }
        let Witnesses { mut texts, mut complete } = witnesses(&self.tests);
        // A text that no test knows can be chosen for each point; with wildcards that is not sure.
        let literal = self.tests.iter().flatten().all(|glob| glob.is_literal() || glob.is_everything());
        match kind {
            KeyType::Boolean => {}
            KeyType::Text | KeyType::TextList => {
                let families = [!self.numbers.is_empty(), !self.moments.is_empty(), !self.networks.is_empty()];
                complete &= match families.iter().filter(|family| **family).count() {
                    0 => true,
                    1 => literal,
                    _ => false,
                };
                texts.extend(self.number_texts());
                texts.extend(self.moment_texts());
                if !self.networks.is_empty() {
                    texts.extend(self.addresses().0);
                }
            }
            KeyType::IpAddress => {
                texts.retain(|text| text.parse::<IpAddr>().is_ok());
                let (addresses, all) = self.addresses();
                texts.extend(addresses);
                // What the automaton had no room for are texts that are no addresses.
                let told_apart = |glob: &Glob| glob.is_literal() || glob.is_everything() || !glob.may_match_ipv6();
                complete = all && self.tests.iter().flatten().all(told_apart);
            }
            KeyType::Date => {
                texts.retain(|text| Moment::parse(text).is_some());
                complete &= literal && self.numbers.is_empty();
                if self.moments.is_empty() {
                    self.moments.extend(Moment::parse("2026-01-01"));
                }
                texts.extend(self.moment_texts());
            }
            KeyType::Epoch | KeyType::Number => {
                texts.retain(|text| Decimal::parse(text).is_some());
                complete &= literal;
                // Four digits alone are a year to a date operator; no request comes at such a time of 1970.
                let moments = self.moments.iter().filter(|_| kind == KeyType::Number);
                texts.extend(moments.flat_map(|moment| {
                    let year = moment.to_text().get(..4).and_then(|year| year.parse::<u16>().ok());
                    let years = year.into_iter().flat_map(|year| year.saturating_sub(1)..=year.saturating_add(1));
                    years.map(|year| format!("{year:04}"))
                }));
                self.numbers.extend(self.moments.iter().filter_map(|moment| Decimal::parse(&moment.to_epoch_text())));
                if self.numbers.is_empty() {
                    self.numbers.extend(Decimal::parse("0"));
                }
                texts.extend(self.number_texts());
            }
        }
        (texts, complete)
    }

    /// Texts that pass the same test may still differ as numbers, dates or addresses: each pattern becomes a test of its own.
    fn tell_texts_apart(&mut self) {
        for glob in std::mem::take(&mut self.tests).into_iter().flatten() {
            self.add_test(vec![glob]);
        }
    }

    /// The first spelling that no test knows.
    fn unknown_to_tests(&self, mut spellings: impl Iterator<Item = String>) -> Option<String> {
        let telling = || self.tests.iter().flatten().filter(|glob| !glob.is_everything());
        let known = |text: &str| telling().any(|glob| glob.matches(text));
        let first = spellings.next()?;
        if !known(&first) {
            return Some(first);
        }
        spellings.take(SPELLINGS).find(|text| !known(text))
    }

    fn number_texts(&self) -> Vec<String> {
        let mut line = self.numbers.clone();
        line.sort_unstable();
        line.dedup();
        let inner = line.windows(2).filter_map(|pair| match pair {
            [low, high] => low.between(high),
            _ => None,
        });
        let outer = [line.first().and_then(Decimal::below), line.last().and_then(Decimal::above)];
        let points: Vec<Decimal> = line.iter().cloned().chain(inner).chain(outer.into_iter().flatten()).collect();
        points.iter().filter_map(|point| self.unknown_to_tests(number_spellings(&point.to_text()))).collect()
    }

    fn moment_texts(&self) -> Vec<String> {
        let mut line = self.moments.clone();
        line.sort_unstable();
        line.dedup();
        let inner = line.windows(2).filter_map(|pair| match pair {
            [low, high] => low.between(*high),
            _ => None,
        });
        let outer = [line.first().map(|first| first.before()), line.last().map(|last| last.after())];
        let points: Vec<Moment> = line.iter().copied().chain(inner).chain(outer.into_iter().flatten()).collect();
        points.iter().filter_map(|point| self.unknown_to_tests(moment_spellings(*point))).collect()
    }

    /// Addresses in each region between the bounds of the ranges, for IPv4 one for every combination of tests, and whether
    /// those are all.
    fn addresses(&self) -> (Vec<String>, bool) {
        let mut v4 = vec![0];
        let mut v6 = vec![0];
        for network in &self.networks {
            match network {
                IpNet::V4(network) => {
                    v4.push(u32::from(network.network()));
                    v4.extend(u32::from(network.broadcast()).checked_add(1));
                }
                IpNet::V6(network) => {
                    v6.push(u128::from(network.network()));
                    v6.extend(u128::from(network.broadcast()).checked_add(1));
                }
            }
        }
        v4.sort_unstable();
        v4.dedup();
        v6.sort_unstable();
        v6.dedup();
        let ends4 = v4.iter().skip(1).map(|next| next - 1).chain([u32::MAX]);
        let ends6 = v6.iter().skip(1).map(|next| next - 1).chain([u128::MAX]);
        let plain = |glob: &Glob| glob.is_literal() || glob.is_everything();
        let (mut texts, mut complete) = (Vec::new(), true);
        if self.tests.iter().flatten().all(plain) || v4.len() > REGIONS {
            complete = self.tests.iter().flatten().all(plain);
            texts.extend(v4.iter().zip(ends4).filter_map(|(first, last)| {
                self.unknown_to_tests((*first..=last).map(|bits| Ipv4Addr::from(bits).to_string()))
            }));
        } else {
            let product = Product::new(&self.tests);
            for (first, last) in v4.iter().zip(ends4) {
                let (region, all) = ipv4_addresses(&product, *first, last);
                texts.extend(region);
                complete &= all;
            }
        }
        texts.extend(v6.iter().zip(ends6).filter_map(|(first, last)| {
            self.unknown_to_tests((*first..=last).flat_map(|bits| {
                let address = Ipv6Addr::from(bits);
                // The same address without `::`.
                let full: Vec<String> = address.segments().iter().map(|segment| format!("{segment:x}")).collect();
                [address.to_string(), full.join(":")]
            }))
        }));
        (texts, complete)
    }
}

/// The lowest IPv4 address of a region for every combination of tests that some address of it passes, and whether that is
/// all: the four numbers are chosen one after the other, and choices that lead to the same state are one.
fn ipv4_addresses(product: &Product, first: u32, last: u32) -> (Vec<String>, bool) {
    let (low, high) = (first.to_be_bytes(), last.to_be_bytes());
    // A text so far, the patterns' state after it, and whether it is still the beginning of the lowest and the highest.
    let mut open = vec![(String::new(), product.start(), true, true)];
    for (low, high) in low.into_iter().zip(high) {
        let mut next = Vec::new();
        let mut seen = HashSet::new();
        for (text, state, lowest, highest) in &open {
            let dot = if text.is_empty() { "" } else { "." };
            for number in if *lowest { low } else { 0 }..=if *highest { high } else { u8::MAX } {
                let piece = format!("{dot}{number}");
                let state = product.run(state, &piece);
                let edge = (*lowest && number == low, *highest && number == high);
                if seen.insert((state.clone(), edge)) {
                    next.push((format!("{text}{piece}"), state, edge.0, edge.1));
                }
            }
        }
        if next.len() > ADDRESS_STATES {
            return (vec![Ipv4Addr::from(first).to_string()], false);
        }
        open = next;
    }
    let mut seen = HashSet::new();
    let one_each = open.into_iter().filter(|(_, state, ..)| seen.insert(product.combination(state)));
    (one_each.map(|(text, ..)| text).collect(), true)
}

/// `5`, `5.0`, `5.00`, …; whatever its size, `05`, `005`, …. Four digits alone would be a year to a date operator.
fn number_spellings(text: &str) -> impl Iterator<Item = String> + use<> {
    let plain = !text.contains('e');
    let fraction = if text.contains('.') { "" } else { "." };
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let first = (!year).then(|| text.to_owned());
    let (text, digits) = (text.to_owned(), digits.to_owned());
    first.into_iter().chain((1..).map(move |count| match plain {
        true => format!("{text}{fraction}{}", "0".repeat(count)),
        false => format!("{sign}{}{digits}", "0".repeat(count)),
    }))
}

fn moment_spellings(moment: Moment) -> impl Iterator<Item = String> {
    let text = moment.to_text();
    let cut = text.strip_suffix('Z').map(str::to_owned);
    let rest: Box<dyn Iterator<Item = String>> = match cut {
        Some(cut) => {
            let point = if cut.contains('.') { "" } else { "." };
            Box::new((1..).map(move |count| format!("{cut}{point}{}Z", "0".repeat(count))))
        }
        None => Box::new(number_spellings(&text).skip(1)),
    };
    std::iter::once(text).chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Token;

    fn demands(literals: &[&str]) -> Demands {
        let mut demands = Demands::default();
        for literal in literals {
            demands.add_test(vec![Glob::of_text(literal, false)]);
        }
        demands
    }

    #[test]
    fn numbers_stand_at_and_between_the_constants() {
        let mut demands = demands(&["5", "7.5"]);
        demands.numbers.extend(["5", "10"].iter().filter_map(|text| Decimal::parse(text)));
        let (texts, complete) = demands.texts(KeyType::Number);
        assert!(complete);
        // The literal 5 and another spelling of it; 7.5 is between the two, and so is another.
        assert_eq!(texts, ["5", "7.5", "5.0", "10", "5.1", "0", "100"]);
    }

    #[test]
    fn dates_stand_at_and_between_the_constants() {
        let mut demands = demands(&[]);
        demands.moments.extend(["2026-01-01", "2026-01-03"].iter().filter_map(|text| Moment::parse(text)));
        let (texts, complete) = demands.texts(KeyType::Date);
        assert!(complete);
        assert_eq!(
            texts,
            [
                "2026-01-01T00:00:00Z",
                "2026-01-03T00:00:00Z",
                "2026-01-02T00:00:00Z",
                "2025-12-31T00:00:00Z",
                "2026-01-04T00:00:00Z"
            ]
        );
    }

    #[test]
    fn addresses_stand_in_each_region_and_avoid_known_texts() {
        let mut demands = demands(&["10.0.0.0", "x"]);
        demands.networks.extend(["10.0.0.0/8".parse::<IpNet>(), "10.0.0.0/32".parse()].into_iter().flatten());
        let (texts, complete) = demands.texts(KeyType::IpAddress);
        assert!(complete);
        // No second spelling of 10.0.0.0 is there, so that its region shows only by the literal.
        assert_eq!(texts, ["10.0.0.0", "0.0.0.0", "10.0.0.1", "11.0.0.0", "::"]);
        let mut demands = self::demands(&["2001:db8::5", "2001:db8:0:0:0:0:0:5"]);
        demands.networks.extend(["2001:db8::/32".parse::<IpNet>(), "2001:db8::5/128".parse()].into_iter().flatten());
        let (texts, complete) = demands.texts(KeyType::IpAddress);
        assert!(complete);
        assert_eq!(
            texts,
            ["2001:db8::5", "2001:db8:0:0:0:0:0:5", "0.0.0.0", "::", "2001:db8::", "2001:db8::6", "2001:db9::"]
        );
    }

    #[test]
    fn addresses_that_are_too_many_to_be_told_apart_are_not_all() {
        let tests = |texts: &[String]| -> Vec<Test> {
            let star = Token::AnySequence;
            texts
                .iter()
                .map(|text| vec![Glob::of_tokens(&[Token::Literal("0."), star, Token::Literal(text), star], false)])
                .collect()
        };
        // A wildcard in each of many regions: one more network makes two regions more.
        let complete = |networks: u32| {
            let mut demands = Demands { tests: tests(&["7".to_owned()]), ..Demands::default() };
            demands.networks.extend((1..=networks).map(|index| IpNet::from(IpAddr::from(Ipv4Addr::from(index << 8)))));
            demands.networks.push(IpNet::from(IpAddr::from(Ipv4Addr::BROADCAST)));
            demands.texts(KeyType::IpAddress).1
        };
        assert_eq!([complete(24), complete(25)], [true, false]);
        // Patterns that remember much of what they have read.
        let digits: Vec<String> = (10..50).map(|number| number.to_string()).collect();
        assert!(!Demands { tests: tests(&digits), ..Demands::default() }.texts(KeyType::IpAddress).1);
        assert!(Demands { tests: tests(&digits[..5]), ..Demands::default() }.texts(KeyType::IpAddress).1);
    }

    #[test]
    fn texts_of_one_test_are_told_apart_as_numbers() {
        let mut demands = Demands::default();
        demands.add_test(vec![Glob::of_text("a", false), Glob::of_text("12", false)]);
        demands.numbers.extend(Decimal::parse("5"));
        let (texts, complete) = demands.texts(KeyType::Text);
        assert!(
            complete && ["a", "12", "5", "x"].iter().all(|text| texts.iter().any(|found| found == text)),
            "{texts:?}"
        );
        let mut demands = Demands::default();
        demands.add_test(vec![Glob::of_text("a", false), Glob::of_text("2026-01-01", false)]);
        // Where nothing else tells them apart, one of them will do.
        assert_eq!(Demands { tests: demands.tests.clone(), ..Demands::default() }.texts(KeyType::Text).0.len(), 2);
        demands.moments.extend(Moment::parse("2020-01-01"));
        let (texts, _) = demands.texts(KeyType::Text);
        assert!(["a", "2026-01-01"].iter().all(|text| texts.iter().any(|found| found == text)), "{texts:?}");
    }

    #[test]
    fn wildcards_beside_numbers_may_miss_a_combination() {
        let mut demands = Demands::default();
        demands.add_test(vec![Glob::of_tokens(&[Token::AnySequence, Token::Literal("5")], false)]);
        demands.numbers.extend(Decimal::parse("10"));
        assert!(!demands.texts(KeyType::Text).1);
    }

    #[test]
    fn a_boolean_key_has_two_values() {
        assert_eq!(demands(&["yes"]).texts(KeyType::Boolean), (vec!["true".to_owned(), "false".to_owned()], true));
    }
}
