//! The page and its door: who may look, who may decide, and what everybody else is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

mod web_desk;

use jiff::SignedDuration;
use pollster::block_on;
use sesame_remediation::State;
use sesame_remediation::decision::{Approver, Channel, Verdict};
use sesame_remediation::link::{Link, form_code};
use sesame_remediation::mac::{LocalKey, Mac, MacError};
use sesame_responder::apply::apply;
use sesame_responder::list::{Filter, Page};
use sesame_responder::ports::{Clock as _, FindingStore, Notice, PortError, Publisher, SaveError};
use sesame_responder::record::{Alert, Record};
use sesame_responder::walls::NoControls;
use sesame_responder::web::{Address, HttpRequest, WebApproval, answer};
use sesame_responder::{Settings, Shared};
use web_desk::*;

#[test]
fn a_link_becomes_a_cookie_and_is_gone_from_the_address() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), &record.finding.id);
    for method in ["GET", "HEAD"] {
        let response = desk.answer(&HttpRequest { method: method.to_owned(), ..get(&format!("/t/{token}")) });
        assert_eq!(response.status, 303);
        assert_eq!(response.header("location"), Some(format!("/f/{id}").as_str()));
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.cookies, [format!("sesame={token}; Path=/f/{id}; HttpOnly; SameSite=Lax; Secure")]);
        assert!(response.body.is_empty());
    }
    let page = desk.open(&token, id);
    assert_eq!(page.status, 200);
    assert!(!text(&page).contains(&token), "the page does not hold the token");
    assert!(!format!("{:?}", get(&format!("/t/{token}"))).contains(&token), "nor does what a log may print");
}

#[test]
fn loopback_has_no_secure_cookie_and_a_path_of_its_own() {
    let mut desk = desk();
    desk.site.address = Address::parse("http://127.0.0.1:8025/secret/").unwrap();
    let record = desk.take_in(NO_ALLOW);
    let token = desk.token(&record);
    let id = &record.finding.id;
    let response = desk.answer(&get(&format!("/secret/t/{token}")));
    assert_eq!(response.cookies, [format!("sesame={token}; Path=/secret/f/{id}; HttpOnly; SameSite=Lax")]);
    assert_eq!(response.header("strict-transport-security"), None);
    let page = text(&desk.answer(&with_cookie(get(&format!("/secret/f/{id}")), &token)));
    assert!(page.contains(&format!("<form method=\"post\" action=\"/secret/f/{id}\">")));
}

#[test]
fn every_page_is_sent_with_the_headers_that_hold_it_in() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let token = desk.token(&record);
    for response in [desk.open(&token, &record.finding.id), desk.answer(&get("/")), desk.answer(&get("/t/x"))] {
        let policy = response.header("content-security-policy").unwrap();
        for part in
            ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "'sha256-"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("x-frame-options"), Some("DENY"));
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(response.header("strict-transport-security").is_some());
    }
}

/// Ports that must not be asked.
struct Untouchable;

impl FindingStore for Untouchable {
    async fn load(&self, _: &str) -> Result<Option<Record>, PortError> {
        panic!("the store was asked")
    }
    async fn save(&self, _: &mut Record) -> Result<(), SaveError> {
        panic!("the store was asked")
    }
    async fn unfinished(&self) -> Result<Vec<String>, PortError> {
        panic!("the store was asked")
    }
    async fn list(&self, _: &Filter) -> Result<Page, PortError> {
        panic!("the store was asked")
    }
}

impl Publisher for Untouchable {
    async fn publish(&self, _: Notice<'_>) -> Result<(), PortError> {
        panic!("something was published")
    }
}

impl Mac for Untouchable {
    fn key_id(&self) -> &str {
        "untouchable"
    }
    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, MacError> {
        panic!("the decision key was used")
    }
    async fn verify(&self, _: &[u8], _: &[u8]) -> Result<bool, MacError> {
        panic!("the decision key was used")
    }
}

