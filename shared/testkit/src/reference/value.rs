//! Numbers, dates, addresses and base-64 text as the condition operators read them.

use std::cmp::Ordering;
use std::net::IpAddr;

/// A decimal number, compared exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Significant digits without zeros at either end; none for zero.
    digits: String,
    /// The number is `0.digits` times ten to this power.
    magnitude: i64,
}

impl Decimal {
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // Digits on one side of the point are enough.
        let all = format!("{whole}{fraction}");
        if !all_digits(&all) {
            return None;
        }
        let without_leading = all.trim_start_matches('0');
        let leading = all.len() - without_leading.len();
        let digits = without_leading.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, magnitude: 0 });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Decimal { negative, digits, magnitude: point + i64::from(exponent) })
    }

    pub fn compare(&self, other: &Decimal) -> Ordering {
        match (self.sign(), other.sign()) {
            (left, right) if left != right => left.cmp(&right),
            (1, _) => self.compare_size(other),
            (-1, _) => other.compare_size(self),
            _ => Ordering::Equal,
        }
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => -1,
        }
    }

    fn compare_size(&self, other: &Decimal) -> Ordering {
        self.magnitude.cmp(&other.magnitude).then_with(|| self.digits.cmp(&other.digits))
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

const SECOND: i128 = 1_000_000_000_000_000_000;

/// An instant, in attoseconds since 1970-01-01T00:00:00Z.
///
/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, `YYYY-MM-DDTHH:MM[:SS[.fraction]][Z|±HH[:MM]]`, or epoch seconds; the letters may be
/// small, and the hour may be one digit.
pub(crate) fn instant(text: &str) -> Option<i128> {
    if text.len() == 4 && all_digits(text) {
        return Some(days(number(text)?, 1, 1)? * 86_400 * SECOND);
    }
    epoch(text).or_else(|| calendar(text))
}

/// An instant given in whole epoch seconds.
pub(crate) fn seconds(instant: i128) -> i128 {
    instant.div_euclid(SECOND)
}

/// Whole epoch seconds as `YYYY-MM-DDTHH:MM:SSZ`; `None` outside the years 0 to 9999.
pub(crate) fn iso(seconds: i128) -> Option<String> {
    let day = seconds.div_euclid(86_400);
    let second = seconds.rem_euclid(86_400);
    for year in 0..=9999 {
        if days(year + 1, 1, 1)? <= day {
            continue;
        }
        for month in (1..=12).rev() {
            let first = days(year, month, 1)?;
            if first <= day {
                let (hour, minute) = (second / 3600, second / 60 % 60);
                let date = day - first + 1;
                return Some(format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{:02}Z", second % 60));
            }
        }
        return None;
    }
    None
}

fn epoch(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = unsigned.split_once('.').map_or((unsigned, None), |(whole, part)| (whole, Some(part)));
    if !all_digits(whole) || whole.len() > 15 {
        return None;
    }
    let total = number(whole)? * SECOND + part.map_or(Some(0), fraction)?;
    Some(if negative { -total } else { total })
}

/// Digits after the point, in attoseconds.
fn fraction(digits: &str) -> Option<i128> {
    if !all_digits(digits) {
        return None;
    }
    number(&format!("{digits:0<18}").chars().take(18).collect::<String>())
}

fn calendar(text: &str) -> Option<i128> {
    let text = text.replace('t', "T").replace('z', "Z");
    let (date, time) = text.split_once('T').map_or((text.as_str(), None), |(date, time)| (date, Some(time)));
    let parts: Vec<&str> = date.split('-').collect();
    let (year, month, day) = match parts.as_slice() {
        [year, month] if time.is_none() => (*year, *month, "01"),
        [year, month, day] => (*year, *month, *day),
        _ => return None,
    };
    let day = days(fixed(year, 4)?, fixed(month, 2)?, fixed(day, 2)?)?;
    Some(day * 86_400 * SECOND + time.map_or(Some(0), clock)?)
}

fn clock(text: &str) -> Option<i128> {
    let (time, offset) = if let Some(time) = text.strip_suffix('Z') {
        (time, 0)
    } else if let Some((time, offset)) = text.split_once('+') {
        (time, zone(offset)?)
    } else if let Some((time, offset)) = text.split_once('-') {
        (time, -zone(offset)?)
    } else {
        (text, 0)
    };
    let parts: Vec<&str> = time.split(':').collect();
    let (hour_and_minute, second) = match parts.as_slice() {
        [hour, minute] if !hour.is_empty() => (format!("{hour:0>2}:{minute}"), "00"),
        [hour, minute, second] if !hour.is_empty() => (format!("{hour:0>2}:{minute}"), *second),
        _ => return None,
    };
    let (second, part) = second.split_once('.').map_or((second, None), |(second, part)| (second, Some(part)));
    let second = fixed(second, 2).filter(|second| *second < 60)?;
    let part = part.map_or(Some(0), fraction)?;
    Some((hours_and_minutes(&hour_and_minute)? + second - offset) * SECOND + part)
}

/// `HH` or `HH:MM` in seconds.
fn zone(text: &str) -> Option<i128> {
    if text.contains(':') { hours_and_minutes(text) } else { hours_and_minutes(&format!("{text}:00")) }
}

/// `HH:MM` in seconds.
fn hours_and_minutes(text: &str) -> Option<i128> {
    let (hour, minute) = text.split_once(':')?;
    let hour = fixed(hour, 2).filter(|hour| *hour < 24)?;
    let minute = fixed(minute, 2).filter(|minute| *minute < 60)?;
    Some(hour * 3600 + minute * 60)
}

fn fixed(text: &str, length: usize) -> Option<i128> {
    (text.len() == length && all_digits(text)).then(|| number(text)).flatten()
}

fn number(text: &str) -> Option<i128> {
    text.parse().ok()
}

/// Days from 1970-01-01 to that date, counted year by year and month by month.
fn days(year: i128, month: i128, day: i128) -> Option<i128> {
    let leap = |year: i128| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |month: i128| match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    };
    if !(1..=12).contains(&month) || day < 1 || day > length(month) {
        return None;
    }
    let in_years = |years: std::ops::Range<i128>| years.map(|year| if leap(year) { 366 } else { 365 }).sum::<i128>();
    let before_year = if year >= 1970 { in_years(1970..year) } else { -in_years(year..1970) };
    Some(before_year + (1..month).map(length).sum::<i128>() + day - 1)
}

/// A range of addresses of one family, given by its first and last address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub six: bool,
    pub first: u128,
    pub last: u128,
}

