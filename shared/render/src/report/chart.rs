//! Refusals over time, by cause, as stacked bars.

use jiff::Timestamp;

/// Bars at most.
const BARS: i64 = 48;
/// Units of the drawing.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 180.0;
/// Causes that get a colour of their own; the rest are drawn together.
const COLOURS: usize = 5;

/// A drawing of `720 × 180` units.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Rectangles, each with the number of its colour.
    pub bars: Vec<Bar>,
    /// Causes with their colours, most refusals first.
    pub legend: Vec<Key>,
    /// Refusals in the highest bar.
    pub most: usize,
    /// When the drawing begins.
    pub first: String,
    /// When it ends.
    pub last: String,
    /// What one bar stands for.
    pub bar: String,
    /// All refusals with a time.
    pub total: usize,
}

/// A rectangle.
#[derive(Debug, Clone)]
pub struct Bar {
    pub x: String,
    pub y: String,
    pub width: String,
    pub height: String,
    pub colour: usize,
    pub title: String,
}

/// A line of the legend.
#[derive(Debug, Clone)]
pub struct Key {
    pub colour: usize,
    pub cause: String,
    pub count: usize,
}

impl Chart {
    /// Draws the times of each cause; `None` when fewer than two refusals have a time.
    pub fn of(causes: &[(String, Vec<Timestamp>)]) -> Option<Chart> {
        let seconds = || causes.iter().flat_map(|(_, times)| times).map(|time| time.as_second());
        let (first, last) = (seconds().min()?, seconds().max()?);
        let total = seconds().count();
        if total < 2 {
            return None;
        }
        let step = step(last - first);
        let start = first.div_euclid(step) * step;
        let bars = usize::try_from((last - start) / step + 1).ok()?;
        let legend = legend(causes);
        let colour = |cause: &str| legend.iter().find(|key| key.cause == cause).map_or(COLOURS, |key| key.colour);
        // Counts by bar and colour.
        let mut counts = vec![vec![0_usize; COLOURS + 1]; bars];
        for (cause, times) in causes {
            for time in times {
                let at = usize::try_from((time.as_second() - start) / step).unwrap_or(0);
                if let Some(count) = counts.get_mut(at).and_then(|bar| bar.get_mut(colour(cause))) {
                    *count += 1;
                }
            }
        }
        let most = counts.iter().map(|bar| bar.iter().sum::<usize>()).max().unwrap_or(1).max(1);
        let mut drawn = Vec::new();
        let width = WIDTH / to_f64(bars);
        for (index, bar) in counts.iter().enumerate() {
            let moment = Timestamp::from_second(start + step * i64::try_from(index).unwrap_or(0)).ok();
            let moment = moment.map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default();
            let mut top = HEIGHT;
            for (colour, count) in bar.iter().enumerate().filter(|(_, count)| **count > 0) {
                let height = HEIGHT * to_f64(*count) / to_f64(most);
                top -= height;
                let cause =
                    legend.iter().find(|key| key.colour == colour).map_or("other causes", |key| key.cause.as_str());
                drawn.push(Bar {
                    x: format!("{:.1}", width * to_f64(index) + width * 0.08),
                    y: format!("{top:.1}"),
                    width: format!("{:.1}", (width * 0.84).min(40.0)),
                    height: format!("{height:.1}"),
                    colour,
                    title: format!("{moment}: {count} × {cause}"),
                });
            }
        }
        let day =
            |second: i64| Timestamp::from_second(second).ok().map(|time| time.strftime("%Y-%m-%d %H:%M").to_string());
        Some(Chart {
            bars: drawn,
            legend,
            most,
            first: day(start).unwrap_or_default(),
            last: day(last).unwrap_or_default(),
            bar: span(step),
            total,
        })
    }
}

/// The most frequent causes; what is left over shares the last colour.
fn legend(causes: &[(String, Vec<Timestamp>)]) -> Vec<Key> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for (cause, times) in causes {
        match counts.iter_mut().find(|(known, _)| known == cause) {
            Some((_, count)) => *count += times.len(),
            None => counts.push((cause.clone(), times.len())),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let key = |(colour, (cause, count)): (usize, (String, usize))| Key { colour: colour.min(COLOURS), cause, count };
    counts.into_iter().enumerate().map(key).collect()
}

/// A round number of seconds so that the span takes at most [`BARS`] bars.
fn step(span: i64) -> i64 {
    const STEPS: [i64; 11] = [60, 300, 900, 3_600, 10_800, 21_600, 86_400, 172_800, 604_800, 2_592_000, 7_776_000];
    STEPS.into_iter().find(|step| span / step < BARS).unwrap_or(31_536_000)
}

fn span(seconds: i64) -> String {
    let plural =
        |count: i64, one: &str, unit: &str| if count == 1 { one.to_owned() } else { format!("{count} {unit}") };
    match seconds {
        _ if seconds % 86_400 == 0 => plural(seconds / 86_400, "a day", "days"),
        _ if seconds % 3_600 == 0 => plural(seconds / 3_600, "an hour", "hours"),
        _ => plural(seconds / 60, "a minute", "minutes"),
    }
}

/// Counts of bars are far below what a float holds exactly.
fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_refusal_is_drawn_once() {
        let causes = [
            ("a".to_owned(), vec![at("2026-03-01T00:00:00Z"), at("2026-03-01T00:00:10Z"), at("2026-03-03T00:00:00Z")]),
            ("b".to_owned(), vec![at("2026-03-02T12:00:00Z")]),
        ];
        let chart = Chart::of(&causes).unwrap();
        let drawn: usize = chart
            .bars
            .iter()
            .map(|bar| bar.title.split(" × ").next().unwrap().rsplit(' ').next().unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!((drawn, chart.total, chart.most), (4, 4, 2));
        assert_eq!(chart.legend.first().map(|key| key.cause.as_str()), Some("a"));
    }

    #[test]
    fn a_long_span_stays_within_the_bars() {
        let causes = [("a".to_owned(), vec![at("2020-01-01T00:00:00Z"), at("2026-03-03T00:00:00Z")])];
        let chart = Chart::of(&causes).unwrap();
        assert!(chart.bars.iter().all(|bar| bar.x.parse::<f64>().unwrap() <= WIDTH));
        assert_eq!(chart.bars.len(), 2);
    }

    #[test]
    fn a_bar_is_said_as_a_reader_says_it() {
        assert_eq!(
            [60, 900, 3_600, 21_600, 86_400, 604_800].map(span),
            ["a minute", "15 minutes", "an hour", "6 hours", "a day", "7 days"]
        );
    }

    #[test]
    fn one_refusal_makes_no_picture() {
        assert!(Chart::of(&[("a".to_owned(), vec![at("2020-01-01T00:00:00Z")])]).is_none());
    }
}
