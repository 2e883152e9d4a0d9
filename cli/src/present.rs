//! Findings in the format that was asked for.

use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use serde_json::Value;
use sesame_diagnosis::finding::Finding;
use sesame_render::page::{PageOptions, page};
use sesame_render::slack::{SlackOptions, slack};
use sesame_render::sns::{SnsOptions, sns};
use sesame_render::text::{self, TextOptions};
use sesame_render::{Phase, chat, json};

use crate::arguments::Format;

/// Between two e-mails on one stream.
const RULE: &str =
    "----------------------------------------------------------------------------------------------------";

/// All findings as one text: JSON is pretty where there is one, and a line each where there are several.
pub fn findings(findings: &[Finding], format: Format, now: Timestamp) -> String {
    let one = findings.len() == 1;
    let object = |value: Value| if one { format!("{value:#}") } else { json::line(&value) };
    let texts = findings.iter().map(|finding| match format {
        Format::Text => text(finding, now),
        Format::Json if one => json::pretty(finding),
        Format::Json => json::line(finding),
        Format::Html => page(finding, &PageOptions::at(now)),
        Format::Sns => {
            let message = sns(finding, Phase::Finding, &SnsOptions::at(now));
            object(serde_json::to_value(message).unwrap_or_default())
        }
        Format::Slack => object(slack(finding, &SlackOptions { now, buttons: None, phase: None })),
        Format::Chat => object(chat::chat(finding, Phase::Finding, None, now)),
    });
    let between = if format == Format::Text { format!("{RULE}\n") } else { String::new() };
    texts.map(|text| text.trim_end().to_owned() + "\n").collect::<Vec<_>>().join(&between)
}

/// The e-mail's text; on a terminal in its styles and width.
fn text(finding: &Finding, now: Timestamp) -> String {
    if !io::stdout().is_terminal() {
        return text::email(finding, &TextOptions::email(now));
    }
    let styled = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    text::terminal(finding, &TextOptions::terminal(now, width(), styled))
}

/// The terminal's width in characters.
pub fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
}