/// Tokens that are none of this stack's, for this finding.
fn forged(desk: &Desk, record: &Record) -> Vec<(String, String)> {
    let good = desk.token(record);
    let link = desk.link(record);
    let other_key = LocalKey::new("links", &[8; 32]).unwrap();
    let sign = |link: &Link, key: &LocalKey| block_on(link.token(key)).unwrap();
    let mut list = vec![
        ("empty".to_owned(), String::new()),
        ("another key".to_owned(), sign(&link, &other_key)),
        ("the decision key".to_owned(), sign(&link, &desk.key)),
        ("another stack".to_owned(), desk.sign(&Link { stack: "other".to_owned(), ..link.clone() })),
        ("another stage".to_owned(), desk.sign(&Link { stage: "test".to_owned(), ..link.clone() })),
        ("a later end".to_owned(), good.replacen(&link.expires.as_second().to_string(), "9999999999", 1)),
        ("another generation".to_owned(), good.replacen(".1.0.", ".2.0.", 1)),
        ("another series".to_owned(), good.replacen(".1.0.", ".1.1.", 1)),
        ("more behind it".to_owned(), format!("{good}.x")),
        ("very long".to_owned(), format!("{good}{}", "A".repeat(10_000))),
        ("no code".to_owned(), good.rsplit_once('.').unwrap().0.to_owned()),
    ];
    list.extend((1..good.len()).step_by(7).map(|cut| (format!("cut at {cut}"), good[..cut].to_owned())));
    let flipped = |at: usize| {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        (format!("changed at {at}"), String::from_utf8(bytes).unwrap())
    };
    // The last letter of the code holds bits that do not count, which base64 refuses.
    list.extend((0..good.len()).map(flipped));
    list.retain(|(what, token)| *token != good || panic!("{what} is no forgery"));
    list
}

#[test]
fn nothing_is_asked_before_the_code_of_a_link_is_checked() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let id = &record.finding.id;
    let shared = Shared { store: &Untouchable, publisher: &Untouchable, clock: &desk.clock, settings: &desk.settings };
    let ask = |request: &HttpRequest| block_on(answer(request, &desk.site, &Untouchable, shared));
    let mut forged = forged(&desk, &record);
    assert!(forged.len() > 60);
    // Genuine, but of another finding.
    let other = Link { finding: "f-0000000000000000".to_owned(), ..desk.link(&record) };
    forged.push(("another finding".to_owned(), desk.sign(&other)));
    for (what, token) in &forged {
        if what != "another finding" {
            assert!([403, 404].contains(&ask(&get(&format!("/t/{token}"))).status), "{what}");
        }
        let shown = ask(&with_cookie(get(&format!("/f/{id}")), token));
        assert_eq!(shown.status, 403, "{what}");
        assert!(!text(&shown).contains("<form"), "{what}");
        assert_eq!(ask(&form(token, id, "x", &[("decision", "approve")])).status, 403, "{what}");
    }
    assert_eq!(ask(&get(&format!("/f/{id}"))).status, 403, "without a cookie");
    // With a genuine link, a form that says nothing, or comes from elsewhere, is refused before the record is read.
    let token = desk.token(&record);
    assert_eq!(ask(&form(&token, id, "x", &[("decision", "what")])).status, 400);
    let elsewhere = form(&token, id, "x", &[("decision", "approve")]).with_header("sec-fetch-site", "cross-site");
    assert_eq!(ask(&elsewhere).status, 403);
    for path in ["/findings", "/findings/f-1", "/grants", "/audit"] {
        assert_eq!(ask(&get(path)).status, 403, "{path}");
    }
    assert_eq!(ask(&HttpRequest { method: "POST".to_owned(), ..get("/decide") }).status, 403);
}

#[test]
fn looking_changes_nothing() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let before = (desk.record(&id), desk.world.now(), desk.publisher.published().len());
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get"] {
        for path in
            [format!("/t/{token}"), format!("/f/{id}"), format!("/f/{id}?decision=approve"), "/decide".to_owned()]
        {
            for (name, value) in [
                ("purpose", "prefetch"),
                ("sec-purpose", "prefetch;prerender"),
                ("x-moz", "prefetch"),
                ("user-agent", "SafeLinks"),
            ] {
                let request = with_cookie(get(&path), &token).with_header(name, value);
                let response = desk.answer(&HttpRequest { method: method.to_owned(), ..request });
                assert!(method != "HEAD" || response.body.is_empty());
                assert!(["GET", "HEAD"].contains(&method) || response.status >= 400, "{method} {path}");
            }
        }
    }
    assert_eq!((desk.record(&id), desk.world.now(), desk.publisher.published().len()), before);
}

