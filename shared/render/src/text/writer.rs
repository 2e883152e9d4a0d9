//! Lines, headings and fields of a plain text.

use anstyle::{AnsiColor, Style};

use crate::wrap::wrap;

/// Writes text; styles only where asked, and the words are the same without.
pub struct Writer {
    width: usize,
    styled: bool,
    out: String,
}

const BOLD: Style = Style::new().bold();
const LABEL: Style = Style::new().dimmed();
const HEADING: Style = AnsiColor::Cyan.on_default().bold();
const OPEN: Style = AnsiColor::Green.on_default();
const SHUT: Style = AnsiColor::Red.on_default().bold();
const UNKNOWN: Style = AnsiColor::Yellow.on_default();

/// The width of the labels of fields.
const LABEL_WIDTH: usize = 10;

impl Writer {
    pub fn new(width: usize, styled: bool) -> Writer {
        Writer { width, styled, out: String::new() }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        match self.styled {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }

    /// An empty line, unless there is one or nothing is written yet.
    pub fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// The first line of all.
    pub fn title(&mut self, text: &str) {
        let wrapped = wrap(text, self.width, "", "");
        let lines: Vec<String> = wrapped.split('\n').map(|line| self.paint(BOLD, line)).collect();
        self.line(&lines.join("\n"));
    }

    /// A heading after an empty line.
    pub fn heading(&mut self, text: &str) {
        self.gap();
        let wrapped = wrap(&capitals(text), self.width, "", "  ");
        let lines: Vec<String> = wrapped.split('\n').map(|line| self.paint(HEADING, line)).collect();
        self.line(&lines.join("\n"));
    }

    /// Prose.
    pub fn paragraph(&mut self, text: &str) {
        self.indented(0, text);
    }

    /// Prose, indented.
    pub fn indented(&mut self, indent: usize, text: &str) {
        let space = " ".repeat(indent);
        let wrapped = wrap(text, self.width, &space, &space);
        self.line(&wrapped);
    }

    /// A point of a list.
    pub fn bullet(&mut self, text: &str) {
        let wrapped = wrap(text, self.width, "- ", "  ");
        self.line(&wrapped);
    }

    /// A numbered point of a list.
    pub fn numbered(&mut self, number: usize, text: &str) {
        let mark = format!("{number}. ");
        let wrapped = wrap(text, self.width, &mark, &" ".repeat(mark.len()));
        self.line(&wrapped);
    }

    /// "Label:   value"; a value without spaces (a link) stays in one piece, a command too.
    pub fn field(&mut self, label: &str, value: &str) {
        let mark = format!("{:LABEL_WIDTH$}", format!("{label}:"));
        let command = value.starts_with("sesame ");
        let wrapped = match command {
            true => value.to_owned(),
            false => {
                let indent = " ".repeat(LABEL_WIDTH);
                let text = wrap(value, self.width, &indent, &indent);
                text.trim_start().to_owned()
            }
        };
        let mark = self.paint(LABEL, &mark);
        self.line(&format!("{mark}{wrapped}"));
    }

    /// A gate: "open     identity-based policy".
    pub fn gate(&mut self, state: &str, layer: &str, note: &str) {
        let style = match state {
            "open" => OPEN,
            "shut" => SHUT,
            _ => UNKNOWN,
        };
        let mark = format!("  {state:9}");
        let rest = if note.is_empty() { layer.to_owned() } else { format!("{layer}: {note}") };
        let wrapped = wrap(&rest, self.width, &" ".repeat(mark.len()), &" ".repeat(mark.len()));
        let mark = self.paint(style, &mark);
        self.line(&format!("{mark}{}", wrapped.trim_start()));
    }

    /// As it is: commands, documents, ARNs.
    ///
    /// The line by which one decides is ours alone: where a value's text begins a line like it, a space stands before it.
    pub fn verbatim(&mut self, text: &str) {
        let lines = text.split('\n').map(|line| match line.starts_with("Decide:") {
            true => format!(" {line}"),
            false => line.to_owned(),
        });
        self.line(&lines.collect::<Vec<_>>().join("\n"));
    }

    /// The text, ending in one line feed; empty when nothing was written.
    pub fn finish(self) -> String {
        let text = self.out.trim_end_matches('\n');
        if text.is_empty() { String::new() } else { format!("{text}\n") }
    }
}

/// Headings without markup stand out by capitals; what is in parentheses stays as it is.
fn capitals(text: &str) -> String {
    match text.split_once(" (") {
        Some((head, tail)) => format!("{} ({tail}", head.to_uppercase()),
        None => text.to_uppercase(),
    }
}
