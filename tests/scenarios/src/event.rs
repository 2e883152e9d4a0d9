//! Events in short form.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// Expands an event to an EventBridge event with a CloudTrail record.
///
/// ```json
/// {"caller": "arn:aws:sts::111122223333:assumed-role/app/session", "issuer": "arn:aws:iam::111122223333:role/svc/app",
///  "api": "SendEmail", "action": "ses:SendEmail", "resource": "arn:aws:ses:us-east-1:111122223333:identity/example.com",
///  "parameters": {…}, "sourceIp": "192.0.2.10", "userAgent": "…", "message": "…", "code": "AccessDenied", "record": {…}}
/// ```
///
/// `message` defaults to SES's own text, made of caller, action and resource; `null` leaves it out. `record` overwrites fields of
/// the record. An event that has `detail`, `eventSource` or `Records` is taken as it is. `{"log": ["line", …]}` are lines of an
/// application's log, as CloudWatch Logs delivers them.
pub fn expand(short: &Value) -> Value {
    if let Some(lines) = short.get("log").and_then(Value::as_array) {
        return subscription(lines);
    }
    if ["detail", "eventSource", "Records", "awslogs"].iter().any(|key| short.get(key).is_some()) {
        return short.clone();
    }
    let text = |key: &str| short.get(key).and_then(Value::as_str);
    let caller = text("caller").unwrap();
    let account = caller.split(':').nth(4).unwrap();
    let api = text("api").unwrap_or("SendEmail");
    let action = text("action").map_or_else(|| format!("ses:{api}"), str::to_owned);
    let resource = text("resource").unwrap_or("arn:aws:ses:us-east-1:111122223333:identity/example.com");
    let region = text("region").unwrap_or_else(|| resource.split(':').nth(3).unwrap());
    let message = match short.get("message") {
        Some(message) => message.clone(),
        None => json!(format!("User `{caller}' is not authorized to perform `{action}' on resource `{resource}'")),
    };
    let mut record = json!({
        "eventVersion": "1.11", "userIdentity": identity(caller, text("issuer"), text("key")), "eventTime": text("time").unwrap_or("2026-03-01T03:00:00Z"),
        "eventSource": "ses.amazonaws.com", "eventName": api, "awsRegion": region,
        "sourceIPAddress": text("sourceIp").unwrap_or("192.0.2.10"), "userAgent": text("userAgent").unwrap_or("Boto3/1.34"),
        "errorCode": text("code").unwrap_or("AccessDenied"), "errorMessage": message,
        "requestParameters": short.get("parameters").cloned().unwrap_or(Value::Null), "responseElements": null,
        "requestID": "3f1c0d5e-0000-4000-8000-000000000001", "eventID": text("id").unwrap_or("3f1c0d5e-0000-4000-8000-000000000002"),
        "readOnly": false, "eventType": "AwsApiCall", "managementEvent": false, "recipientAccountId": account, "eventCategory": "Data",
        "tlsDetails": { "tlsVersion": "TLSv1.3", "clientProvidedHostHeader": format!("email.{region}.amazonaws.com") },
    });
    for (key, value) in short.get("record").and_then(Value::as_object).into_iter().flatten() {
        record[key.as_str()] = value.clone();
    }
    json!({
        "version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": "AWS API Call via CloudTrail", "source": "aws.ses",
        "account": account, "time": record["eventTime"], "region": region, "resources": [], "detail": record,
    })
}

/// A CloudWatch Logs subscription's payload.
fn subscription(lines: &[Value]) -> Value {
    let events: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| json!({ "id": format!("line-{index}"), "timestamp": 1_772_334_000_000_i64, "message": line }))
        .collect();
    let payload = json!({ "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/app", "logStream": "app",
        "subscriptionFilters": ["sesame"], "logEvents": events });
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(payload.to_string().as_bytes()).unwrap();
    json!({ "awslogs": { "data": STANDARD.encode(packed.finish().unwrap()) } })
}

fn identity(caller: &str, issuer: Option<&str>, key: Option<&str>) -> Value {
    let account = caller.split(':').nth(4).unwrap();
    let resource = caller.splitn(6, ':').nth(5).unwrap();
    let session = |kind: &str, arn: &str| {
        json!({ "sessionIssuer": { "type": kind, "principalId": "AROAEXAMPLE", "arn": arn, "accountId": account,
                "userName": arn.rsplit('/').next() },
            "attributes": { "creationDate": "2026-03-01T02:00:00Z", "mfaAuthenticated": "false" } })
    };
    if let Some(rest) = resource.strip_prefix("assumed-role/") {
        let role = issuer
            .map_or_else(|| format!("arn:aws:iam::{account}:role/{}", rest.split('/').next().unwrap()), str::to_owned);
        return json!({ "type": "AssumedRole", "principalId": "AROAEXAMPLE:session", "arn": caller, "accountId": account,
            "accessKeyId": key.unwrap_or("ASIAEXAMPLE"), "sessionContext": session("Role", &role) });
    }
    if resource.starts_with("federated-user/") {
        let user = issuer.unwrap();
        return json!({ "type": "FederatedUser", "principalId": format!("{account}:fed"), "arn": caller, "accountId": account,
            "accessKeyId": key.unwrap_or("ASIAEXAMPLE"), "sessionContext": session("IAMUser", user) });
    }
    match resource {
        "root" => json!({ "type": "Root", "principalId": account, "arn": caller, "accountId": account }),
        _ => json!({ "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": caller, "accountId": account,
            "accessKeyId": key.unwrap_or("AKIAEXAMPLE"), "userName": caller.rsplit('/').next() }),
    }
}
