//! API Gateway's payload 2.0, to a request of ours and back.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sesame_lambda::Fault;
use sesame_responder::web::{HttpRequest, HttpResponse};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    version: String,
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    request_context: Context,
}

#[derive(Deserialize)]
struct Context {
    http: Http,
    #[serde(default)]
    stage: String,
    authorizer: Option<Authorizer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    source_ip: Option<String>,
}

/// Filled in by API Gateway on routes with `AWS_IAM`, and by nothing that a client sends.
#[derive(Deserialize)]
struct Authorizer {
    iam: Option<Iam>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Iam {
    user_arn: Option<String>,
}

/// Reads an event. Why it cannot be read is said without what is in it: a path may hold a token.
pub(crate) fn request(event: Value) -> Result<HttpRequest, Fault> {
    let expected = "expected an event of an HTTP API in payload format 2.0";
    let event: Event = serde_json::from_value(event).map_err(|_| Fault::Input(expected.to_owned()))?;
    if event.version != "2.0" {
        return Err(Fault::Input(expected.to_owned()));
    }
    let body = match (event.body, event.is_base64_encoded) {
        (None, _) => Vec::new(),
        (Some(text), false) => text.into_bytes(),
        (Some(text), true) => {
            STANDARD.decode(text).map_err(|_| Fault::Input("the body: expected base64".to_owned()))?
        }
    };
    // The path of a named stage begins with its name.
    let staged =
        event.raw_path.strip_prefix('/').and_then(|path| path.strip_prefix(event.request_context.stage.as_str()));
    let path = match staged {
        Some(rest) if rest.starts_with('/') && !event.request_context.stage.is_empty() => rest.to_owned(),
        _ => event.raw_path,
    };
    let iam = event.request_context.authorizer.and_then(|authorizer| authorizer.iam);
    Ok(HttpRequest {
        method: event.request_context.http.method,
        path,
        query: event.raw_query_string,
        headers: event.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        cookies: event.cookies,
        body,
        caller: iam.and_then(|iam| iam.user_arn),
        source_ip: event.request_context.http.source_ip,
    })
}

/// Writes an answer. Everything that is answered is text.
pub(crate) fn response(response: HttpResponse) -> Value {
    let headers: Map<String, Value> =
        response.headers.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
    json!({
        "statusCode": response.status,
        "headers": headers,
        "cookies": response.cookies,
        "body": String::from_utf8_lossy(&response.body),
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Value {
        json!({
            "version": "2.0", "routeKey": "POST /f/{id}", "rawPath": "/f/f-1", "rawQueryString": "a=b",
            "cookies": ["sesame=token", "other=1"],
            "headers": {"Content-Type": "application/x-www-form-urlencoded", "user-agent": "Browser/1"},
            "requestContext": {
                "accountId": "111122223333", "apiId": "abc", "stage": "$default",
                "http": {"method": "POST", "path": "/f/f-1", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "Browser/1"}
            },
            "body": STANDARD.encode("csrf=x"), "isBase64Encoded": true
        })
    }

    #[test]
    fn a_form_comes_whole() {
        let request = request(event()).unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str(), request.query.as_str()), ("POST", "/f/f-1", "a=b"));
        assert_eq!(request.body, b"csrf=x");
        assert_eq!(request.cookies_named("sesame"), ["token"]);
        assert_eq!(request.media_type(), "application/x-www-form-urlencoded");
        assert_eq!((request.source_ip.as_deref(), request.caller), (Some("192.0.2.7"), None));
    }

    #[test]
    fn the_caller_is_what_the_authorizer_found_and_nothing_else() {
        let mut signed = event();
        signed["requestContext"]["authorizer"] =
            json!({"iam": {"userArn": "arn:aws:iam::111122223333:user/ada", "accessKey": "A"}});
        assert_eq!(request(signed).unwrap().caller.as_deref(), Some("arn:aws:iam::111122223333:user/ada"));
        for other in [
            json!(null),
            json!({}),
            json!({"iam": null}),
            json!({"jwt": {"claims": {"userArn": "arn:x"}}}),
            json!({"lambda": {"iam": {"userArn": "arn:x"}}}),
        ] {
            let mut unsigned = event();
            unsigned["requestContext"]["authorizer"] = other;
            unsigned["headers"]["userArn"] = json!("arn:aws:iam::111122223333:user/ada");
            assert_eq!(request(unsigned).unwrap().caller, None);
        }
    }

    #[test]
    fn a_named_stage_is_taken_off_the_path() {
        let at = |stage: &str, path: &str| {
            let mut event = event();
            event["requestContext"]["stage"] = json!(stage);
            event["rawPath"] = json!(path);
            request(event).unwrap().path
        };
        assert_eq!(at("prod", "/prod/f/f-1"), "/f/f-1");
        assert_eq!(at("prod", "/production/f/f-1"), "/production/f/f-1");
        assert_eq!(at("$default", "/f/f-1"), "/f/f-1");
        assert_eq!(at("", "/f/f-1"), "/f/f-1");
    }

    #[test]
    fn what_is_no_such_event_is_refused_without_a_word_of_it() {
        let mut old = event();
        old["version"] = json!("1.0");
        let mut broken = event();
        broken["body"] = json!("secret-token!");
        for odd in [old, broken, json!({"rawPath": "/t/secret-token"}), json!([]), json!(null)] {
            let fault = request(odd).unwrap_err();
            assert!(matches!(&fault, Fault::Input(message) if !message.contains("secret-token")), "{fault}");
        }
    }

    #[test]
    fn an_answer_is_text_with_its_cookies_apart() {
        let mut answer = HttpResponse::see_other("/f/f-1".to_owned());
        answer.cookies.push("sesame=x; HttpOnly".to_owned());
        let value = response(answer);
        assert_eq!((&value["statusCode"], &value["isBase64Encoded"]), (&json!(303), &json!(false)));
        assert_eq!(
            (&value["headers"]["location"], &value["cookies"]),
            (&json!("/f/f-1"), &json!(["sesame=x; HttpOnly"]))
        );
    }
}
