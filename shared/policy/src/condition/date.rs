//! Dates of condition values: the W3C profile of ISO 8601, or seconds since 1970.

/// A moment, in units of 10⁻¹⁸ seconds since 1970-01-01T00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i128);

const SECOND: i128 = 1_000_000_000_000_000_000;
const DAY: i64 = 86_400;

impl Moment {
    /// Parses `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, `YYYY-MM-DDTHH:MM[:SS[.fraction]][Z|±HH:MM]` (UTC when no zone is given), or
    /// seconds since 1970 (anything else of digits: exactly four are a year). Beyond the W3C's forms as IAM takes them: `t`
    /// and `z`, an hour of one digit, a zone without minutes.
    pub(crate) fn parse(text: &str) -> Option<Moment> {
        let year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !year && let Some(moment) = epoch(text) {
            return Some(moment);
        }
        calendar(text)
    }

    /// A moment between two others; `None` when there is none.
    pub(crate) fn between(self, other: Moment) -> Option<Moment> {
        let middle = self.0 + (other.0 - self.0) / 2;
        let inside = self.0.min(other.0) < middle && middle < self.0.max(other.0);
        // A whole second reads better, where there is one.
        let whole = middle.div_euclid(SECOND) * SECOND;
        match inside {
            true if self.0.min(other.0) < whole => Some(Moment(whole)),
            true => Some(Moment(middle)),
            false => None,
        }
    }

    /// A day earlier.
    pub(crate) fn before(self) -> Moment {
        Moment(self.0.saturating_sub(i128::from(DAY) * SECOND))
    }

    /// A day later.
    pub(crate) fn after(self) -> Moment {
        Moment(self.0.saturating_add(i128::from(DAY) * SECOND))
    }

    /// As seconds since 1970, with a fraction when there is one; never of four digits, which would be a year.
    pub(crate) fn to_epoch_text(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (seconds, fraction) =
            (self.0.unsigned_abs() / SECOND.unsigned_abs(), self.0.unsigned_abs() % SECOND.unsigned_abs());
        if fraction == 0 {
            return match (1000..=9999).contains(&seconds) {
                true => format!("{sign}{seconds}.0"),
                false => format!("{sign}{seconds}"),
            };
        }
        let digits = format!("{fraction:018}");
        format!("{sign}{seconds}.{}", digits.trim_end_matches('0'))
    }

    /// As `YYYY-MM-DDTHH:MM:SSZ` where the year has four digits, else as seconds since 1970.
    pub(crate) fn to_text(self) -> String {
        let seconds = self.0.div_euclid(SECOND);
        let fraction = self.0.rem_euclid(SECOND);
        let Ok(seconds) = i64::try_from(seconds) else { return self.to_epoch_text() };
        let (year, month, day) = civil(seconds.div_euclid(DAY));
        if !(0..=9999).contains(&year) {
            return self.to_epoch_text();
        }
        let of_day = seconds.rem_euclid(DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let fraction = match fraction {
            0 => String::new(),
            some => format!(".{}", format!("{some:018}").trim_end_matches('0')),
        };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
    }
}

/// `.5` and the like as units; digits beyond the eighteenth are cut.
fn fraction_units(digits: &str) -> Option<i128> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = digits.bytes().chain(std::iter::repeat(b'0')).take(18);
    Some(padded.fold(0, |units, digit| units * 10 + i128::from(digit - b'0')))
}

fn epoch(text: &str) -> Option<Moment> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, fraction_units(fraction)?),
        None => (unsigned, 0),
    };
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let units = i128::from(whole.parse::<i64>().ok()?) * SECOND + fraction;
    Some(Moment(if negative { -units } else { units }))
}

fn calendar(text: &str) -> Option<Moment> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |month| digits(month, 2))?;
    let day = match parts.next() {
        Some(day) => digits(day, 2)?,
        None if time.is_some() => return None,
        None => 1,
    };
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let (seconds, fraction) = time.map_or(Some((0, 0)), time_of_day)?;
    Some(Moment(i128::from(days_since_1970(year, month, day) * DAY + seconds) * SECOND + fraction))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// `HH:MM[:SS[.fraction]][Z|±HH[:MM]]` as seconds, which may reach into the day before or after, and a fraction.