#[test]
fn a_form_decides_only_from_its_own_page() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let csrf = field(&text(&desk.open(&token, &id)), "csrf").unwrap();
    let good = form(&token, &id, &csrf, &[("decision", "reject")]);
    let without = |name: &str| {
        let mut request = good.clone();
        request.headers.remove(name);
        request
    };
    let other = desk.sign(&Link { series: 7, ..desk.link(&record) });
    let refused = [
        ("no cookie", HttpRequest { cookies: Vec::new(), ..good.clone() }),
        ("no code", form(&token, &id, "", &[("decision", "reject")])),
        (
            "another code",
            form(&token, &id, &csrf.replace(csrf.chars().next().unwrap(), "_"), &[("decision", "reject")]),
        ),
        ("the code of another link", form(&other, &id, &csrf, &[("decision", "reject")])),
        ("the code twice", form(&token, &id, &csrf, &[("decision", "reject"), ("csrf", &csrf)])),
        ("the token in place of the code", form(&token, &id, &token, &[("decision", "reject")])),
        ("from another site", good.clone().with_header("sec-fetch-site", "cross-site")),
        ("from a sister site", good.clone().with_header("sec-fetch-site", "same-site")),
        ("from no site", good.clone().with_header("sec-fetch-site", "none")),
        ("another origin", good.clone().with_header("origin", "https://evil.example")),
        ("another scheme", good.clone().with_header("origin", "http://sesame.example")),
        ("a longer origin", good.clone().with_header("origin", "https://sesame.example.evil.example")),
        ("neither origin nor fetch metadata", without("sec-fetch-site")),
        ("no content type", without("content-type")),
        ("plain text", good.clone().with_header("content-type", "text/plain")),
        ("JSON", good.clone().with_header("content-type", "application/json")),
        ("multipart", good.clone().with_header("content-type", "multipart/form-data; boundary=x")),
        ("too large", HttpRequest { body: vec![b'a'; 70_000], ..good.clone() }),
        ("no decision", form(&token, &id, &csrf, &[])),
        ("an unknown decision", form(&token, &id, &csrf, &[("decision", "apply")])),
        ("two decisions", form(&token, &id, &csrf, &[("decision", "reject"), ("decision", "approve")])),
        ("a roll-back, which is not for links", form(&token, &id, &csrf, &[("decision", "rollback")])),
        ("a mute without an end", form(&token, &id, &csrf, &[("decision", "mute")])),
        ("a mute for ever", form(&token, &id, &csrf, &[("decision", "mute"), ("days", "36500")])),
        ("an approval of nothing", form(&token, &id, &csrf, &[("decision", "approve")])),
        ("an approval of something else", form(&token, &id, &csrf, &[("decision", "approve"), ("remedies", "r1 - -")])),
    ];
    for (what, request) in refused {
        let response = desk.answer(&request);
        assert!((400..500).contains(&response.status), "{what}: {}", response.status);
        assert!(!text(&response).contains("<form"), "{what}");
        assert_eq!(desk.record(&id).state, State::Open, "{what}");
    }
    // What an old browser says of itself is as good.
    let old = without("sec-fetch-site").with_header("origin", ORIGIN);
    assert_eq!(desk.answer(&old).status, 303);
    assert_eq!(desk.record(&id).state, State::Rejected);
}

#[test]
fn what_a_genuine_link_tried_in_vain_is_in_the_audit() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let id = record.finding.id.clone();
    let code = |token: &str| block_on(form_code(token, "decide", &desk.site.link_key)).unwrap();
    let genuine = desk.token(&record);
    let late = desk.sign(&Link { expires: desk.clock.now(), ..desk.link(&record) });
    let old = desk.sign(&Link { generation: 0, ..desk.link(&record) });
    let tried: [(&str, &str, &str, &str); 5] = [
        (&genuine, "x", "reject", "the form was not one of this finding's page"),
        (&genuine, &code(&genuine), "approve", "the remedies were not those that the page offers"),
        (&genuine, &code(&genuine), "rollback", "a link cannot decide this"),
        (&late, &code(&late), "reject", "the time of the link is over"),
        (&old, &code(&old), "mute", "the decision is about generation 0"),
    ];
    for (number, (token, code, decision, why)) in tried.iter().enumerate() {
        let response = desk.answer(&form(token, &id, code, &[("decision", decision), ("days", "7")]));
        assert!((400..500).contains(&response.status), "{why}");
        let after = desk.record(&id);
        let entry = after.history.last().unwrap();
        assert_eq!(
            (after.state, after.alert, after.history.len()),
            (State::Open, Alert::Attempts, number + 2),
            "{why}"
        );
        assert!(entry.refused.as_ref().unwrap().starts_with(why), "{:?}", entry.refused);
        assert_eq!(entry.origin.source_ip.as_deref(), Some("192.0.2.7"));
        assert_eq!(entry.by.as_ref().unwrap().channel, Channel::Link);
    }
}

