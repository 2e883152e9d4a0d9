//! The doors of HTTP with hostile values everywhere: in paths, cookies, forms, headers, stored findings.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

#[path = "../../render/tests/common/markup.rs"]
mod markup;
mod web_desk;

use markup::{hostile, is_our_markup, no_hidden_characters};
use serde_json::{Value, json as value};
use sesame_remediation::State;
use sesame_responder::audit;
use sesame_responder::web::{HttpRequest, HttpResponse};
use web_desk::*;

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Nothing in a header breaks out of its line.
fn is_one_line_each(response: &HttpResponse, what: &str) {
    for (name, value) in &response.headers {
        assert!(value.chars().all(|c| !c.is_control()), "{what}: {name}: {value:?}");
    }
    assert!(response.cookies.is_empty(), "{what}: a cookie was set");
}

fn short(text: &str) -> String {
    format!("{text:?}").chars().take(80).collect()
}

#[test]
fn paths_cookies_and_queries_are_only_text() {
    let desk = desk();
    desk.take_in(NO_ALLOW);
    for text in hostile() {
        let what = short(&text);
        let paths =
            [text.clone(), format!("/{text}"), format!("/t/{text}"), format!("/f/{text}"), format!("/findings/{text}")];
        for path in paths.iter().flat_map(|path| [path.clone(), encoded(path), format!("/t/{}", encoded(&text))]) {
            let response = desk.answer(&get(&path));
            assert!(response.status >= 400, "{what}: {path}");
            is_one_line_each(&response, &what);
            if response.header("content-type").unwrap().starts_with("text/html") {
                is_our_markup(&self::text(&response), &what, &[]);
            }
        }
        let id = &desk.take_in(NO_ALLOW).finding.id;
        let cookies = with_cookie(get(&format!("/f/{id}")), &text).with_header("cookie", &format!("sesame={text}"));
        assert_eq!(desk.answer(&cookies).status, 403, "{what}");
        for query in ["state", "account", "limit", "after", "format"] {
            let path = format!("/findings?{query}={}", encoded(&text));
            let response = desk.answer(&signed("GET", &path, &Value::Null));
            no_hidden_characters(&self::text(&response), &what);
            assert!([200, 400].contains(&response.status), "{what}");
        }
        let shown = desk.answer(&signed("GET", &format!("/findings/{text}"), &Value::Null));
        assert!(shown.status >= 400, "{what}");
        no_hidden_characters(&self::text(&shown), &what);
    }
}

#[test]
fn what_a_form_and_its_headers_say_is_kept_and_shown_as_text() {
    let mut kept = 0;
    for text in hostile() {
        let desk = desk();
        let what = short(&text);
        let record = desk.take_in(NO_ALLOW);
        let (token, id) = (desk.token(&record), record.finding.id.clone());
        let csrf = field(&self::text(&desk.open(&token, &id)), "csrf").unwrap();
        for name in ["decision", "remedies", "days", "csrf"] {
            let fields = [("decision", "approve"), ("remedies", "r1 - -"), ("days", "1")];
            let fields: Vec<(&str, &str)> =
                fields.into_iter().filter(|(other, _)| *other != name).chain([(name, text.as_str())]).collect();
            let response = desk.answer(&form(&token, &id, &csrf, &fields));
            assert!((400..500).contains(&response.status), "{what}: {name}");
            is_our_markup(&self::text(&response), &what, &[&format!("/f/{id}")]);
        }
        assert_eq!(desk.record(&id).state, State::Open, "{what}");
        let request =
            form(&token, &id, &csrf, &[("decision", "reject"), ("reason", &text)]).with_header("user-agent", &text);
        let response = desk.answer(&HttpRequest { source_ip: Some(text.clone()), ..request });
        assert!([303, 400].contains(&response.status), "{what}: {}", response.status);
        if response.status == 303 {
            kept += 1;
            assert_eq!(desk.record(&id).state, State::Rejected);
        }
        is_our_markup(&self::text(&desk.open(&token, &id)), &what, &["#what", "#decide", &format!("/f/{id}")]);
        let audit = self::text(&desk.answer(&signed("GET", "/audit?format=csv", &Value::Null)));
        let rows = cells(&audit);
        assert_eq!(rows.len(), desk.record(&id).history.len() + 1, "{what}: {audit}");
        for cell in rows.iter().flatten() {
            no_hidden_characters(cell, &what);
            assert!(
                !cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']),
                "{what}: {cell}"
            );
        }
        for line in audit::lines(&desk.record(&id)) {
            let line = serde_json::to_string(&line).unwrap();
            assert!(!line.contains(['\n', '\r', '\u{1b}']), "{what}");
        }
    }
    assert!(kept > 50, "only {kept} reasons were taken");
}

