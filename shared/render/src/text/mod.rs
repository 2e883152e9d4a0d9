//! A finding as plain text: the body of an e-mail, and the same words on a terminal.

mod evidence;
mod hand;
mod writer;

use jiff::Timestamp;
use sesame_diagnosis::finding::{Finding, Outcome};

use self::writer::Writer;
use crate::escape::{self, Medium};
use crate::{Phase, grant, phase, words};

/// The longest body of an e-mail, in bytes.
pub const EMAIL_LIMIT: usize = 8 * 1024;

/// How to write a finding as text.
#[derive(Debug, Clone)]
pub struct TextOptions {
    /// The present time.
    pub now: Timestamp,
    /// The link where one may decide; left out when there is none.
    pub decision_link: Option<String>,
    /// What to say before anything else.
    pub lead: Option<String>,
    /// Where prose is wrapped, in characters.
    pub width: usize,
    /// With the styles of a terminal.
    pub styled: bool,
    /// With the command that shows the stored finding.
    pub show: bool,
}

impl TextOptions {
    /// For an e-mail.
    pub fn email(now: Timestamp) -> TextOptions {
        TextOptions { now, decision_link: None, lead: None, width: 100, styled: false, show: true }
    }
    /// For a terminal, which shows all of it.
    pub fn terminal(now: Timestamp, width: usize, styled: bool) -> TextOptions {
        TextOptions { now, decision_link: None, lead: None, width: width.clamp(40, 100), styled, show: false }
    }
}

/// The body of an e-mail: at most 8 KiB, what matters first. Evidence is left out where it would be longer.
pub fn email(finding: &Finding, options: &TextOptions) -> String {
    email_of(&escape::shown(finding, Medium::Plain), options)
}

/// The same of a finding that is fit to be shown.
pub(crate) fn email_of(finding: &Finding, options: &TextOptions) -> String {
    let parts = parts(finding, options);
    let foot = |left_out: &[&str]| foot(finding, options, left_out);
    let mut left_out: Vec<&str> = Vec::new();
    let mut kept: Vec<&Part> = parts.iter().collect();
    loop {
        let text = assemble(&kept, &foot(&left_out));
        if text.len() <= EMAIL_LIMIT {
            return text;
        }
        // What goes first has the lowest rank; the head has none and stays.
        let next = kept.iter().enumerate().filter_map(|(at, part)| Some((part.rank?, at))).min();
        match next {
            Some((_, at)) => left_out.push(kept.remove(at).name),
            None => return cut(&text, &foot(&left_out), options),
        }
    }
}

/// The same for a terminal, as long as it is.
pub fn terminal(finding: &Finding, options: &TextOptions) -> String {
    let finding = &escape::shown(finding, Medium::Plain);
    let parts = parts(finding, options);
    assemble(&parts.iter().collect::<Vec<_>>(), &foot(finding, options, &[]))
}

/// The short message of a later phase, for an e-mail.
pub fn phase_email(finding: &Finding, phase: Phase, detail: Option<&str>) -> String {
    phase_email_of(&escape::shown(finding, Medium::Plain), phase, detail)
}

/// The same of a finding that is fit to be shown.
pub(crate) fn phase_email_of(finding: &Finding, phase: Phase, detail: Option<&str>) -> String {
    let message = phase::phase_text_of(finding, phase, detail);
    let mut out = Writer::new(100, false);
    out.paragraph(&message.sentence);
    for about in &message.about {
        out.gap();
        out.paragraph(about);
    }
    out.gap();
    let show = format!("sesame show {}", escape::id(&finding.id));
    if let Some(command) = message.command.filter(|command| *command != show) {
        out.field("Undo", &command);
    }
    out.field("Show", &show);
    out.finish()
}

/// A part of the text: the head has no rank, others go in the order of theirs when there is no room.
struct Part {
    name: &'static str,
    rank: Option<u8>,
    text: String,
}

fn parts(finding: &Finding, options: &TextOptions) -> Vec<Part> {
    let part = |name, rank, write: &dyn Fn(&mut Writer)| {
        let mut out = Writer::new(options.width, options.styled);
        write(&mut out);
        Part { name, rank, text: out.finish() }
    };
    let mut list = vec![
        part("head", None, &|out| head(out, finding, options)),
        part("what each layer says", Some(0), &|out| evidence::layers(out, finding)),
        part("the evidence", Some(2), &|out| evidence::causes(out, finding)),
        part("the near misses", Some(1), &|out| evidence::near_misses(out, finding)),
        part("AWS's message", Some(3), &|out| evidence::witness(out, finding)),
    ];
    for remedy in finding.planned() {
        list.push(part("how to do it by hand", Some(8), &|out| hand::remedy(out, finding, remedy)));
    }
    list.push(part("the alternatives", Some(4), &|out| hand::alternatives(out, finding)));
    list.push(part("the hints", Some(6), &|out| evidence::hints(out, finding)));
    list.push(part("what was not read", Some(5), &|out| evidence::gaps(out, finding)));
    list.retain(|part| !part.text.is_empty());
    list
}

fn assemble(parts: &[&Part], foot: &str) -> String {
    let mut texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    texts.push(foot);
    texts.retain(|text| !text.is_empty());
    texts.join("\n")
}

