//! A finding as a Slack message: the body of `chat.postMessage` without the channel.
//!
//! Limits of Block Kit: <https://docs.slack.dev/reference/block-kit/blocks>.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sesame_diagnosis::finding::Finding;

use crate::escape::{self, Medium};
use crate::gate::State;
use crate::{Phase, gate, grant, phase, text, words};

/// Characters in a section's text.
const SECTION: usize = 3_000;
/// Characters in one field of a section.
const FIELD: usize = 2_000;
/// Characters in a header.
const HEADER: usize = 150;
/// Characters in the value of a button.
const BUTTON_VALUE: usize = 2_000;
/// Characters in the question of a button.
const QUESTION: usize = 300;
/// Blocks in a message.
const BLOCKS: usize = 50;
/// Characters of all blocks as JSON; Slack refuses somewhat above 13,000.
const TOTAL: usize = 12_500;
/// How many requests are drawn with their layers.
const REQUESTS: usize = 4;

/// How to write a finding for Slack.
#[derive(Debug, Clone)]
pub struct SlackOptions {
    /// The present time.
    pub now: Timestamp,
    /// Buttons, where this channel may decide.
    pub buttons: Option<Buttons>,
    /// For the message of a later phase: which, and by whom or why. Buttons are then left out.
    pub phase: Option<(Phase, Option<String>)>,
}

/// The values of buttons, as they come back when one is pressed; a decision without a value has no button.
#[derive(Debug, Clone, Default)]
pub struct Buttons {
    /// Approve.
    pub approve: Option<String>,
    /// Reject.
    pub reject: Option<String>,
    /// Mute.
    pub mute: Option<String>,
}

/// The message: `text` for notifications and screen readers, and blocks.
pub fn slack(finding: &Finding, options: &SlackOptions) -> Value {
    let id = escape::id(&finding.id);
    let later = options.phase.as_ref().filter(|(phase, _)| *phase != Phase::Finding);
    let finding = &escape::shown(finding, Medium::Plain);
    let note = later.map(|(phase, detail)| phase::phase_text_of(finding, *phase, detail.as_deref()));
    let title = note.as_ref().map_or_else(|| phase::subject(finding, Phase::Finding), |note| note.subject.clone());

    let mut blocks = vec![Block::header(&title)];
    match &note {
        // What was done is told; what could be done no longer matters.
        Some(note) => {
            blocks.push(Block::section(&[bold(&note.sentence)]));
            blocks.push(Block::section(&note.about.iter().map(|about| within(about, 700)).collect::<Vec<_>>()));
            blocks.push(why(finding));
        }
        None => {
            blocks.push(facts(finding, options.now));
            blocks.push(why(finding));
            blocks.push(fix(finding));
            blocks.extend(stolen_key(finding));
        }
    }
    let buttons = options.buttons.as_ref().filter(|_| note.is_none());
    let actions = buttons.and_then(|buttons| actions(finding, buttons));
    let command = note.as_ref().and_then(|note| note.command.clone()).unwrap_or_else(|| format!("sesame show {id}"));
    let again = match finding.generation {
        0 | 1 => String::new(),
        generation => format!(" · refused again, generation {generation}"),
    };
    let foot = Block::context(&format!("{}{again}", escape::code(&command)));

    // What may be left out stands between what may not.
    let mut extra: Vec<Block> = Vec::new();
    if note.is_none() {
        extra.extend(layers(finding));
        extra.extend(near_misses(finding));
        extra.extend(hints(finding));
    }
    let ending = || actions.iter().cloned().chain([foot.clone()]);
    while !extra.is_empty() && !fits(blocks.iter().chain(&extra).cloned().chain(ending())) {
        extra.pop();
    }
    blocks.extend(extra);
    blocks.extend(ending());

    let message = Message {
        text: escape::angle(&format!("{title}. {}", escape::unquoted_plain(&words::why(finding)))),
        blocks,
        mrkdwn: false,
        parse: "none",
        link_names: false,
        unfurl_links: false,
        unfurl_media: false,
    };
    serde_json::to_value(message).unwrap_or_default()
}

fn fits(blocks: impl Iterator<Item = Block>) -> bool {
    let blocks: Vec<Block> = blocks.collect();
    let characters = serde_json::to_string(&blocks).map(|json| json.chars().count()).unwrap_or(usize::MAX);
    blocks.len() <= BLOCKS && characters <= TOTAL
}