/// CSV by RFC 4180.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quoted, character) {
            (true, '"') if characters.peek() == Some(&'"') => cell.push(characters.next().unwrap()),
            (true, '"') => quoted = false,
            (true, other) => cell.push(other),
            (false, '"') => {
                assert!(cell.is_empty(), "a quote within a bare cell: {text}");
                quoted = true;
            }
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {
                assert_eq!(characters.next(), Some('\n'), "{text}");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (false, other) => cell.push(other),
        }
    }
    assert!(!quoted && cell.is_empty() && row.is_empty(), "the last line ends: {text}");
    let width = rows.first().map_or(0, Vec::len);
    assert!(rows.iter().all(|row| row.len() == width), "{text}");
    rows
}

#[test]
fn callers_and_bodies_of_the_signed_door_are_only_text() {
    for text in hostile() {
        let desk = desk();
        let what = short(&text);
        let record = desk.take_in(NO_ALLOW);
        let id = &record.finding.id;
        for field in ["finding", "verdict", "reason", "until", "remedies"] {
            let mut order =
                value!({"finding": id, "generation": 1, "verdict": "mute", "until": "2020-01-01T00:00:00Z"});
            order[field] = value!(text);
            let response = desk.answer(&signed("POST", "/decide", &order));
            assert!((400..500).contains(&response.status), "{what}: {field}: {}", response.status);
            assert!(json(&response)["message"].is_string());
        }
        let order = value!({"finding": id, "generation": 1, "verdict": "reject"});
        let caller = format!("arn:aws:iam::111122223333:user/{text}");
        let response = desk.answer(&HttpRequest { caller: Some(caller), ..signed("POST", "/decide", &order) });
        assert_eq!(response.status, 200, "{what}");
        is_our_markup(&self::text(&desk.open(&desk.token(&record), id)), &what, &["#what"]);
    }
}

#[test]
fn stored_findings_are_shown_as_text_whatever_stands_in_them() {
    for text in hostile() {
        let desk = desk();
        let what = short(&text);
        let mut record = desk.take_in(NO_ALLOW);
        let finding = &mut record.finding;
        let summary = &mut finding.summary;
        let remedy = &mut finding.remedies[0];
        for place in [&mut summary.what, &mut summary.why, &mut summary.fix, &mut remedy.title, &mut remedy.why] {
            text.clone_into(place);
        }
        finding.event.user_agent = Some(text.clone());
        finding.event.account_name = Some(text.clone());
        finding.principal.name = Some(text.clone());
        finding.principal.owner = Some(text.clone());
        finding.remedies[0].commands.aws_cli = text.clone();
        record.history[0].note = Some(text.clone());
        desk.save(record.clone());
        let (token, id) = (desk.token(&record), record.finding.id.clone());
        is_our_markup(&self::text(&desk.open(&token, &id)), &what, &["#what", "#decide", &format!("/f/{id}")]);
        let choices = desk.choices(&token, &id);
        assert_eq!(
            desk.submit(&token, &id, &[("decision", "approve"), ("remedies", &choices[0])]).status,
            303,
            "{what}"
        );
        is_our_markup(&self::text(&desk.open(&token, &id)), &what, &[""]);
    }
}
