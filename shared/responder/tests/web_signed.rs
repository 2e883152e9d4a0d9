//! The door for callers with an IAM identity.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod web_desk;

use pollster::block_on;
use serde_json::{Value, json as value};
use sesame_remediation::State;
use sesame_remediation::decision::Channel;
use sesame_responder::apply::apply;
use sesame_responder::walls::NoControls;
use sesame_responder::web::HttpRequest;
use web_desk::*;

#[test]
fn without_a_caller_nothing_is_answered() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let order = value!({"finding": record.finding.id, "generation": 1, "verdict": "reject"});
    for caller in [None, Some(String::new()), Some("admin".to_owned())] {
        for (method, path) in
            [("POST", "/decide"), ("GET", "/findings"), ("GET", "/findings/f-1"), ("GET", "/grants"), ("GET", "/audit")]
        {
            let request = HttpRequest { caller: caller.clone(), ..signed(method, path, &order) };
            // Whatever the request itself claims.
            let request = request.with_header("x-amzn-caller", CALLER).with_header("authorization", CALLER);
            let response = desk.answer(&request);
            assert_eq!((response.status, json(&response)["error"].clone()), (403, value!("no-caller")), "{path}");
        }
    }
    assert_eq!(desk.record(&record.finding.id).state, State::Open);
}

#[test]
fn a_decision_is_the_callers_own() {
    let desk = desk();
    let record = desk.take_in(NEEDS_REVIEW);
    let id = &record.finding.id;
    let plan = record.finding.planned().next().unwrap();
    let shown = value!([{"id": plan.id, "beforeDigest": plan.before_digest, "afterDigest": plan.after_digest}]);
    let order = value!({"finding": id, "generation": 1, "verdict": "approve", "remedies": shown, "until": null, "reason": "reviewed"});
    let response = desk.answer(&signed("POST", "/decide", &order));
    let answer = json(&response);
    assert_eq!(response.status, 200, "{answer}");
    assert_eq!(
        (&answer["finding"], &answer["generation"], &answer["state"]),
        (&value!(id), &value!(1), &value!("approved"))
    );
    assert!(answer["message"].as_str().unwrap().contains(CALLER), "{answer}");
    let decision = desk.record(id).decision.unwrap().decision;
    assert_eq!((decision.approver.channel, decision.approver.id.as_deref()), (Channel::Cli, Some(CALLER)));
    assert_eq!(decision.reason.as_deref(), Some("reviewed"));

    let again = desk.answer(&signed("POST", "/decide", &order));
    let answer = json(&again);
    assert_eq!(
        (again.status, &answer["error"], &answer["state"]),
        (409, &value!("decided-already"), &value!("approved"))
    );

    block_on(apply(id, &desk.world, &desk.world, &desk.key, &NoControls, desk.shared())).unwrap();
    let back = value!({"finding": id, "generation": 1, "verdict": "rollback"});
    assert_eq!(json(&desk.answer(&signed("POST", "/decide", &back)))["state"], "rolling-back");
}

#[test]
fn a_revocation_is_a_verdict_of_its_own() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let id = &record.finding.id;
    let order = |verdict: &str| value!({"finding": id, "generation": 1, "verdict": verdict});
    assert_eq!(desk.answer(&signed("POST", "/decide", &order("approve"))).status, 200);
    block_on(apply(id, &desk.world, &desk.world, &desk.key, &NoControls, desk.shared())).unwrap();
    assert_eq!(desk.answer(&signed("POST", "/decide", &order("revoke"))).status, 200);
    assert_eq!(desk.record(id).state, State::RollingBack);
}

#[test]
fn what_cannot_be_decided_is_told_with_a_word_and_a_sentence() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let id = record.finding.id.as_str();
    let order = |more: Value| {
        let mut order = value!({"finding": id, "generation": 1, "verdict": "reject"});
        more.as_object().unwrap().iter().for_each(|(name, value)| order[name] = value.clone());
        order
    };
    let cases = [
        (order(value!({"finding": "f-ffffffffffffffff"})), 404, "no-finding", Value::Null),
        (order(value!({"generation": 2})), 409, "outdated", value!("open")),
        (
            order(
                value!({"verdict": "approve", "remedies": [{"id": "r1", "beforeDigest": null, "afterDigest": "sha256:0"}]}),
            ),
            409,
            "not-as-shown",
            value!("open"),
        ),
        (order(value!({"verdict": "mute"})), 400, "until", value!("open")),
        (order(value!({"verdict": "mute", "until": "2020-01-01T00:00:00Z"})), 400, "until", value!("open")),
        (order(value!({"reason": "x".repeat(501)})), 400, "reason", value!("open")),
        (order(value!({"reason": "a\u{1b}[31m"})), 400, "reason", value!("open")),
        (order(value!({"verdict": "rollback"})), 409, "decided-already", value!("open")),
        (order(value!({"verdict": "apply"})), 400, "not-a-decision", Value::Null),
        (order(value!({"more": 1})), 400, "not-a-decision", Value::Null),
        (order(value!({"generation": -1})), 400, "not-a-decision", Value::Null),
        (value!([]), 400, "not-a-decision", Value::Null),
        (Value::Null, 400, "not-a-decision", Value::Null),
    ];
    for (order, status, word, state) in cases {
        let response = desk.answer(&signed("POST", "/decide", &order));
        let answer = json(&response);
        assert_eq!(
            (response.status, &answer["error"], &answer["state"]),
            (status, &value!(word), &state),
            "{order}: {answer}"
        );
        assert!(answer["message"].as_str().unwrap().len() > 10, "{answer}");
    }
    assert_eq!(desk.record(id).state, State::Open);
    let large = HttpRequest { body: vec![b' '; 70_000], ..signed("POST", "/decide", &Value::Null) };
    assert_eq!(desk.answer(&large).status, 413);
}