fn facts(finding: &Finding, now: Timestamp) -> Block {
    let event = &finding.event;
    let region = event.region.as_deref().unwrap_or("unknown");
    let caller = words::caller(&finding.principal);
    let mut fields = vec![
        ("Account", words::account(event)),
        ("Region", region.to_owned()),
        ("Caller", caller),
        ("Refused", words::failing(event, now)),
    ];
    fields.extend(text::source(finding).map(|source| ("From", source)));
    fields.extend(finding.principal.owner.clone().map(|owner| ("Owner", owner)));
    fields.extend(finding.principal.managed_by.map(|by| ("Managed by", words::managed_by(by).to_owned())));
    let fields = fields.iter().map(|(label, value)| Text::marked(&format!("*{label}*\n{}", within(value, 400)), FIELD));
    Block::Section { text: None, fields: Some(fields.collect()) }
}

fn why(finding: &Finding) -> Block {
    let mut lines = vec![format!("*Why* ({})\n{}", words::sureness(finding), within(&words::why(finding), 1_400))];
    lines.extend(words::contradiction(finding).map(|text| format!("_{text}_")));
    let unread: Vec<String> = finding.gaps.iter().map(words::unread).collect();
    if !unread.is_empty() {
        let mut unread: Vec<String> = unread;
        unread.dedup();
        lines.push(format!("Not read: {}.", within(&words::and(&unread), 600)));
    }
    Block::section(&lines)
}

fn fix(finding: &Finding) -> Block {
    let mut lines = vec![format!("*Fix*\n{}", within(&finding.summary.fix, 1_000))];
    lines.extend(grant::sentences(finding).iter().map(|sentence| within(sentence, 500)));
    lines.extend(words::also_allowed(finding).into_iter().map(|sentence| within(sentence, 500)));
    lines.extend(text::dependencies(finding).map(|sentence| within(&sentence, 400)));
    Block::section(&lines)
}

fn stolen_key(finding: &Finding) -> Option<Block> {
    let hint = words::hint(finding, "possible-stolen-key")?;
    let mut lines = vec![format!("*If nobody knows this caller*\n{}", within(&hint.summary, 900))];
    lines.extend(words::IF_NOT_YOU.iter().map(|line| format!("• {line}")));
    Some(Block::section(&lines))
}

fn layers(finding: &Finding) -> Vec<Block> {
    let of_request = |(index, request)| {
        let gates = gate::gates(finding, index);
        let lines = gates.iter().map(|gate| {
            let sign = match gate.state {
                State::Open => "✓",
                State::Shut => "✗",
                State::Unknown => "?",
                State::NotNeeded => "–",
            };
            let note = if gate.note.is_empty() { String::new() } else { format!(": {}", within(&gate.note, 200)) };
            format!("{sign} {} {}{note}", gate.state.word(), within(&gate.layer, 80))
        });
        let title = format!("*Layers*: {}", within(&gate::asks(request), 300));
        (!gates.is_empty()).then(|| Block::section(&[title].into_iter().chain(lines).collect::<Vec<_>>()))
    };
    let mut blocks: Vec<Block> = finding.requests.iter().enumerate().take(REQUESTS).filter_map(of_request).collect();
    let more = finding.requests.len().saturating_sub(REQUESTS);
    if more > 0 {
        let more = words::counted(more, "more request", "more requests");
        blocks.push(Block::section(&[format!("And {more}, with layers of their own.")]));
    }
    blocks
}

fn near_misses(finding: &Finding) -> Vec<Block> {
    let all = words::untold_near_misses(finding);
    if all.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["*Near misses*".to_owned()];
    lines.extend(all.iter().take(3).map(|near| format!("• {}", within(&near.summary, 500))));
    if all.len() > 3 {
        lines.push(format!("and {} more", all.len() - 3));
    }
    vec![Block::section(&lines)]
}

fn hints(finding: &Finding) -> Vec<Block> {
    let lines: Vec<String> = words::untold_hints(finding)
        .into_iter()
        .take(6)
        .map(|hint| format!("• {}", within(&hint.summary, 400)))
        .collect();
    if lines.is_empty() {
        return Vec::new();
    }
    vec![Block::section(&[vec!["*Hints*".to_owned()], lines].concat())]
}

