//! What stands in a page, before it is markup.

use askama::Template;
use jiff::Timestamp;
use sesame_diagnosis::document;
use sesame_diagnosis::finding::{
    Applicability, Cause, Certainty, ConditionInfo, Finding, NearMiss, Outcome, PolicyInfo, PrincipalKind, Remedy,
    StatementInfo,
};
use sesame_diagnosis::words as sentences;

use super::picture::{Picture, pictures};
use super::{Decision, Entry, Form, Html, LONGEST_REASON, MARK, PageOptions, STYLE, State};
use crate::escape::{self, Medium};
use crate::{compact, grant, json, text, words};

/// How many pictures, causes, near misses of a cause, values of a condition are shown.
const PICTURES: usize = 4;
const CAUSES: usize = 20;
const NEAR_MISSES: usize = 10;
const VALUES: usize = 20;
/// The longest JSON, in bytes.
const RAW: usize = 400 * 1024;

/// The page.
#[derive(Template)]
#[template(path = "page.html")]
pub struct Page {
    style: Html,
    mark: Html,
    title: String,
    id: String,
    generation: u32,
    banner: Option<Banner>,
    eyebrow: String,
    what: Html,
    sureness: &'static str,
    sureness_class: &'static str,
    sureness_meaning: Option<String>,
    why: Html,
    contradiction: Option<String>,
    unread: Option<String>,
    fix: Html,
    grants: Vec<Html>,
    dependencies: Option<Html>,
    stolen: Option<Stolen>,
    facts: Vec<Fact>,
    pictures: Vec<Picture>,
    pictures_left_out: usize,
    planned: Vec<Change>,
    form: Option<Decide>,
    causes: Vec<Shown>,
    causes_left_out: usize,
    witness: Option<Message>,
    alternatives: Vec<Change>,
    hints: Vec<Html>,
    gaps: Vec<Html>,
    earlier_grants: Vec<Happened>,
    sources: Vec<String>,
    raw: String,
    raw_shortened: bool,
}

struct Banner {
    tone: &'static str,
    state: String,
    sentence: Option<Html>,
    next: Option<Html>,
    history: Vec<Happened>,
}

/// A line of a history.
pub(super) struct Happened {
    pub(super) time: String,
    pub(super) text: Html,
}

