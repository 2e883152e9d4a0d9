//! The page on loopback. A name that leads here, or a page elsewhere that guesses the port, gets nothing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use sesame_responder::web::{HttpRequest, HttpResponse, LARGEST_BODY};
use tokio::net::TcpListener;

use super::desk::Desk;
use crate::failure::report;

/// How long a client may take for its headers, and for a whole request.
const HEADERS: Duration = Duration::from_secs(10);
const REQUEST: Duration = Duration::from_secs(30);

/// Answers until it is time to stop.
pub async fn listen(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        let accepted = tokio::select! {
            () = desk.stopped() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files passes; spinning on it would not help.
                report(&format!("a connection could not be accepted: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let service = service_fn(|request| respond(request, from, &desk));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .serve_connection(TokioIo::new(stream), service);
            // A client that goes away in the middle is no news.
            let _ = connection.await;
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    from: SocketAddr,
    desk: &Desk,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
    if !host.is_some_and(|host| host.eq_ignore_ascii_case(desk.host().as_bytes())) {
        return Ok(plain(StatusCode::MISDIRECTED_REQUEST, format!("expected http://{}", desk.host())));
    }
    let within = request.uri().path().strip_prefix(desk.path()).is_some_and(|rest| rest.starts_with('/'));
    if !within {
        return Ok(plain(StatusCode::NOT_FOUND, "nothing here".to_owned()));
    }
    let answered = tokio::time::timeout(REQUEST, async {
        match read(request, from).await {
            Some(request) => written(desk.answer(&request).await),
            None => plain(StatusCode::PAYLOAD_TOO_LARGE, format!("expected at most {LARGEST_BODY} bytes")),
        }
    });
    Ok(answered.await.unwrap_or_else(|_| plain(StatusCode::REQUEST_TIMEOUT, "too slow".to_owned())))
}

/// The request as the doors take it; nothing where the body is too large or broken off.
async fn read(request: Request<Incoming>, from: SocketAddr) -> Option<HttpRequest> {
    let (head, body) = request.into_parts();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let separator = if name == "cookie" { "; " } else { ", " };
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|all| *all = format!("{all}{separator}{value}"))
            .or_insert_with(|| value.into_owned());
    }
    let body = Limited::new(body, LARGEST_BODY).collect().await.ok()?.to_bytes();
    Some(HttpRequest {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        cookies: Vec::new(),
        body: body.to_vec(),
        // Nobody is known here by an IAM identity.
        caller: None,
        source_ip: Some(from.ip().to_string()),
    })
}

fn written(answer: HttpResponse) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    for cookie in answer.cookies {
        response = response.header("set-cookie", cookie);
    }
    // Every header is ours or checked; should one not be fit to be sent, nothing of the answer is.
    response
        .body(Full::new(Bytes::from(answer.body)))
        .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "no answer".to_owned()))
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text + "\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}