fn actions(finding: &Finding, buttons: &Buttons) -> Option<Block> {
    let titles: Vec<String> = finding.planned().map(|remedy| escape::unquoted_plain(&remedy.title)).collect();
    let question = escape::clip(&format!("{}. Sesame writes this now.", words::and(&titles)), QUESTION - 40);
    let confirm = Confirm {
        title: Text::plain("Apply this change?", 100),
        text: Text::plain(&question, QUESTION),
        confirm: Text::plain("Approve", 30),
        deny: Text::plain("Not now", 30),
    };
    let button = |id: &'static str, label: &str, value: &Option<String>, style, confirm| {
        let value = value.clone().filter(|value| value.chars().count() <= BUTTON_VALUE)?;
        Some(Button { kind: "button", action_id: id, text: Text::plain(label, 75), value, style, confirm })
    };
    let elements: Vec<Button> = [
        button("sesame-approve", "Approve", &buttons.approve, Some("primary"), Some(confirm)),
        button("sesame-reject", "Reject", &buttons.reject, Some("danger"), None),
        button("sesame-mute", "Mute", &buttons.mute, None, None),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!elements.is_empty()).then_some(Block::Actions { block_id: "sesame-decision", elements })
}

fn bold(text: &str) -> String {
    // Within asterisks a word that is code would end them.
    format!("*{}*", escape::angle(&escape::unquoted_plain(text).replace(['*', '_', '~'], " ")))
}

/// A sentence as mrkdwn of at most so many characters: cut before it is escaped, so that no escape is cut in two.
fn within(sentence: &str, limit: usize) -> String {
    let mut longest = limit;
    loop {
        let marked = escape::marked(&escape::clip(sentence, longest));
        if marked.chars().count() <= limit.saturating_add(40) || longest < 16 {
            return marked;
        }
        longest = longest * 3 / 4;
    }
}

#[derive(Serialize)]
struct Message {
    text: String,
    blocks: Vec<Block>,
    mrkdwn: bool,
    parse: &'static str,
    link_names: bool,
    unfurl_links: bool,
    unfurl_media: bool,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Block {
    Header {
        text: Text,
    },
    Section {
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
        #[serde(skip_serializing_if = "Option::is_none")]
        fields: Option<Vec<Text>>,
    },
    Context {
        elements: Vec<Text>,
    },
    Actions {
        block_id: &'static str,
        elements: Vec<Button>,
    },
}

impl Block {
    fn header(text: &str) -> Block {
        Block::Header { text: Text::plain(text, HEADER) }
    }
    /// As many lines as there is room for; what is left out is said.
    fn section(lines: &[String]) -> Block {
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            if text.chars().count() + line.chars().count() + 1 > SECTION - 40 {
                text.push_str(&format!("\n… and {} more lines", lines.len() - index));
                break;
            }
            if index > 0 {
                text.push('\n');
            }
            text.push_str(line);
        }
        Block::Section { text: Some(Text::marked(&text, SECTION)), fields: None }
    }
    fn context(text: &str) -> Block {
        Block::Context { elements: vec![Text::marked(text, FIELD)] }
    }
}

/// A text object. `verbatim` keeps Slack from making links and mentions of what looks like one.
#[derive(Debug, Clone, Serialize)]
struct Text {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbatim: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<bool>,
}

impl Text {
    fn plain(text: &str, limit: usize) -> Text {
        let mut longest = limit;
        let mut escaped = escape::angle(Text::some(text));
        while escaped.chars().count() > limit {
            // Cut before it is escaped, so that no escape is cut in two.
            longest = longest * 3 / 4;
            escaped = escape::angle(&text.chars().take(longest).collect::<String>());
        }
        Text { kind: "plain_text", text: escaped, verbatim: None, emoji: Some(false) }
    }
    /// Slack refuses a message with an empty text.
    fn some(text: &str) -> &str {
        if text.is_empty() { "-" } else { text }
    }
    fn marked(text: &str, limit: usize) -> Text {
        // Every part was cut to its share before; this only holds the limit whatever comes.
        let text = Text::some(text).chars().take(limit).collect();
        Text { kind: "mrkdwn", text, verbatim: Some(true), emoji: None }
    }
}

#[derive(Debug, Clone, Serialize)]
struct Button {
    #[serde(rename = "type")]
    kind: &'static str,
    action_id: &'static str,
    text: Text,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Confirm>,
}

#[derive(Debug, Clone, Serialize)]
struct Confirm {
    title: Text,
    text: Text,
    confirm: Text,
    deny: Text,
}