struct Stolen {
    summary: Html,
    advice: [&'static str; 3],
}

struct Fact {
    label: &'static str,
    value: Html,
}

struct Change {
    title: Html,
    class: &'static str,
    class_word: &'static str,
    target: Html,
    whose: Html,
    grants: Vec<Html>,
    diff: Vec<DiffLine>,
    also_allowed: Html,
    examples: Vec<Html>,
    verified: Html,
    aws_cli: String,
    cloud_formation: Option<String>,
    terraform: Option<String>,
    undo: String,
}

struct DiffLine {
    class: &'static str,
    text: String,
}

struct Decide {
    heading: &'static str,
    note: Option<Html>,
    action: String,
    csrf: String,
    hidden: Vec<Hidden>,
    choices: Vec<Choice>,
    longest_reason: usize,
    buttons: Vec<Button>,
    /// A number of days, and whether it is preset; empty where muting is not on offer.
    mute: Vec<(String, String, bool)>,
}

struct Hidden {
    name: String,
    value: String,
}

struct Choice {
    value: String,
    label: Html,
}

struct Button {
    value: &'static str,
    label: &'static str,
}

struct Shown {
    heading: Html,
    certainty: &'static str,
    summary: Option<Html>,
    place: Option<Place>,
    conditions: Vec<Condition>,
    near: Vec<Near>,
    near_left_out: usize,
}

struct Place {
    words: Html,
    pointer: Option<String>,
    arn: Option<String>,
}

struct Condition {
    what: Html,
    class: &'static str,
    outcome: &'static str,
    expected: Vec<String>,
    actual: Vec<String>,
    actual_words: Option<&'static str>,
}

struct Near {
    also: Option<String>,
    place: Place,
    conditions: Vec<Condition>,
}

struct Message {
    message: String,
    agreement: String,
}

impl Page {
    pub fn new(whole: &Finding, options: &PageOptions) -> Page {
        let finding = &escape::shown(whole, Medium::Html);
        let event = &finding.event;
        let mut pictures = pictures(finding);
        let pictures_left_out = pictures.len().saturating_sub(PICTURES);
        pictures.truncate(PICTURES);
        let alone = finding.causes.len() == 1;
        let first = finding.causes.first().map(|cause| cause.certainty);
        let (raw, raw_shortened) = raw(whole);
        Page {
            style: Html::ours(STYLE),
            mark: Html::ours(MARK),
            title: format!("{} · Sesame", escape::unquoted(&finding.summary.what)),
            id: escape::id(&whole.id),
            generation: finding.generation,
            banner: options.state.as_ref().map(|state| banner(state, options)),
            eyebrow: eyebrow(finding),
            what: Html::sentence(&finding.summary.what),
            sureness: words::sureness(finding),
            sureness_class: first.map_or("plain", words::certainty),
            sureness_meaning: first.filter(|certainty| *certainty != Certainty::Proven).map(|certainty| {
                format!("{}: {}", words::capital(words::certainty(certainty)), words::certainty_meaning(certainty))
            }),
            why: Html::sentence(&words::why(finding)),
            contradiction: words::contradiction(finding),
            unread: text::unread(finding),
            fix: Html::sentence(&finding.summary.fix),
            grants: rich(&grant::sentences(finding)),
            dependencies: text::dependencies(finding).as_deref().map(Html::sentence),
            stolen: words::hint(finding, "possible-stolen-key")
                .map(|hint| Stolen { summary: Html::sentence(&hint.summary), advice: words::IF_NOT_YOU }),
            facts: facts(finding, options),
            pictures_left_out,
            pictures,
            planned: finding.planned().map(|remedy| change(remedy, finding, false)).collect(),
            form: options.form.as_ref().map(|form| decide(form, finding, options.now)),
            causes: finding.causes.iter().take(CAUSES).map(|cause| shown(cause, finding, alone)).collect(),
            causes_left_out: finding.causes.len().saturating_sub(CAUSES),
            witness: finding.witness.message.as_ref().map(|message| Message {
                message: message.clone(),
                agreement: match finding.outcome {
                    Outcome::NotAuthorization => String::new(),
                    _ => format!("{}.", words::testimony(&finding.witness)),
                },
            }),
            alternatives: finding
                .remedies
                .iter()
                .filter(|remedy| !finding.plan.contains(&remedy.id))
                .map(|remedy| change(remedy, finding, true))
                .collect(),
            hints: words::untold_hints(finding).into_iter().map(|hint| Html::sentence(&hint.summary)).collect(),
            gaps: finding
                .gaps
                .iter()
                .map(|gap| {
                    let layer = words::capital(&words::unread(gap));
                    Html::sentence(&format!("{layer} ({}): {}", gap.source, gap.summary))
                })
                .collect(),
            earlier_grants: happened(&options.earlier_grants, options.now),
            sources: event.sources.iter().map(|source| self::source(source, options)).collect(),
            raw,
            raw_shortened,
        }
    }
}

fn raw(whole: &Finding) -> (String, bool) {
    let forms = [whole.clone(), compact::compact(whole), compact::without_evidence(whole), compact::pointer(whole)];
    let mut text = String::new();
    for (index, form) in forms.iter().enumerate() {
        text = json::pretty(form);
        if text.len() <= RAW {
            return (text, index > 0);
        }
    }
    (text, true)
}

fn rich(sentences: &[String]) -> Vec<Html> {
    sentences.iter().map(|sentence| Html::sentence(sentence)).collect()
}

fn eyebrow(finding: &Finding) -> String {
    let event = &finding.event;
    let mut parts = vec![words::capital(words::outcome(finding.outcome))];
    parts.extend(event.account_name.clone().or_else(|| event.account.clone()));
    parts.extend(event.region.clone());
    parts.join(" · ")
}

fn banner(state: &State, options: &PageOptions) -> Banner {
    let sentence = |text: &String| Html::sentence(&escape::clip(text, 1_200));
    Banner {
        tone: state.tone.class(),
        state: escape::visible(&escape::clip(&state.name, 60)),
        sentence: state.sentence.as_ref().map(sentence),
        next: state.next.as_ref().map(sentence),
        history: happened(&state.history, options.now),
    }
}

pub(super) fn happened(entries: &[Entry], now: Timestamp) -> Vec<Happened> {
    let one = |entry: &Entry| Happened {
        time: escape::visible(&escape::clip(&words::moment(&entry.time, now), 60)),
        text: Html::sentence(&escape::clip(&entry.text, 600)),
    };
    entries.iter().map(one).collect()
}

fn facts(finding: &Finding, options: &PageOptions) -> Vec<Fact> {
    let (event, principal) = (&finding.event, &finding.principal);
    let mut list: Vec<(&'static str, String)> = vec![("Account", words::account(event))];
    list.extend(event.region.clone().map(|region| ("Region", region)));
    let federated = principal.kind == Some(PrincipalKind::FederatedUser);
    list.push(("Caller", if federated { words::caller(principal) } else { words::who(principal) }));
    list.extend(principal.arn.as_ref().map(|arn| ("ARN", format!("`{arn}`"))));
    let session = words::session(principal).filter(|_| !federated);
    list.extend(session.map(|session| ("Session", format!("`{session}`"))));
    list.extend(principal.owner.clone().map(|owner| ("Owner", owner)));
    list.extend(principal.managed_by.map(|by| ("Managed by", words::managed_by(by).to_owned())));
    list.push(("Refused", words::failing(event, options.now)));
    list.extend(event.source_ip.as_ref().map(|ip| ("From", format!("`{ip}`"))));
    list.extend(event.user_agent.as_deref().map(|agent| ("Client", escape::clip(agent, 160))));
    list.extend(event.api.as_ref().map(|api| ("API", format!("`{api}`"))));
    list.into_iter().map(|(label, value)| Fact { label, value: Html::sentence(&value) }).collect()
}

fn source(source: &sesame_diagnosis::finding::Source, options: &PageOptions) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(source.ip.clone());
    parts.extend(source.user_agent.as_deref().map(|agent| escape::clip(agent, 160)));
    parts.extend(source.key_id_suffix.as_ref().map(|suffix| format!("key …{suffix}")));
    parts.extend(source.vpc_endpoint_id.clone());
    parts.push(words::counted(usize::try_from(source.count).unwrap_or(usize::MAX), "time", "times"));
    parts.extend(source.first_seen.as_deref().map(|time| format!("first at {}", words::moment(time, options.now))));
    parts.join(", ")
}

fn change(remedy: &Remedy, finding: &Finding, alternative: bool) -> Change {
    let (class, class_word) = match remedy.applicability {
        Applicability::Applicable => ("applicable", "applicable"),
        Applicability::NeedsReview => ("review", "needs review"),
        Applicability::AdviceOnly => ("advice", "advice only"),
    };
    let verification = &remedy.verification;
    let verified = match verification.allowed_after {
        Some(true) => "Evaluated again with this in place: the send is allowed.".to_owned(),
        Some(false) => "By itself this does not let the send through.".to_owned(),
        None => {
            let on: Vec<String> = verification.depends_on.iter().map(|name| text::dependency(name)).collect();
            match on.is_empty() {
                true => "Whether the send then goes through could not be evaluated.".to_owned(),
                false => format!("Whether the send then goes through still turns on {}.", words::and(&on)),
            }
        }
    };
    let also = verification.also_allowed.as_str();
    Change {
        title: Html::sentence(&remedy.title),
        class,
        class_word,
        target: Html::sentence(&words::target(remedy)),
        whose: Html::sentence(&format!(
            "{}. For {}. {}.",
            words::capital(words::applicability(remedy.applicability)),
            words::owner(remedy),
            words::capital(&remedy.why)
        )),
        // What the plan gives stands at the top already.
        grants: if alternative { rich(&grant::of(&[remedy], finding)) } else { Vec::new() },
        diff: diff(remedy),
        also_allowed: Html::sentence(if also.is_empty() { "Not computed." } else { also }),
        examples: verification
            .also_allowed_requests
            .iter()
            .take(VALUES)
            .map(|example| Html::sentence(&format!("`{}`", document::compact(example).replace('`', "'"))))
            .collect(),
        verified: Html::sentence(&verified),
        aws_cli: remedy.commands.aws_cli.clone(),
        cloud_formation: remedy.commands.cloud_formation.clone(),
        terraform: remedy.commands.terraform.clone(),
        undo: remedy.commands.undo.clone(),
    }
}

fn diff(remedy: &Remedy) -> Vec<DiffLine> {
    let text = document::diff(remedy.before.as_ref(), remedy.after.as_ref());
    let line = |line: &str| {
        let class = match line.chars().next() {
            Some('+') => "add",
            Some('-') => "del",
            Some('@') => "hunk",
            _ => "same",
        };
        DiffLine { class, text: escape::visible(line) }
    };
    // The first two lines name the files, the third where it begins, which a new document does not need.
    text.lines().skip(if remedy.before.is_none() { 3 } else { 2 }).map(line).collect()
}

fn decide(form: &Form, finding: &Finding, now: Timestamp) -> Decide {
    let label = |decision: &Decision| match decision {
        Decision::Approve => Some("Approve and apply"),
        Decision::Reject => Some("Reject"),
        Decision::RollBack => Some("Take it back"),
        // Stands apart, beside its duration.
        Decision::Mute => None,
    };
    let button = |decision: &Decision| label(decision).map(|label| Button { value: decision.as_str(), label });
    let several = form.choices.len() > 1;
    let mute = form.decisions.contains(&Decision::Mute);
    let days = form.mute_days.iter().enumerate().filter(|_| mute).map(|(index, days)| {
        (days.to_string(), words::counted(usize::try_from(*days).unwrap_or(usize::MAX), "day", "days"), index == 1)
    });
    Decide {
        heading: if form.decisions == [Decision::RollBack] { "Take it back" } else { "Decide" },
        note: form.note.as_deref().map(Html::sentence),
        action: form.action.clone(),
        csrf: form.csrf.clone(),
        hidden: form.hidden.iter().map(|(name, value)| Hidden { name: name.clone(), value: value.clone() }).collect(),
        choices: form
            .choices
            .iter()
            .map(|choice| Choice { value: choice.value.clone(), label: choice_label(choice, finding, several, now) })
            .collect(),
        longest_reason: LONGEST_REASON,
        buttons: form.decisions.iter().filter_map(button).collect(),
        mute: days.collect(),
    }
}

/// How long it lasts is what tells the choices apart; what is given stands above.
fn choice_label(choice: &super::Choice, finding: &Finding, several: bool, now: Timestamp) -> Html {
    let remedies: Vec<&Remedy> = choice.remedies.iter().filter_map(|id| finding.remedy(id)).collect();
    let ends: Vec<&str> = remedies.iter().filter_map(|remedy| remedy.expires.as_deref()).collect();
    let title = || words::and(&remedies.iter().map(|remedy| remedy.title.clone()).collect::<Vec<_>>());
    Html::sentence(&match (ends.first(), ends.len() == remedies.len()) {
        (Some(end), true) => {
            let left = end.parse::<Timestamp>().map(|end| words::span(end.as_second() - now.as_second()));
            let left = left.map(|span| format!(" ({span} from now)")).unwrap_or_default();
            format!("Until {}{left}: the same, and it ends by itself", grant::until(end))
        }
        (None, _) if several => "For good: the change as shown above".to_owned(),
        _ => title(),
    })
}

fn shown(cause: &Cause, finding: &Finding, alone: bool) -> Shown {
    let asks = finding.requests.get(cause.request).map(crate::gate::asks).filter(|_| !alone);
    let heading = match asks {
        Some(asks) => format!("{}, for {asks}", words::cause_heading(cause)),
        None => words::cause_heading(cause),
    };
    Shown {
        heading: Html::sentence(&heading),
        certainty: words::certainty(cause.certainty),
        // A single cause was told already, under "why".
        summary: (!alone).then(|| Html::sentence(&words::sentence(&cause.summary))),
        place: cause.policy.as_ref().map(|policy| place(policy, cause.statement.as_ref())),
        conditions: cause.conditions.iter().map(condition).collect(),
        near: cause.near_misses.iter().take(NEAR_MISSES).map(near).collect(),
        near_left_out: cause.near_misses.len().saturating_sub(NEAR_MISSES),
    }
}

fn place(policy: &PolicyInfo, statement: Option<&StatementInfo>) -> Place {
    let name = statement.map(|statement| sentences::statement_name(statement.sid.as_deref(), statement.index));
    let whole = match name {
        Some(name) => format!("{name} of {}", sentences::policy(policy)),
        None => sentences::policy(policy),
    };
    Place {
        words: Html::sentence(&words::capital(&whole)),
        pointer: statement.map(|statement| statement.pointer.clone()),
        arn: policy.arn.clone(),
    }
}

fn condition(condition: &ConditionInfo) -> Condition {
    let (class, outcome) = match condition.matched {
        Some(true) => ("holds", "holds"),
        Some(false) => ("fails", "does not hold"),
        None => ("open-question", "not known"),
    };
    let actual_words = match (condition.state.as_str(), &condition.actual) {
        (_, Some(list)) if list.is_empty() => Some("empty"),
        (_, Some(_)) => None,
        ("absent", None) => Some("not in the request"),
        _ => Some("not in the record"),
    };
    Condition {
        what: Html::sentence(&format!("{} `{}`", condition.operator, condition.key)),
        class,
        outcome,
        expected: values(&condition.expected),
        actual: values(condition.actual.as_deref().unwrap_or_default()),
        actual_words,
    }
}

fn values(list: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = list.iter().take(VALUES).cloned().collect();
    if list.len() > VALUES {
        shown.push(format!("{} more", list.len() - VALUES));
    }
    shown
}

fn near(near: &NearMiss) -> Near {
    let conditions = match &near.condition {
        Some(_) => near.conditions().map(condition).collect(),
        None => vec![Condition {
            what: Html::sentence(&near.fails),
            class: "fails",
            outcome: "does not match",
            expected: values(&near.expected),
            actual: near.actual.iter().cloned().collect(),
            actual_words: near.actual.is_none().then_some("not known"),
        }],
    };
    Near {
        also: (!near.also_fails.is_empty()).then(|| format!("{} does not match either.", words::and(&near.also_fails))),
        place: place(&near.policy, Some(&near.statement)),
        conditions,
    }
}