#[test]
fn an_approval_is_about_what_was_shown_and_says_who_why_and_from_where() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let choices = desk.choices(&token, &id);
    assert_eq!(choices.len(), 4, "the plan, and three ends");
    let fields = [("decision", "approve"), ("remedies", choices[0].as_str()), ("reason", " the orders must go out ")];
    let response = desk.submit(&token, &id, &fields);
    assert_eq!((response.status, response.header("location")), (303, Some(format!("/f/{id}").as_str())));
    let approved = desk.record(&id);
    let decision = &approved.decision.as_ref().unwrap().decision;
    assert_eq!(approved.state, State::Approved);
    assert_eq!(decision.verdict, Verdict::Approve);
    assert_eq!(decision.approver, Approver { channel: Channel::Link, id: None });
    assert_eq!(decision.reason.as_deref(), Some("the orders must go out"));
    assert_eq!(decision.origin.source_ip.as_deref(), Some("192.0.2.7"));
    assert_eq!(decision.origin.user_agent.as_deref(), Some("Browser/1"));
    let planned: Vec<_> =
        record.finding.planned().map(|remedy| (remedy.id.clone(), remedy.after_digest.clone())).collect();
    let decided: Vec<_> =
        decision.remedies.iter().map(|remedy| (remedy.id.clone(), remedy.after_digest.clone())).collect();
    assert_eq!(decided, planned);

    let follow = text(&desk.open(&token, &id));
    assert!(follow.contains("<meta http-equiv=\"refresh\" content=\"2\">"));
    assert!(follow.contains("<h1 id=\"what\">Approved</h1>"));
    assert!(!follow.contains("<form"));
    block_on(apply(&id, &desk.world, &desk.world, &desk.key, &NoControls, desk.shared())).unwrap();
    let end = text(&desk.open(&token, &id));
    assert!(end.contains("<h2 id=\"state\">Applied</h2>") && !end.contains("http-equiv=\"refresh\""));
    assert!(end.contains("Approved by the holder of a link at 03:00 UTC: “the orders must go out”."));
    assert!(end.contains(&format!("<code>sesame rollback {id}</code>")));
    assert!(!end.contains("<form"));
}

#[test]
fn a_choice_with_an_end_applies_the_document_with_that_end() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let choices = desk.choices(&token, &id);
    assert_eq!(desk.submit(&token, &id, &[("decision", "approve"), ("remedies", &choices[2])]).status, 303);
    let applied = block_on(apply(&id, &desk.world, &desk.world, &desk.key, &NoControls, desk.shared())).unwrap();
    let after = applied.receipt.unwrap().written[0].after.clone().unwrap().to_string();
    assert!(after.contains("\"aws:CurrentTime\":\"2026-11-30T03:00:00Z\""), "{after}");
}

#[test]
fn an_end_that_is_past_is_not_on_offer() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let choices = desk.choices(&token, &id);
    desk.clock.set(time("2026-11-25T03:00:00Z"));
    assert_eq!(desk.choices(&token, &id), [&choices[0], &choices[2], &choices[3]].map(Clone::clone));
    let late = desk.submit(&token, &id, &[("decision", "approve"), ("remedies", &choices[1])]);
    assert_eq!(late.status, 409);
    assert_eq!(desk.record(&id).state, State::Open);
}

#[test]
fn a_plan_that_changed_meanwhile_is_not_approved() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let page = text(&desk.open(&token, &id));
    let (csrf, choice) = (field(&page, "csrf").unwrap(), field(&page, "remedies").unwrap());
    let mut changed = desk.record(&id);
    changed.finding.remedies[0].after_digest = Some("sha256:0000".to_owned());
    desk.save(changed);
    let response = desk.answer(&form(&token, &id, &csrf, &[("decision", "approve"), ("remedies", &choice)]));
    assert_eq!(response.status, 409);
    assert!(text(&response).contains("Not as it was shown"));
    assert_eq!(desk.record(&id).state, State::Open);
}

