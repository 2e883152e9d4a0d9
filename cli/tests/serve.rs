//! `sesame serve`: the real binary, over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use std::fs;
use std::path::Path;

use common::serve::{Server, request};
use common::{Folder, demo, event, sesame};

fn read(name: &str) -> String {
    fs::read_to_string(event(name)).unwrap()
}

fn outbox(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder.join("outbox"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn from_a_refused_send_to_the_change_and_back() {
    let snapshot = Folder::snapshot();
    let before = snapshot.bytes();
    let mut server = Server::start(&snapshot, &[]);
    server.send(&read("01-no-allow"));
    let alert = server.line();
    assert_eq!((alert["phase"].as_str(), alert["state"].as_str()), (Some("finding"), Some("open")));
    let (link, id) = (alert["link"].as_str().unwrap().to_owned(), alert["finding"].as_str().unwrap().to_owned());
    assert!(link.starts_with(&format!("http://127.0.0.1:{}/", server.port())));
    let mail = fs::read_to_string(server.out().join(format!("outbox/0001-finding-{id}.txt"))).unwrap();
    assert!(mail.contains(&format!("\nDecide:   {link}\n")), "{mail}");

    // Scanners and previews: nothing happens however often.
    for method in ["GET", "HEAD", "GET"] {
        let reply = server.request(method, &link, &[], "");
        assert_eq!(reply.status, 303);
    }
    let visit = server.open(&link);
    let page = server.get(&visit);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<h2 id=\"decide\">Decide</h2>"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(snapshot.bytes(), before, "looking changes nothing");
    assert_eq!(outbox(server.out()).len(), 1);

    let decided = server
        .post(&visit, &[("decision", "approve"), ("remedies", &page.field("remedies")), ("reason", "it must go out")]);
    assert_eq!(decided.status, 303, "{}", decided.body);
    let applied = server.until(&visit, "<h2 id=\"state\">Applied</h2>");
    assert!(applied.body.contains("“it must go out”"));
    let policies = fs::read_to_string(snapshot.path().join("accounts/111122223333/iam.json")).unwrap();
    assert!(policies.contains(&format!("sesame-{id}")));
    assert_eq!([server.line()["phase"].clone(), server.line()["phase"].clone()], ["approved", "applied"]);
    let closing = fs::read_to_string(server.out().join(format!("outbox/0003-applied-{id}.txt"))).unwrap();
    assert!(closing.starts_with("Subject: Applied: role orders in shop-prod, eu-west-1\n"), "{closing}");

    // A second click, and then the way back.
    let again = server.post(&visit, &[("decision", "reject")]);
    assert_eq!(again.status, 409);
    assert!(again.body.contains("It was decided already"), "{}", again.body);
    assert_eq!(server.post(&visit, &[("decision", "rollback")]).status, 303);
    server.until(&visit, "<h2 id=\"state\">Taken back</h2>");
    assert_eq!(snapshot.bytes(), before, "byte for byte");
    let (status, stderr) = server.stop();
    assert_eq!(status, Some(0), "{stderr}");
    assert!(
        stderr.contains("SES refused role orders") && stderr.contains(&link) && stderr.ends_with("stopped\n"),
        "{stderr}"
    );
}

#[test]
fn only_its_own_host_path_and_page_are_answered() {
    let snapshot = Folder::snapshot();
    let mut server = Server::start(&snapshot, &[]);
    server.send(&read("01-no-allow"));
    let link = server.line()["link"].as_str().unwrap().to_owned();
    let visit = server.open(&link);
    let port = server.port();
    let at = |host: &str| request(port, "GET", &visit.path, &[("host", host), ("cookie", &visit.cookie)], "");
    assert_eq!(at(&format!("127.0.0.1:{port}")).status, 200);
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        &format!("localhost:{port}"),
        "127.0.0.1",
        "",
        &format!("127.0.0.1.evil.example:{port}"),
    ] {
        let reply = at(host);
        assert_eq!(reply.status, 421, "{host}");
        assert!(!reply.body.contains("orders"));
    }
    let (_, rest) = visit.path.split_once("/f/").unwrap();
    for path in ["/", "/f", &format!("/f/{rest}"), &format!("/wrong/f/{rest}"), "/decide"] {
        let reply =
            request(port, "GET", path, &[("host", &format!("127.0.0.1:{port}")), ("cookie", &visit.cookie)], "");
        assert_eq!((reply.status, reply.body.as_str()), (404, "nothing here\n"), "{path}");
    }
    let page = server.get(&visit);
    let body = format!("csrf={}&decision=reject", page.field("csrf"));
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("origin", &format!("http://localhost:{port}")),
    ] {
        let headers = [
            ("host", format!("127.0.0.1:{port}")),
            ("cookie", visit.cookie.clone()),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            (name, value.to_owned()),
        ];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(request(port, "POST", &visit.path, &headers, &body).status, 403, "{name}: {value}");
    }
    // Nobody has an IAM identity here.
    let prefix = visit.path.split("/f/").next().unwrap();
    for path in ["/findings", "/grants", "/audit"] {
        let reply = request(port, "GET", &format!("{prefix}{path}"), &[("host", &format!("127.0.0.1:{port}"))], "");
        assert!([403, 404].contains(&reply.status), "{path}: {}", reply.status);
    }
    let large = "x".repeat(100_000);
    let host = format!("127.0.0.1:{port}");
    assert_eq!(request(port, "POST", &visit.path, &[("host", &host)], &large).status, 413);
}