#[test]
fn whoever_was_refused_cannot_approve() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let order = value!({"finding": record.finding.id, "generation": 1, "verdict": "approve"});
    for arn in [record.finding.principal.arn.clone(), record.finding.principal.session_arn.clone()] {
        let request = HttpRequest { caller: Some(arn.unwrap()), ..signed("POST", "/decide", &order) };
        let response = desk.answer(&request);
        assert_eq!((response.status, json(&response)["error"].clone()), (403, value!("own-grant")));
    }
}

#[test]
fn lists_are_filtered_and_paged() {
    let desk = desk();
    let (first, second) = (desk.take_in(NO_ALLOW), desk.take_in(NEEDS_REVIEW));
    let ask = |path: &str| {
        let response = desk.answer(&signed("GET", path, &Value::Null));
        (response.status, json(&response))
    };
    let (status, all) = ask("/findings");
    assert_eq!((status, all["findings"].as_array().unwrap().len()), (200, 2));
    assert_eq!(all["next"], Value::Null);
    assert_eq!(ask("/findings?state=applied").1["findings"], value!([]));
    assert_eq!(ask("/findings?state=open&account=111122223333").1["findings"].as_array().unwrap().len(), 2);
    let (_, page) = ask("/findings?limit=1");
    let next = page["next"].as_str().unwrap().replace('~', "%7E");
    let (_, rest) = ask(&format!("/findings?limit=1&after={next}"));
    let mut ids = [&page["findings"][0]["id"], &rest["findings"][0]["id"]].map(|id| id.as_str().unwrap().to_owned());
    ids.sort();
    let mut expected = [first.finding.id, second.finding.id];
    expected.sort();
    assert_eq!(ids, expected);
    for odd in ["state=closed", "limit=0", "limit=9999", "limit=x", "after=x", "colour=red"] {
        let (status, answer) = ask(&format!("/findings?{odd}"));
        assert_eq!((status, &answer["error"]), (400, &value!("query")), "{odd}");
        assert!(answer["message"].as_str().unwrap().contains("expected"), "{answer}");
    }
}

#[test]
fn what_stands_and_all_that_happened_is_told() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let id = &record.finding.id;
    let order = value!({"finding": id, "generation": 1, "verdict": "approve", "reason": "=1+1, \"quoted\""});
    let grants = |desk: &Desk| json(&desk.answer(&signed("GET", "/grants", &Value::Null)))["grants"].clone();
    assert_eq!(grants(&desk), value!([]));
    assert_eq!(desk.answer(&signed("POST", "/decide", &order)).status, 200);
    assert_eq!(desk.answer(&signed("POST", "/decide", &order)).status, 409);
    block_on(apply(id, &desk.world, &desk.world, &desk.key, &NoControls, desk.shared())).unwrap();
    let granted = grants(&desk);
    assert_eq!((&granted[0]["finding"], &granted[0]["by"]["id"]), (&value!(id), &value!(CALLER)));
    assert_eq!(granted[0]["actions"], value!(["ses:SendRawEmail"]));

    let audit = json(&desk.answer(&signed("GET", "/audit", &Value::Null)));
    let acts: Vec<&str> =
        audit["entries"].as_array().unwrap().iter().map(|entry| entry["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["find", "approve", "approve", "start", "complete"]);
    assert_eq!((&audit["next"], &audit["forgotten"]), (&Value::Null, &value!(0)));
    assert!(audit["entries"][2]["refused"].is_string());
    let csv = desk.answer(&signed("GET", "/audit?format=csv", &Value::Null));
    let body = text(&csv);
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"sesame-audit.csv\""));
    assert_eq!(body.lines().count(), 6);
    assert!(body.contains(",\"'=1+1, \"\"quoted\"\"\","), "{body}");
    assert_eq!(desk.answer(&signed("GET", "/audit?format=xml", &Value::Null)).status, 400);
    assert_eq!(desk.answer(&signed("GET", "/audit?format=csv&state=open", &Value::Null)).header("sesame-next"), None);
}

#[test]
fn a_finding_is_shown_as_it_is_stored() {
    let desk = desk();
    let record = desk.take_in(NO_ALLOW);
    let response = desk.answer(&signed("GET", &format!("/findings/{}", record.finding.id), &Value::Null));
    let shown = json(&response);
    assert_eq!(
        (response.status, &shown["state"], &shown["finding"]["id"]),
        (200, &value!("open"), &value!(record.finding.id))
    );
    assert!(shown.get("counted").is_none() && shown["history"].as_array().unwrap().len() == 1);
    assert_eq!(desk.answer(&signed("GET", "/findings/f-0", &Value::Null)).status, 404);
}
