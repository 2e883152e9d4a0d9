//! Decimal numbers of any size, compared exactly.

use std::cmp::Ordering;

/// A decimal number: `±0.DIGITS × 10^exponent`, without zeros at either end of the digits; no digits is zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    exponent: i64,
    digits: Box<[u8]>,
}

impl Decimal {
    /// Parses `-12.5`, `1e6`, `.5`.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut digits: Vec<u8> = Vec::with_capacity(mantissa.len());
        digits.extend(whole.bytes().chain(fraction.bytes()));
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        if leading == digits.len() {
            return Some(Decimal { negative: false, exponent: 0, digits: Box::default() });
        }
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let exponent =
            power.checked_add(i64::try_from(whole.len()).ok()?)?.checked_sub(i64::try_from(leading).ok()?)?;
        Some(Decimal { negative, exponent, digits: digits.into() })
    }

    /// A number a little above this one and below the next, or the other way when `next` is smaller. `None` when they are
    /// the same.
    pub(crate) fn between(&self, next: &Decimal) -> Option<Decimal> {
        let (low, high) = match self.cmp(next) {
            Ordering::Equal => return None,
            Ordering::Less => (self, next),
            Ordering::Greater => (next, self),
        };
        if high.digits.is_empty() {
            // Between a negative number and zero: smaller than the negative one's first digit.
            return Some(Decimal { negative: true, exponent: low.exponent.checked_sub(1)?, digits: [b'1'].into() });
        }
        if low.digits.is_empty() {
            return Some(Decimal { negative: false, exponent: high.exponent.checked_sub(1)?, digits: [b'1'].into() });
        }
        if low.negative && !high.negative {
            return Some(Decimal { negative: false, exponent: 0, digits: Box::default() });
        }
        // The one nearer to zero with one more digit, far enough to the right.
        let (nearer, farther) = if low.negative { (high, low) } else { (low, high) };
        let length = nearer.digits.len().max(farther.digits.len());
        let mut digits = nearer.digits.to_vec();
        digits.resize(length, b'0');
        digits.push(b'1');
        Some(Decimal { digits: digits.into(), ..nearer.clone() })
    }

    /// A number below this one.
    pub(crate) fn below(&self) -> Option<Decimal> {
        let (negative, exponent) = match (self.digits.is_empty(), self.negative) {
            (true, _) => (true, 1),
            (false, true) => (true, self.exponent.checked_add(1)?.max(1)),
            // Zero and one are what people compare with; below 0.001 it is still zero.
            (false, false) => return Some(Decimal { negative: false, exponent: 0, digits: Box::default() }),
        };
        Some(Decimal { negative, exponent, digits: [b'1'].into() })
    }

    /// A number above this one.
    pub(crate) fn above(&self) -> Option<Decimal> {
        let mirrored = Decimal { negative: !self.negative, ..self.clone() };
        let below = mirrored.below()?;
        Some(Decimal { negative: !below.negative && !below.digits.is_empty(), ..below })
    }

    /// The number as text, without an exponent where that stays short.
    pub(crate) fn to_text(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let digits: String = self.digits.iter().map(|digit| char::from(*digit)).collect();
        let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        match self.exponent {
            _ if digits.is_empty() => "0".to_owned(),
            exponent @ 1..=40 if exponent >= length => {
                let zeros = usize::try_from(exponent - length).unwrap_or_default();
                format!("{sign}{digits}{}", "0".repeat(zeros))
            }
            exponent @ 1..=40 => {
                let (whole, fraction) = digits.split_at(usize::try_from(exponent).unwrap_or_default());
                format!("{sign}{whole}.{fraction}")
            }
            exponent @ -40..=0 => {
                let zeros = usize::try_from(-exponent).unwrap_or_default();
                format!("{sign}0.{}{digits}", "0".repeat(zeros))
            }
            exponent => format!("{sign}0.{digits}e{exponent}"),
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let sign = |number: &Decimal| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let magnitude = || self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
        sign(self).cmp(&sign(other)).then_with(|| if self.negative { magnitude().reverse() } else { magnitude() })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_ordered_exactly() {
        let ordered = [
            "-1e30",
            "-12345678901234567890.5",
            "-12345678901234567890",
            "-10",
            "-9.99",
            "-1",
            "-0.1",
            "-1e-5",
            "0",
            "1e-999",
            "0.000000000000000000000000001",
            "0.1",
            "0.10000000000000000000001",
            "1",
            "9",
            "10",
            "99.5",
            "1e2",
            "1e18446744",
        ];
        for (index, low) in ordered.iter().enumerate() {
            for (other, high) in ordered.iter().enumerate() {
                assert_eq!(number(low).cmp(&number(high)), index.cmp(&other), "{low} {high}");
            }
        }
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        for text in ["100", "1e2", "1E+2", "+100", "0100.00", "1000e-1", ".1e3", "100."] {
            assert_eq!(number(text), number("100"), "{text}");
        }
        for text in ["0", "-0", "0.00", "0e99"] {
            assert_eq!(number(text), number("0"), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1e",
            "e5",
            "1.2.3",
            "0x10",
            "1 ",
            " 1",
            "1,5",
            "NaN",
            "1e99999999999999999999",
            "++1",
            "1e+-2",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn neighbours_lie_where_they_should_and_print_as_themselves() {
        let line = ["-1e50", "-100", "-99.9", "-1", "-0.5", "0", "1e-50", "0.5", "0.51", "1", "2", "10", "11", "1e50"];
        for pair in line.windows(2) {
            let (low, high) = (number(pair[0]), number(pair[1]));
            let middle = low.between(&high).unwrap();
            assert!(low < middle && middle < high, "{pair:?} {middle:?}");
            assert_eq!(high.between(&low).unwrap(), middle);
            assert_eq!(number(&middle.to_text()), middle);
        }
        for text in line {
            let middle = number(text);
            let (below, above) = (middle.below().unwrap(), middle.above().unwrap());
            assert!(below < middle && middle < above, "{text} {below:?} {above:?}");
            assert_eq!(number(&below.to_text()), below);
            assert_eq!(number(&above.to_text()), above);
            assert_eq!(number(&middle.to_text()), middle);
        }
        assert_eq!(number("5").between(&number("5.0")), None);
    }

    #[test]
    fn a_number_is_written_without_an_exponent_where_that_stays_short() {
        for (text, written) in [
            ("0.50", "0.5"),
            ("-.005", "-0.005"),
            ("12.50", "12.5"),
            ("1200", "1200"),
            ("-0", "0"),
            ("1e39", &format!("1{}", "0".repeat(39))),
            ("1e40", "0.1e41"),
            ("1e-41", &format!("0.{}1", "0".repeat(40))),
            ("1e-42", "0.1e-41"),
        ] {
            assert_eq!(number(text).to_text(), written, "{text}");
        }
    }
}
