//! A running `sesame serve`, and a browser of few words.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Folder;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Arc<Mutex<String>>,
    out: Arc<Folder>,
    snapshot: String,
    port: u16,
}

/// A page that was opened by a link.
pub struct Visit {
    pub path: String,
    pub cookie: String,
}

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The first field of this name in the page's form.
    pub fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&start).unwrap_or_else(|| panic!("no field {name} in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Server {
    pub fn start(snapshot: &Folder, more: &[&str]) -> Server {
        Server::start_in(Arc::new(Folder::new()), snapshot.text(), more)
    }

    /// The same folder once more.
    pub fn again(&self, more: &[&str]) -> Server {
        Server::start_in(Arc::clone(&self.out), self.snapshot.clone(), more)
    }

    fn start_in(out: Arc<Folder>, snapshot: String, more: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sesame"))
            .args(["serve", "--snapshot", &snapshot, "--out", &out.text()])
            .args(more)
            .env("USER", "ada")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let stderr = Arc::new(Mutex::new(String::new()));
        let said = Arc::clone(&stderr);
        let reader = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            reader.lines().map_while(Result::ok).for_each(|line| said.lock().unwrap().push_str(&format!("{line}\n")));
        });
        let stdin = child.stdin.take();
        let mut server = Server { child, stdin, lines, stderr, out, snapshot, port: 0 };
        let greeting = server.wait_for_stderr("http://127.0.0.1:");
        let port = greeting.split("http://127.0.0.1:").nth(1).unwrap();
        server.port = port.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn out(&self) -> &Path {
        self.out.path()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    fn wait_for_stderr(&self, words: &str) -> String {
        let start = Instant::now();
        while !self.stderr().contains(words) {
            assert!(start.elapsed() < PATIENCE, "waited for {words}: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.stderr()
    }

    /// Puts text on its standard input.
    pub fn send(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// The next line of its standard output.
    pub fn line(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line came: {}", self.stderr()));
        serde_json::from_str(&line).unwrap()
    }

    /// The same, if one comes soon.
    pub fn line_within(&self, patience: Duration) -> Option<Value> {
        self.lines.recv_timeout(patience).ok().map(|line| serde_json::from_str(&line).unwrap())
    }

    pub fn request(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let host = format!("127.0.0.1:{}", self.port);
        let path = url.strip_prefix(&format!("http://{host}")).unwrap_or(url);
        request(self.port, method, path, &[&[("host", host.as_str())], headers].concat(), body)
    }

    /// Follows a link as a browser does.
    pub fn open(&self, link: &str) -> Visit {
        let reply = self.request("GET", link, &[], "");
        assert_eq!(reply.status, 303, "{}", reply.body);
        let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Visit { path: reply.header("location").unwrap().to_owned(), cookie }
    }

    pub fn get(&self, visit: &Visit) -> Reply {
        self.request("GET", &visit.path, &[("cookie", &visit.cookie)], "")
    }

    /// Sends the page's form with these fields.
    pub fn post(&self, visit: &Visit, fields: &[(&str, &str)]) -> Reply {
        let mut page = self.get(visit);
        // A page without a form has had one: its code stays the same.
        if !page.body.contains("name=\"csrf\"") {
            page.body = "name=\"csrf\" value=\"none\"".to_owned();
        }
        let escape = |text: &str| -> String {
            text.bytes()
                .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
                .collect()
        };
        let mut body = format!("csrf={}", escape(&page.field("csrf")));
        fields.iter().for_each(|(name, value)| body += &format!("&{}={}", escape(name), escape(value)));
        let headers = [
            ("cookie", visit.cookie.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
            ("origin", "null"),
        ];
        self.request("POST", &visit.path, &headers, &body)
    }

    /// Looks at a page until it says this.
    pub fn until(&self, visit: &Visit, words: &str) -> Reply {
        let start = Instant::now();
        loop {
            let page = self.get(visit);
            if page.body.contains(words) {
                return page;
            }
            assert!(start.elapsed() < PATIENCE, "waited for {words}: {}", page.body);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn interrupt(&mut self) -> Option<i32> {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        self.child.wait().unwrap().code()
    }

    /// Ctrl-C: its status, and all that it said.
    pub fn stop(mut self) -> (Option<i32>, String) {
        let status = self.interrupt();
        (status, self.wait_for_stderr("stopped"))
    }

    /// The same once it has said something.
    pub fn stop_after(self, words: &str) -> (Option<i32>, String) {
        self.wait_for_stderr(words);
        self.stop()
    }

    /// Ctrl-C; its folder stays.
    pub fn stop_and_keep(&mut self) {
        assert_eq!(self.interrupt(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request on a connection of its own.
pub fn request(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
    text += &format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    // A server that has seen enough closes while we still write.
    let _ = stream.write_all(text.as_bytes());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {path}: {text}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Reply { status, headers: headers.collect(), body: body.to_owned() }
}
