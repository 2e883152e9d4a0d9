//! The gates of a request, laid out for an SVG of 340 units in width: on a phone one unit is about one pixel.

use sesame_diagnosis::finding::{Finding, Outcome, RequestInfo};

use crate::gate::{self, Gate, State};
use crate::{escape, words};

/// Characters in a line of a gate's name, and of its note.
const NAME: usize = 36;
const NOTE: usize = 44;
/// Lines of a note.
const LINES: usize = 3;
/// Units between lines.
const LEADING: usize = 16;

/// A picture.
pub struct Picture {
    pub id: String,
    pub caption: super::Html,
    pub title: String,
    pub description: String,
    pub gates: Vec<Drawn>,
    pub blocked: bool,
    pub way_end: usize,
    pub end_top: usize,
    pub end_class: &'static str,
    pub end_words: &'static str,
    pub height: usize,
}

/// A gate with its place.
pub struct Drawn {
    pub class: &'static str,
    pub name: String,
    pub lines: Vec<Line>,
    pub y: usize,
}

/// A line of text with its place.
pub struct Line {
    pub y: usize,
    pub text: String,
}

/// The pictures of all requests; requests whose gates stand alike share one.
pub fn pictures(finding: &Finding) -> Vec<Picture> {
    let mut groups: Vec<(Vec<Gate>, Vec<&RequestInfo>)> = Vec::new();
    for (index, request) in finding.requests.iter().enumerate() {
        let gates = gate::gates(finding, index);
        let alike = |(known, requests): &&mut (Vec<Gate>, Vec<&RequestInfo>)| {
            *known == gates && requests.iter().all(|known| known.decision == request.decision)
        };
        match groups.iter_mut().find(alike) {
            Some((_, requests)) => requests.push(request),
            None => groups.push((gates, vec![request])),
        }
    }
    groups.retain(|(gates, _)| !gates.is_empty());
    let draw =
        |(index, (gates, requests)): (usize, &(Vec<Gate>, Vec<&RequestInfo>))| picture(finding, index, gates, requests);
    groups.iter().enumerate().filter_map(draw).collect()
}

fn picture(finding: &Finding, index: usize, gates: &[Gate], requests: &[&RequestInfo]) -> Option<Picture> {
    let request = requests.first()?;
    let asks: Vec<String> = requests.iter().map(|request| gate::asks(request)).collect();
    let asks = words::and(&asks);
    let mut y = 44;
    let mut drawn = Vec::new();
    for gate in gates {
        let (one, next) = draw(gate, y);
        drawn.push(one);
        y = next;
    }
    let shut = drawn.iter().find(|gate| gate.class == "shut").map(|gate| gate.y);
    let end_top = y - 18;
    let (end_class, end_words) = match (request.decision.as_str(), shut, finding.outcome) {
        ("Allowed", ..) => ("open", "Amazon SES takes it"),
        (_, Some(_), _) | ("ImplicitDeny" | "ExplicitDeny", ..) => ("shut", "Amazon SES is not reached"),
        (_, None, Outcome::Denied) => ("shut", "Amazon SES refused it"),
        _ => ("unknown", "Refused, where is not known"),
    };
    Some(Picture {
        id: format!("gates-{index}"),
        caption: super::Html::sentence(&asks),
        title: format!("The layers between {} and Amazon SES", escape::unquoted(&asks)),
        description: description(gates),
        blocked: shut.is_some(),
        way_end: shut.unwrap_or(end_top),
        gates: drawn,
        end_top,
        end_class,
        end_words,
        height: end_top + 28,
    })
}

fn draw(gate: &Gate, y: usize) -> (Drawn, usize) {
    let class = match gate.state {
        State::Open => "open",
        State::Shut => "shut",
        State::Unknown => "unknown",
        State::NotNeeded => "by",
    };
    let note = escape::unquoted(&gate.note);
    let note = if note.is_empty() { gate.state.word().to_owned() } else { format!("{}: {note}", gate.state.word()) };
    let lines = broken(&note, NOTE, LINES);
    let name = broken(&escape::unquoted(&words::capital(&gate.layer)), NAME, 1);
    let count = lines.len();
    let at = |(index, text)| Line { y: y + LEADING + index * LEADING - 1, text };
    let drawn = Drawn { class, name: name.concat(), lines: lines.into_iter().enumerate().map(at).collect(), y };
    (drawn, y + 40 + count * LEADING)
}

fn description(gates: &[Gate]) -> String {
    let one = |gate: &Gate| {
        let note = if gate.note.is_empty() { String::new() } else { format!(", {}", escape::unquoted(&gate.note)) };
        format!("{}: {}{note}.", words::capital(&gate.layer), gate.state.word())
    };
    gates.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Lines of at most so many characters; longer words are broken here, where text does not flow.
fn broken(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        while !rest.is_empty() {
            let used = lines.last().map(|line| line.chars().count()).unwrap_or_default();
            let room = width.saturating_sub(if used == 0 { 0 } else { used + 1 });
            if rest.len() > room && used > 0 && (rest.len() <= width || room < 8) {
                lines.push(String::new());
                continue;
            }
            let taken: String = rest.drain(..rest.len().min(room)).collect();
            if let Some(line) = lines.last_mut() {
                if used > 0 {
                    line.push(' ');
                }
                line.push_str(&taken);
            }
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}
