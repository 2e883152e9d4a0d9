//! A finding with one remedy that may be applied.
#![allow(dead_code, reason = "each test file uses its part")]

use serde_json::{Value, json};
use sesame_diagnosis::finding::{Finding, Remedy};

pub const USER: &str = "arn:aws:iam::111122223333:user/mailer";
pub const IDENTITY: &str = "arn:aws:ses:eu-west-1:111122223333:identity/example.com";

pub fn finding_json() -> Value {
    json!({
        "schema": "sesame.finding/v1", "id": "f-0123456789abcdef", "outcome": "denied", "generation": 1,
        "provenance": "cloudtrail",
        "event": { "id": "e-1", "time": "2026-11-23T10:00:00Z", "account": "111122223333", "accountName": null,
            "region": "eu-west-1", "api": "SendEmail", "sourceIp": "203.0.113.9", "userAgent": "app", "count": 1,
            "firstSeen": "2026-11-23T10:00:00Z", "lastSeen": "2026-11-23T10:00:00Z", "sources": [],
            "contexts": [{ "ses:FromAddress": "news@example.com", "count": 1 }] },
        "principal": { "arn": USER, "sessionArn": null, "type": "user", "account": "111122223333", "path": "/",
            "name": "mailer", "modifiable": true, "whyNot": null, "managedBy": null, "owner": null },
        "requests": [{ "action": "ses:SendEmail", "resource": IDENTITY, "origin": "message", "decision": "ImplicitDeny",
            "possible": ["ImplicitDeny"], "unknownKeys": [], "layers": [] }],
        "causes": [], "hints": [], "gaps": [],
        "witness": { "message": null, "principal": null, "action": null, "resource": null, "layer": null, "kind": null,
            "policyArn": null, "agreement": "silent" },
        "remedies": [{
            "id": "r1", "fixes": [], "title": "allow it",
            "owner": { "account": "111122223333", "role": "account-admin" }, "operation": "put",
            "target": { "kind": "user-inline", "account": "111122223333", "principal": USER,
                "policy": "sesame-f-0123456789abcdef", "identity": null, "region": null, "node": null },
            "before": null,
            "after": { "Version": "2012-10-17", "Statement": [{ "Sid": "Sesame", "Effect": "Allow",
                "Action": "ses:SendEmail", "Resource": IDENTITY,
                "Condition": { "StringEquals": { "ses:FromAddress": "news@example.com" } } }] },
            "patch": [], "beforeDigest": null, "afterDigest": null, "applicability": "applicable", "why": "it is ours",
            "alternativeTo": null, "expires": null,
            "verification": { "allowedAfter": true, "dependsOn": [], "alsoAllowed": "nothing else", "alsoAllowedRequests": [] },
            "commands": { "awsCli": "", "cloudFormation": null, "terraform": null, "undo": "" }
        }],
        "plan": ["r1"], "summary": { "what": "", "why": "", "fix": "" }
    })
}

pub fn finding() -> Finding {
    serde_json::from_value(finding_json()).unwrap()
}

/// The finding's remedy after an edit of the finding's JSON at a pointer.
pub fn with(pointer: &str, value: Value) -> (Finding, Remedy) {
    let mut json = finding_json();
    let parent = json.pointer_mut(pointer.rsplit_once('/').unwrap().0).unwrap();
    let key = pointer.rsplit_once('/').unwrap().1.replace("~1", "/");
    match parent {
        Value::Object(fields) => {
            fields.insert(key, value);
        }
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => panic!("{pointer} leads into {other}"),
    }
    let finding: Finding = serde_json::from_value(json).unwrap();
    let remedy = finding.remedies[0].clone();
    (finding, remedy)
}