#[test]
fn rejecting_and_muting_say_until_when() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    assert_eq!(desk.submit(&token, &id, &[("decision", "mute"), ("days", "7"), ("reason", "known")]).status, 303);
    assert_eq!(desk.record(&id).muted_until, Some(time("2026-11-30T03:00:00Z")));
    let page = text(&desk.open(&token, &id));
    assert!(
        page.contains("<h2 id=\"state\">Muted</h2>") && page.contains("30 Nov 03:00 UTC") && page.contains("“known”")
    );

    let desk = web_desk::desk();
    desk.take_in(NO_ALLOW);
    assert_eq!(desk.submit(&token, &id, &[("decision", "reject")]).status, 303);
    let page = text(&desk.open(&token, &id));
    assert!(page.contains("<h2 id=\"state\">Rejected</h2>") && page.contains("24 hours"));
}

#[test]
fn a_second_click_hears_who_decided_and_when() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let page = text(&desk.open(&token, &id));
    let (csrf, choice) = (field(&page, "csrf").unwrap(), field(&page, "remedies").unwrap());
    let request = form(&token, &id, &csrf, &[("decision", "approve"), ("remedies", &choice)]);
    assert_eq!(desk.answer(&request).status, 303);
    for (state, words) in [(State::Approved, "It stands at: approved."), (State::Applied, "It stands at: applied.")] {
        if state == State::Applied {
            block_on(apply(&id, &desk.world, &desk.world, &desk.key, &NoControls, desk.shared())).unwrap();
        }
        let again = desk.answer(&request);
        let said = text(&again);
        assert_eq!(again.status, 409);
        assert!(said.contains("It was decided already") && said.contains(words), "{said}");
        assert!(said.contains("Approved by the holder of a link at 03:00 UTC."), "{said}");
        assert_eq!(desk.record(&id).state, state);
    }
    let refused = desk.record(&id).history.into_iter().filter(|entry| entry.refused.is_some()).count();
    assert_eq!(refused, 2, "the attempts are kept");
}

#[test]
fn a_link_that_is_over_or_void_shows_how_it_stands_without_buttons() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let id = record.finding.id.clone();
    let link = desk.link(&record);
    let late = Link { expires: desk.clock.now(), ..link.clone() };
    let elsewhere = Link { series: 3, ..link.clone() };
    let old = Link { generation: 0, ..link.clone() };
    for (what, link, words) in [
        ("over", late, "The time of this link is over"),
        ("void", elsewhere, "a new source of refusals"),
        ("old", old, "of an earlier time"),
    ] {
        let token = desk.sign(&link);
        assert_eq!(desk.answer(&get(&format!("/t/{token}"))).status, 303, "{what}");
        let page = text(&desk.open(&token, &id));
        assert!(page.contains("<h2 id=\"state\">Open</h2>") && page.contains(words), "{what}: {page}");
        assert!(page.contains(&format!("<code>sesame approve {id}</code>")), "{what}");
        assert!(!page.contains("<form"), "{what}");
        // Whoever makes the form by hand gets no further: its code is not to be had.
        let code = block_on(form_code(&token, "decide", &desk.site.link_key)).unwrap();
        let posted = desk.answer(&form(&token, &id, &code, &[("decision", "reject")]));
        assert_eq!(posted.status, 409, "{what}");
        assert_eq!(desk.record(&id).state, State::Open, "{what}");
    }
}

#[test]
fn a_stack_that_lets_links_only_show_has_no_form_and_takes_none() {
    let mut desk = desk();
    desk.settings.approval.by_link = false;
    desk.site.approval = WebApproval::View;
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let page = text(&desk.open(&token, &id));
    assert!(page.contains("Links only show here") && page.contains(&format!("<code>sesame approve {id}</code>")));
    assert!(!page.contains("<form"));
    let code = block_on(form_code(&token, "decide", &desk.site.link_key)).unwrap();
    assert_eq!(desk.answer(&form(&token, &id, &code, &[("decision", "reject")])).status, 403);
    assert_eq!(desk.record(&id).state, State::Open);
}