impl Range {
    /// `ADDRESS` or `ADDRESS/LENGTH`; bits beyond the length are ignored.
    pub fn parse(text: &str) -> Option<Range> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let (six, number) = address_number(address)?;
        let bits = if six { 128 } else { 32 };
        let length = match length {
            None => bits,
            Some(digits) if all_digits(digits) => digits.parse::<u32>().ok().filter(|length| *length <= bits)?,
            Some(_) => return None,
        };
        let rest = bits - length;
        let size_minus_one = if rest == 128 { u128::MAX } else { (1_u128 << rest) - 1 };
        let first = number & !size_minus_one;
        Some(Range { six, first, last: first + size_minus_one })
    }

    pub fn holds(&self, address: &str) -> bool {
        address_number(address)
            .is_some_and(|(six, number)| six == self.six && self.first <= number && number <= self.last)
    }
}

/// Whether the address is one of version 6, and its bits.
fn address_number(text: &str) -> Option<(bool, u128)> {
    match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => Some((false, u128::from(u32::from(address)))),
        IpAddr::V6(address) => Some((true, u128::from(address))),
    }
}

/// The text of an address.
pub(crate) fn address_text(six: bool, number: u128) -> Option<String> {
    if six {
        return Some(std::net::Ipv6Addr::from(number).to_string());
    }
    u32::try_from(number).ok().map(|number| std::net::Ipv4Addr::from(number).to_string())
}