#[test]
fn what_comes_is_taken_in_line_by_line_document_by_document_and_file_by_file() {
    let snapshot = Folder::snapshot();
    let events = Folder::new();
    events.write("early.json", &read("05-smtp"));
    let mut server = Server::start(&snapshot, &["--watch", &events.text()]);
    let early = server.line();
    let compact = |name: &str| serde_json::from_str::<serde_json::Value>(&read(name)).unwrap().to_string();
    server.send("this is no event\n");
    server.send(&format!("{}\n", compact("02-from-address")));
    server.send(&read("03-default-configuration-set"));
    events.write("later.jsonl", &format!("{}\n{}\n", compact("04-bulk"), "{\"no\":1"));
    let mut found: Vec<String> = (0..3).map(|_| server.line()["finding"].as_str().unwrap().to_owned()).collect();
    found.push(early["finding"].as_str().unwrap().to_owned());
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 4);
    // What was counted is not counted, and not told, again.
    server.send(&format!("{}\n", compact("02-from-address")));
    server.send("{\"Records\":[]}\n");
    let (status, stderr) = server.stop_after("no refused SES send");
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(stderr.matches("SES refused").count(), 4, "{stderr}");
    assert!(stderr.contains("error: standard input"), "{stderr}");
    assert!(stderr.contains("later.jsonl: line 2"), "{stderr}");
}

#[test]
fn links_of_an_earlier_run_stay_good_and_other_folders_keys_are_none() {
    let snapshot = Folder::snapshot();
    let mut server = Server::start(&snapshot, &[]);
    server.send(&read("01-no-allow"));
    let link = server.line()["link"].as_str().unwrap().to_owned();
    let port = server.port().to_string();
    server.stop_and_keep();
    let again = server.again(&["--port", &port]);
    assert_eq!(again.request("GET", &link, &[], "").status, 303);
    let other = Server::start(&snapshot, &[]);
    let elsewhere = link.replace(&format!(":{port}/"), &format!(":{}/", other.port()));
    assert_eq!(other.request("GET", &elsewhere, &[], "").status, 404, "another path");
}

#[cfg(target_os = "linux")]
#[test]
fn only_this_machine_is_listened_to() {
    let snapshot = Folder::snapshot();
    let server = Server::start(&snapshot, &[]);
    let port = format!(":{:04X}", server.port());
    let listening = |table: &str| -> Vec<String> {
        let table = fs::read_to_string(table).unwrap_or_default();
        let local =
            table.lines().filter_map(|line| line.split_whitespace().nth(1)).filter(|local| local.ends_with(&port));
        local.map(str::to_owned).collect()
    };
    let local = [listening("/proc/net/tcp"), listening("/proc/net/tcp6")].concat();
    assert!(!local.is_empty() && local.iter().all(|address| address.starts_with("0100007F:")), "{local:?}");
}

#[test]
fn what_cannot_be_served_is_told_at_once() {
    let folder = Folder::new();
    let out = folder.file("out");
    let missing = sesame(&["serve", "--snapshot", &folder.file("none"), "--out", &out]);
    missing.failed(3);
    let watched = sesame(&["serve", "--snapshot", &demo("snapshot"), "--out", &out, "--watch", &folder.file("none")]);
    assert!(watched.failed(1).contains("expected a folder, found none"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let busy = sesame(&["serve", "--snapshot", &demo("snapshot"), "--out", &out, "--port", &port]);
    assert!(busy.failed(1).contains(&format!("--port: 127.0.0.1:{port}")));
    let help = sesame(&["serve", "--help"]);
    assert!(help.succeeded().contains("127.0.0.1"));
}

#[test]
fn findings_and_keys_are_their_owners_alone() {
    let snapshot = Folder::snapshot();
    let mut server = Server::start(&snapshot, &[]);
    server.send(&read("01-no-allow"));
    server.line();
    #[cfg(unix)]
    for file in ["key", "link-key", &format!("outbox/{}", outbox(server.out())[0])] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(server.out().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}: {mode:o}");
    }
}