fn time_of_day(text: &str) -> Option<(i64, i128)> {
    let (clock, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => match text.rfind(['+', '-']) {
            Some(at) => {
                let (clock, zone) = text.split_at(at);
                let zone_digits = zone.get(1..)?;
                let (hours, minutes) = zone_digits.split_once(':').unwrap_or((zone_digits, "00"));
                let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let seconds = hours * 3600 + minutes * 60;
                (clock, if zone.starts_with('-') { -seconds } else { seconds })
            }
            None => (text, 0),
        },
    };
    let mut parts = clock.splitn(3, ':');
    let hour = parts.next()?;
    let (hour, minute) = (digits(hour, hour.len().clamp(1, 2))?, digits(parts.next()?, 2)?);
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            Some((whole, fraction)) => (digits(whole, 2)?, fraction_units(fraction)?),
            None => (digits(seconds, 2)?, 0),
        },
    };
    (hour < 24 && minute < 60 && second < 60).then_some((hour * 3600 + minute * 60 + second - offset, fraction))
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The other way round.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn spellings_of_one_moment_are_equal() {
        for (text, epoch) in [
            ("1970", "0"),
            ("2018-08-31T12:00Z", "1535716800"),
            ("2018-08-31T12:00:00Z", "1535716800"),
            ("2018-08-31T12:00:00.000Z", "1535716800.0"),
            ("2018-08-31T12:00", "1535716800"),
            ("2018-08-31T14:00+02:00", "1535716800"),
            ("2018-08-31T06:30:00-05:30", "1535716800"),
            ("2018-09-01T11:59+23:59", "1535716800"),
            ("2018-08-31", "1535673600"),
            ("2018-08", "1533081600"),
            ("2018", "1514764800"),
            ("1969-12-31T23:59:58.5Z", "-1.5"),
            ("2018-08-31t12:00z", "1535716800"),
            ("2018-08-31T5:00:00-07", "1535716800"),
            ("2018-09-01t2:00:00.0+14", "1535716800"),
            ("0000-01-01", "-62167219200"),
            ("9999-12-31T23:59:59Z", "253402300799"),
        ] {
            assert_eq!(moment(text), moment(epoch), "{text}");
        }
    }

    #[test]
    fn four_digits_are_a_year_and_other_digits_are_seconds() {
        assert_eq!(moment("2026"), moment("2026-01-01T00:00:00Z"));
        assert!(moment("2026.0") < moment("1971"));
        assert!(moment("20260") < moment("1971"));
        assert!(moment("1535716800") < moment("1535716800.25"));
        assert!(moment("-2026") < moment("1970"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "yesterday",
            "2018-13",
            "2018-02-29",
            "1900-02-29",
            "0100-02-29",
            "2018-00-10",
            "2018-1-1",
            "2018-08-31T",
            "2018-08-31T12",
            "2018-08-31T24:00",
            "2018-08-31T12:60",
            "2018-08T12:00Z",
            "2018-08-31T12:00:00.Z",
            "2018-08-31T12:00+2:00",
            "2018-08-31T12:00+24:00",
            "2018-08-31T12:00+02:60",
            "2018-08-31T12:00:60",
            "2018-08-31 12:00",
            "2018-08-31T012:00Z",
            "2018-08-31T:00Z",
            "2018-08-31T12:00+2",
            "1.5.2",
            "+1535716800",
            "--1",
            "99999999999999999999",
            "2018-08-31-01",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn moments_print_as_themselves() {
        for text in [
            "0",
            "-1.5",
            "2020-02-29T23:59:59Z",
            "0000-01-01",
            "9999-12-31T23:59:59.25Z",
            "253402300800",
            "5000.0",
            "-62167219201",
        ] {
            let value = moment(text);
            assert_eq!(moment(&value.to_text()), value, "{text}");
            assert_eq!(moment(&value.to_epoch_text()), value, "{text}");
        }
        assert_eq!(moment("1535716800").to_text(), "2018-08-31T12:00:00Z");
        assert_eq!(moment("2000-02-29").to_text(), "2000-02-29T00:00:00Z");
    }

    #[test]
    fn neighbours_lie_where_they_should() {
        let (low, high) = (moment("2018"), moment("2019"));
        let middle = low.between(high).unwrap();
        assert!(low < middle && middle < high && low.before() < low && high < high.after());
        assert_eq!(low.between(low), None);
        for (low, high, expected) in [
            ("0", "10", Some("5")),
            // A whole second where there is one.
            ("0.5", "10", Some("5")),
            ("5000.0", "5000.000000000000000002", Some("5000.000000000000000001")),
            ("5000.5", "5000.75", Some("5000.625")),
            ("5000.0", "5000.000000000000000001", None),
        ] {
            assert_eq!(moment(low).between(moment(high)), expected.map(moment), "{low} {high}");
            assert_eq!(moment(high).between(moment(low)).is_some(), expected.is_some(), "{high} {low}");
        }
    }

    #[test]
    fn every_day_has_its_number() {
        for (years, mut number) in [(0..=801, -719_528), (1969..=2101, -365), (9899..=9999, 2_896_008)] {
            for year in years {
                for month in 1..=12 {
                    let usual = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
                    let leap = month == 2 && (year % 400 == 0 || year % 100 != 0 && year % 4 == 0);
                    for day in 1..=usual + i64::from(leap) {
                        let month = i64::try_from(month).unwrap();
                        assert_eq!(days_since_1970(year, month, day), number);
                        assert_eq!(civil(number), (year, month, day));
                        number += 1;
                    }
                }
            }
        }
    }
}