/// The bytes of padded base-64 text.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - body.len() > 2 {
        return None;
    }
    let alphabet = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']);
    let mut bits = Vec::new();
    for character in body.chars() {
        let value = alphabet.clone().position(|candidate| candidate == character)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    // Bits that make no byte are zero.
    if bits.chunks_exact(8).remainder().contains(&1) {
        return None;
    }
    let bytes = bits.chunks_exact(8).map(|byte| byte.iter().fold(0_u8, |sum, bit| sum << 1 | u8::from(*bit == 1)));
    Some(bytes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_exactly() {
        let compare = |left: &str, right: &str| Decimal::parse(left).unwrap().compare(&Decimal::parse(right).unwrap());
        assert_eq!(compare("1", "1.0"), Ordering::Equal);
        assert_eq!(compare("0.1", "1e-1"), Ordering::Equal);
        assert_eq!(compare("-0", "0"), Ordering::Equal);
        assert_eq!(compare("10", "9"), Ordering::Greater);
        assert_eq!(compare("-10", "9"), Ordering::Less);
        assert_eq!(compare("-10", "-9"), Ordering::Less);
        assert_eq!(compare("0.30000000000000001", "0.3"), Ordering::Greater);
        assert_eq!(compare("12345678901234567890", "12345678901234567891"), Ordering::Less);
        assert_eq!(Decimal::parse("abc"), None);
        assert_eq!(Decimal::parse(""), None);
    }

    #[test]
    fn dates_are_read_in_every_documented_form() {
        let at = |text: &str| seconds(instant(text).unwrap());
        assert_eq!(at("1970"), 0);
        assert_eq!(at("2018-08-31T12:00Z"), 1_535_716_800);
        assert_eq!(at("2018-08-31T12:00:00+02:00"), 1_535_716_800 - 7200);
        assert_eq!(at("2018-08-31T12:00:00"), 1_535_716_800);
        assert_eq!(at("2018-08"), 1_533_081_600);
        assert_eq!(at("2018-08-31"), 1_535_673_600);
        assert_eq!(at("1535716800"), 1_535_716_800);
        assert_eq!(at("1969-12-31"), -86_400);
        assert_eq!(instant("2018-02-29"), None);
        assert_eq!(instant("2018-08-31T25:00Z"), None);
        assert_eq!(instant("tomorrow"), None);
        for seconds in [0, 1_535_716_800, 951_782_400, -1] {
            assert_eq!(at(&iso(seconds).unwrap()), seconds);
        }
    }

    #[test]
    fn ranges_hold_addresses_of_their_family() {
        assert!(Range::parse("10.1.2.3/8").unwrap().holds("10.255.0.1"));
        assert!(!Range::parse("10.0.0.0/8").unwrap().holds("11.0.0.0"));
        assert!(Range::parse("203.0.113.5").unwrap().holds("203.0.113.5"));
        assert!(Range::parse("0.0.0.0/0").unwrap().holds("255.255.255.255"));
        assert!(!Range::parse("0.0.0.0/0").unwrap().holds("::1"));
        assert!(Range::parse("2001:db8::/32").unwrap().holds("2001:db8:1::1"));
        assert_eq!(Range::parse("10.0.0.0/33"), None);
        assert_eq!(Range::parse("10.0.0/8"), None);
    }

    #[test]
    fn base64_decodes_padded_text() {
        assert_eq!(base64("AQI="), Some(vec![1, 2]));
        assert_eq!(base64("AQID"), Some(vec![1, 2, 3]));
        assert_eq!(base64("AQ"), None);
        assert_eq!(base64("AQi="), None);
        assert_eq!(base64("A*ID"), None);
    }
}
