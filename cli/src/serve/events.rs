//! Where events come from: standard input, as it comes, and files that appear in a folder.

use std::collections::HashMap;
use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::Sender;

use crate::failure::{Failure, report};

/// The largest document that is taken in, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;
/// How often a folder is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// Something to be read as events.
#[derive(Debug)]
pub struct Arrived {
    /// What it is called in messages.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Cuts a stream of lines into documents: a JSON value, over however many lines; or a line that begins none.
#[derive(Debug, Default)]
pub struct Cutter {
    held: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Cutter {
    /// Takes a line, with its end; gives a document that is whole with it.
    pub fn line(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        if self.held.is_empty() && line.trim_ascii().is_empty() {
            return None;
        }
        self.held.extend_from_slice(line);
        for byte in line {
            match (self.in_string, byte) {
                (true, _) if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (_, b'"') => self.in_string = !self.in_string,
                (false, b'{' | b'[') => self.depth += 1,
                (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        let begins_json = matches!(self.held.trim_ascii_start().first(), Some(b'{' | b'['));
        let open = begins_json && (self.depth > 0 || self.in_string);
        (!open || self.held.len() > LARGEST).then(|| self.rest()).flatten()
    }

    /// What is held back, at the end.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        let held = std::mem::take(self).held;
        (!held.trim_ascii().is_empty()).then_some(held)
    }
}

/// Reads standard input in a thread of its own, which ends with the process.
pub fn read_standard_input(arrive: Sender<Arrived>) {
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let send = |bytes| arrive.blocking_send(Arrived { name: "standard input".to_owned(), bytes }).is_ok();
        // Gzipped input has no lines; it is one document.
        if input.fill_buf().is_ok_and(|start| start.starts_with(&[0x1f, 0x8b])) {
            let mut bytes = Vec::new();
            match input.take(LARGEST as u64).read_to_end(&mut bytes) {
                Ok(_) => _ = send(bytes),
                Err(error) => report(&format!("standard input: could not be read: {error}")),
            }
            return;
        }
        let mut cutter = Cutter::default();
        loop {
            let mut line = Vec::new();
            match (&mut input).take(LARGEST as u64).read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => {
                    if cutter.line(&line).is_some_and(|document| !send(document)) {
                        return;
                    }
                }
                Err(error) => {
                    report(&format!("standard input: could not be read: {error}"));
                    return;
                }
            }
        }
        cutter.rest().map(send);
    });
}

/// Whether a folder can be watched.
pub fn check(folder: &Path) -> Result<(), Failure> {
    match std::fs::read_dir(folder) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::input(format!("{}: expected a folder, found none", folder.display())))
        }
        Err(error) => Err(Failure::input(format!("{}: could not be read: {error}", folder.display()))),
    }
}

/// A file's size and time: while they change it is still being written.
type Look = (u64, Option<SystemTime>);

/// Takes in every file of a folder, and every one that appears or changes. Files stay where they are: a refusal that was counted
/// is not counted again.
pub async fn watch(folder: PathBuf, arrive: Sender<Arrived>) {
    let mut seen: HashMap<PathBuf, (Look, bool)> = HashMap::new();
    let mut every = tokio::time::interval(EVERY);
    let mut failed = false;
    loop {
        every.tick().await;
        let now = match look(&folder) {
            Ok(now) => now,
            Err(error) => {
                if !std::mem::replace(&mut failed, true) {
                    report(&format!("{}: could not be read: {error}", folder.display()));
                }
                continue;
            }
        };
        failed = false;
        for (path, look) in now {
            let whole = match seen.get(&path) {
                Some((before, taken)) if *before == look => !*taken,
                _ => false,
            };
            if whole {
                let name = path.display().to_string();
                match std::fs::read(&path) {
                    Ok(bytes) => {
                        if arrive.send(Arrived { name, bytes }).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => report(&format!("{name}: could not be read: {error}")),
                }
            }
            let taken = whole || seen.get(&path).is_some_and(|(before, taken)| *before == look && *taken);
            seen.insert(path, (look, taken));
        }
    }
}

fn look(folder: &Path) -> std::io::Result<Vec<(PathBuf, Look)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // A file that is gone again was none.
        if let Ok(metadata) = entry.metadata()
            && metadata.is_file()
            && metadata.len() <= LARGEST as u64
            && !hidden
        {
            files.push((entry.path(), (metadata.len(), metadata.modified().ok())));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::Cutter;

    fn cut(text: &str) -> Vec<String> {
        let mut cutter = Cutter::default();
        let mut all: Vec<Vec<u8>> =
            text.as_bytes().split_inclusive(|byte| *byte == b'\n').filter_map(|line| cutter.line(line)).collect();
        all.extend(cutter.rest());
        all.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
    }

    #[test]
    fn each_line_and_each_whole_document_comes_by_itself() {
        assert_eq!(cut("{\"a\":1}\n\n{\"b\":2}\n"), ["{\"a\":1}\n", "{\"b\":2}\n"]);
        assert_eq!(cut("{\n \"a\": [\n  1\n ]\n}\n{\"b\":2}"), ["{\n \"a\": [\n  1\n ]\n}\n", "{\"b\":2}"]);
        assert_eq!(cut("[1,\n2]\nno json\n{\"c\":3}\n"), ["[1,\n2]\n", "no json\n", "{\"c\":3}\n"]);
    }

    #[test]
    fn brackets_and_quotes_within_strings_are_text() {
        assert_eq!(cut("{\"a\":\"{[\\\"\"}\n{\"b\":1}\n"), ["{\"a\":\"{[\\\"\"}\n", "{\"b\":1}\n"]);
        assert_eq!(cut("it said \"no\n{\"b\":1}\n"), ["it said \"no\n", "{\"b\":1}\n"]);
    }

    #[test]
    fn what_is_cut_off_comes_at_the_end() {
        assert_eq!(cut("{\"a\":\n"), ["{\"a\":\n"]);
        assert_eq!(cut(" \n\n"), Vec::<String>::new());
    }
}