/// The head alone is too long: only data of absurd length can do that.
fn cut(text: &str, foot: &str, options: &TextOptions) -> String {
    let mut decide = Writer::new(options.width, options.styled);
    if let Some(link) = &options.decision_link {
        decide.field("Decide", link);
    }
    let decide = decide.finish();
    let room = EMAIL_LIMIT.saturating_sub(foot.len() + decide.len() + 32);
    // Whole lines, so that no link is cut in two.
    let whole = text.split_inclusive('\n').scan(0, |end, line| {
        *end += line.len();
        (*end <= room).then_some(line)
    });
    let kept: String = whole.collect();
    let decide = if kept.contains(&decide) { String::new() } else { decide };
    format!("{kept}\n[cut]\n\n{decide}{foot}")
}

fn head(out: &mut Writer, finding: &Finding, options: &TextOptions) {
    let event = &finding.event;
    if let Some(lead) = &options.lead {
        out.paragraph(lead);
        out.gap();
    }
    out.title(&finding.summary.what);
    out.gap();
    let account = (event.account.is_some() || event.account_name.is_some()).then(|| words::account(event));
    match (account, event.region.clone()) {
        (Some(account), Some(region)) => out.field("Account", &format!("{account}, {region}")),
        (Some(account), None) => out.field("Account", &account),
        (None, Some(region)) => out.field("Region", &region),
        (None, None) => {}
    }
    // Who sent what SES rejects for another reason is often not told, and does not matter.
    if finding.principal.arn.is_some() || finding.outcome != Outcome::NotAuthorization {
        out.field("Caller", &caller(finding));
    }
    out.field("Refused", &words::failing(event, options.now));
    if let Some(from) = source(finding) {
        out.field("From", &from);
    }
    out.heading(&format!("Why ({})", words::sureness(finding)));
    out.paragraph(&words::why(finding));
    if let Some(contradiction) = words::contradiction(finding) {
        out.paragraph(&contradiction);
    }
    if let Some(unread) = unread(finding) {
        out.paragraph(&format!("Not read: {unread}."));
    }
    out.heading("Fix");
    out.paragraph(&finding.summary.fix);
    for sentence in grant::sentences(finding) {
        out.paragraph(&sentence);
    }
    for sentence in words::also_allowed(finding) {
        out.paragraph(sentence);
    }
    if let Some(sentence) = dependencies(finding) {
        out.paragraph(&sentence);
    }
    out.gap();
    if let Some(link) = &options.decision_link {
        out.field("Decide", link);
    }
    if options.show {
        out.field("Show", &format!("sesame show {}", escape::id(&finding.id)));
    }
    if let Some(hint) = words::hint(finding, "possible-stolen-key") {
        out.heading("If nobody knows this caller");
        out.paragraph(&hint.summary);
        for line in words::IF_NOT_YOU {
            out.bullet(line);
        }
    }
}

fn caller(finding: &Finding) -> String {
    let principal = &finding.principal;
    let mut parts = vec![words::caller(principal)];
    if let Some(owner) = &principal.owner {
        parts.push(format!("owner {owner}"));
    }
    if let Some(by) = principal.managed_by {
        parts.push(format!("managed by {}", words::managed_by(by)));
    }
    parts.join(", ")
}

/// Where the refused calls came from, and with which client.
pub(crate) fn source(finding: &Finding) -> Option<String> {
    let event = &finding.event;
    let mut parts: Vec<String> = Vec::new();
    parts.extend(event.source_ip.clone());
    // A service calls in its own name.
    let agent = event.user_agent.as_deref().filter(|agent| Some(*agent) != event.source_ip.as_deref());
    parts.extend(agent.map(|agent| escape::clip(agent, 80)));
    let others = event.sources.len().saturating_sub(1);
    if others > 0 {
        parts.push(format!("and {}", words::counted(others, "other source", "other sources")));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What was not read, in half a line.
pub(crate) fn unread(finding: &Finding) -> Option<String> {
    let names: Vec<String> = finding.gaps.iter().map(words::unread).collect();
    let names: Vec<String> = dedup(&names.iter().map(String::as_str).collect::<Vec<_>>()).map(str::to_owned).collect();
    (!names.is_empty()).then(|| words::and(&names))
}

/// On what the plan still turns.
pub(crate) fn dependencies(finding: &Finding) -> Option<String> {
    let all: Vec<&str> = finding
        .planned()
        .filter(|remedy| remedy.verification.allowed_after != Some(true))
        .flat_map(|remedy| remedy.verification.depends_on.iter().map(String::as_str))
        .collect();
    let of_gap = |name: &str| finding.gaps.iter().find(|gap| gap.layer == name);
    let named: Vec<String> = dedup(&all)
        .map(|name| of_gap(name).map_or_else(|| dependency(name), |gap| format!("the {}", words::unread(gap))))
        .collect();
    (!named.is_empty()).then(|| format!("Whether the send then goes through still turns on {}.", words::and(&named)))
}

/// A key or a layer on which something turns.
pub(crate) fn dependency(name: &str) -> String {
    if name.contains(':') { format!("`{name}`") } else { format!("the {}", words::layer(name)) }
}

fn dedup<'t>(texts: &[&'t str]) -> impl Iterator<Item = &'t str> {
    let mut seen: Vec<&'t str> = Vec::new();
    for text in texts {
        if !text.is_empty() && !seen.contains(text) {
            seen.push(text);
        }
    }
    seen.into_iter()
}

fn foot(finding: &Finding, options: &TextOptions, left_out: &[&str]) -> String {
    let mut out = Writer::new(options.width, options.styled);
    if !left_out.is_empty() {
        let names: Vec<String> = dedup(left_out).map(str::to_owned).collect();
        let text = format!("Left out to keep this message short: {}. All of it:", words::and(&names));
        out.gap();
        out.paragraph(&text);
        out.verbatim(&format!("sesame show {}", escape::id(&finding.id)));
    }
    out.finish()
}