#[test]
fn a_stack_without_links_takes_none() {
    let mut desk = desk();
    desk.site.approval = WebApproval::Off;
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    assert_eq!(desk.answer(&get(&format!("/t/{token}"))).status, 404);
    let shown = desk.open(&token, &id);
    assert_eq!(shown.status, 404);
    assert!(text(&shown).contains("Links are switched off here"));
    let code = block_on(form_code(&token, "decide", &desk.site.link_key)).unwrap();
    assert_eq!(desk.answer(&form(&token, &id, &code, &[("decision", "reject")])).status, 404);
    assert_eq!(desk.record(&id).state, State::Open);
}

#[test]
fn what_needs_a_review_is_not_approved_by_a_link() {
    let desk = desk();
    let record = desk.take_in(NEEDS_REVIEW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let page = text(&desk.open(&token, &id));
    assert!(page.contains("needs a review") && page.contains(&format!("<code>sesame approve {id}</code>")));
    assert!(
        !page.contains("value=\"approve\"") && page.contains("value=\"reject\"") && page.contains("value=\"mute\"")
    );
    let csrf = field(&page, "csrf").unwrap();
    let plan = record.finding.planned().next().unwrap();
    let digest = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "-".to_owned());
    let choice = format!("{} {} {}", plan.id, digest(&plan.before_digest), digest(&plan.after_digest));
    let posted = desk.answer(&form(&token, &id, &csrf, &[("decision", "approve"), ("remedies", &choice)]));
    assert_eq!(posted.status, 403);
    assert!(text(&posted).contains(&format!("<code>sesame approve {id}</code>")));
    assert_eq!(desk.record(&id).state, State::Open);
}

#[test]
fn what_is_for_others_to_do_has_no_button_to_approve_it() {
    let desk = desk();
    let record = desk.take_in(BOUNDARY);
    let page = text(&desk.open(&desk.token(&record), &record.finding.id));
    assert!(page.contains("nothing that Sesame may apply"), "{page}");
    assert!(!page.contains("value=\"approve\"") && page.contains("value=\"reject\""));
}

#[test]
fn a_stack_that_only_suggests_says_so() {
    let mut desk = desk();
    desk.settings = Settings { apply: false, ..desk.settings };
    let record = desk.take_in(NO_ALLOW);
    let page = text(&desk.open(&desk.token(&record), &record.finding.id));
    assert!(page.contains("only suggests") && !page.contains("value=\"approve\""));
    let plain = serde_json::json!({"finding": record.finding.id, "generation": 1, "verdict": "approve"});
    let response = desk.answer(&signed("POST", "/decide", &plain));
    assert_eq!(
        (response.status, json(&response)["error"].as_str().unwrap().to_owned()),
        (422, "suggest-only".to_owned())
    );
    assert_eq!(desk.record(&record.finding.id).state, State::Open);
}

#[test]
fn at_this_machine_a_review_is_given_and_taken_back_on_the_page() {
    let mut desk = desk();
    desk.site.visitor = Approver { channel: Channel::Local, id: Some("ada".to_owned()) };
    let record = desk.take_in(NEEDS_REVIEW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let choices = desk.choices(&token, &id);
    assert_eq!(desk.submit(&token, &id, &[("decision", "approve"), ("remedies", &choices[0])]).status, 303);
    block_on(apply(&id, &desk.world, &desk.world, &desk.key, &NoControls, desk.shared())).unwrap();
    let page = text(&desk.open(&token, &id));
    assert!(page.contains("Approved by <code>ada</code>") && page.contains("value=\"rollback\""));
    assert_eq!(desk.submit(&token, &id, &[("decision", "rollback")]).status, 303);
    assert_eq!(desk.record(&id).state, State::RollingBack);
    assert!(text(&desk.open(&token, &id)).contains("<h1 id=\"what\">Being taken back</h1>"));
}

#[test]
fn a_page_that_follows_asks_less_often_and_in_the_end_no_more() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let choices = desk.choices(&token, &id);
    desk.submit(&token, &id, &[("decision", "approve"), ("remedies", &choices[0])]);
    let start = desk.clock.now();
    for (after, seconds) in [(0, Some(2)), (60, Some(5)), (300, Some(20)), (3_600, None)] {
        desk.clock.set(start.checked_add(SignedDuration::from_secs(after)).unwrap());
        let page = text(&desk.open(&token, &id));
        let refresh =
            page.split("http-equiv=\"refresh\" content=\"").nth(1).map(|rest| rest.split('"').next().unwrap());
        assert_eq!(refresh.map(str::to_owned), seconds.map(|seconds: u32| seconds.to_string()), "after {after} s");
        assert!(page.contains("Look again now"));
    }
}

