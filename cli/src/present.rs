//! Findings in the format that was asked for.

use sesame_diagnosis::finding::Finding;

use crate::arguments::Format;
use crate::failure::Failure;

/// One document, or one after the other.
pub fn findings(findings: &[Finding], format: Format) -> Result<String, Failure> {
    let texts: Vec<String> = match (format, findings) {
        (Format::Json, [only]) => vec![json(serde_json::to_string_pretty(only))?],
        (Format::Json, several) => {
            several.iter().map(|finding| json(serde_json::to_string(finding))).collect::<Result<_, _>>()?
        }
        (_, all) => all
            .iter()
            .map(|finding| format!("{}\n{}\n{}", finding.summary.what, finding.summary.why, finding.summary.fix))
            .collect(),
    };
    Ok(texts.into_iter().map(|text| text + "\n").collect())
}

fn json(text: serde_json::Result<String>) -> Result<String, Failure> {
    text.map_err(|error| Failure::input(format!("the finding has no JSON form: {error}")))
}