#[test]
fn cookies_are_read_from_both_places_and_the_right_one_is_found() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let (token, id) = (desk.token(&record), record.finding.id.clone());
    let page = format!("/f/{id}");
    let header = get(&page).with_header("cookie", &format!("a=b; sesame=stale; sesame={token}"));
    let listed = HttpRequest { cookies: vec!["a=b".to_owned(), format!("sesame={token}")], ..get(&page) };
    assert_eq!((desk.answer(&header).status, desk.answer(&listed).status), (200, 200));
    let other = get(&page).with_header("cookie", &format!("xsesame={token}; sesame=; sesame"));
    assert_eq!(desk.answer(&other).status, 403);
}

#[test]
fn a_finding_that_is_gone_and_a_store_that_fails_are_told_apart() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let gone = Link { finding: "f-ffffffffffffffff".to_owned(), ..desk.link(&record) };
    assert_eq!(desk.open(&desk.sign(&gone), "f-ffffffffffffffff").status, 404);
}

#[test]
fn whatever_else_is_asked_is_answered_with_no() {
    let desk = desk();
    for path in
        ["/", "", "/slack", "/t", "/f", "/t/a/b", "/f/a/b", "/T/x", "//t/x", "/favicon.ico", "/robots.txt", "/../f/x"]
    {
        assert!([403, 404].contains(&desk.answer(&get(path)).status), "{path}");
    }
    let wrong = desk.answer(&HttpRequest { method: "DELETE".to_owned(), ..get("/f/f-1") });
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, POST")));
}

#[test]
fn an_address_is_an_origin_and_a_path() {
    let parsed = |url: &str| Address::parse(url).map(|address| (address.origin, address.path));
    let pair = |origin: &str, path: &str| Some((origin.to_owned(), path.to_owned()));
    assert_eq!(parsed("https://A.example"), pair("https://a.example", ""));
    assert_eq!(parsed("https://a.example/"), pair("https://a.example", ""));
    assert_eq!(parsed("https://a.example/sesame/"), pair("https://a.example", "/sesame"));
    assert_eq!(parsed("http://127.0.0.1:80/x"), pair("http://127.0.0.1:80", "/x"));
    for odd in [
        "",
        "a.example",
        "ftp://a.example",
        "https://",
        "https:///x",
        "https://u@a.example",
        "https://a.example/?x",
        "https://a example",
        "https://a.example/\r\nx",
    ] {
        assert_eq!(parsed(odd), None, "{odd:?}");
    }
}

#[test]
fn the_page_tells_what_the_principal_was_given_before() {
    let desk = desk();
    let first = desk.take_in(NO_ALLOW);
    let token = desk.token(&first);
    assert!(!text(&desk.open(&token, &first.finding.id)).contains("Earlier grants"));
    let choices = desk.choices(&token, &first.finding.id);
    desk.submit(&token, &first.finding.id, &[("decision", "approve"), ("remedies", &choices[1])]);
    block_on(apply(&first.finding.id, &desk.world, &desk.world, &desk.key, &NoControls, desk.shared())).unwrap();
    assert!(!text(&desk.open(&token, &first.finding.id)).contains("Earlier grants"), "not what it is about itself");
    // Another refusal of the same role, as if of another identity.
    let mut second = desk.record(&first.finding.id);
    second.finding.id = "f-00000000000000aa".to_owned();
    (second.version, second.state, second.receipt) = (0, State::Open, None);
    desk.save(second.clone());
    let page = text(&desk.open(&desk.token(&second), &second.finding.id));
    assert!(page.contains("Earlier grants to this principal"), "{page}");
    assert!(page.contains("until 2026-11-24T03:00:00Z, approved by the holder of a link"), "{page}");
    assert!(page.contains(&format!("<code>{}</code>", first.finding.id)));
}
