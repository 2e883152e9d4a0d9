//! Addresses as senders write them: `John <john@example.com>`, lists of them, encoded words.
//!
//! After [RFC 5322](https://www.rfc-editor.org/rfc/rfc5322#section-3.4), read leniently: what is no address is left out.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Base64 as mail and logs write it: padded or not.
pub(crate) const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An address with the name written before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// `local@domain`, in its own spelling: SES compares addresses by case.
    pub address: String,
    /// The display name, with quotes taken off and encoded words decoded; `None` when there is none or it is empty.
    pub display_name: Option<String>,
}

/// The first address in `text`.
pub fn parse(text: &str) -> Option<Mailbox> {
    parse_list(text).into_iter().next()
}

/// Every address in `text`, in its order. Names of groups, comments and whatever is no address are left out.
pub fn parse_list(text: &str) -> Vec<Mailbox> {
    let mut mailboxes = Vec::new();
    let mut entry = Entry::default();
    let mut scan = text.chars();
    while let Some(next) = scan.next() {
        match next {
            '"' => entry.quoted(&quoted_string(&mut scan)),
            '(' => {
                skip_comment(&mut scan);
                entry.gap();
            }
            '<' => entry.angle = Some(angle(&mut scan)),
            ',' | ';' => mailboxes.extend(std::mem::take(&mut entry).finish()),
            // `group: a@example.com, b@example.com;`, but not the colons of an address literal.
            ':' if entry.angle.is_none() && !entry.plain.contains(['@', '[']) => entry = Entry::default(),
            _ => entry.push(next),
        }
    }
    mailboxes.extend(entry.finish());
    mailboxes
}

/// What stands between two commas.
#[derive(Default)]
struct Entry {
    /// The text as written, without comments: an address when no angle brackets follow.
    plain: String,
    /// The words of the display name.
    words: Vec<Word>,
    /// The text of the last word is still being read.
    open: bool,
    angle: Option<String>,
}

struct Word {
    text: String,
    quoted: bool,
}

impl Entry {
    fn push(&mut self, next: char) {
        if self.angle.is_some() {
            return;
        }
        self.plain.push(next);
        if next.is_whitespace() {
            self.open = false;
        } else if let (true, Some(word)) = (self.open, self.words.last_mut()) {
            word.text.push(next);
        } else {
            self.words.push(Word { text: next.to_string(), quoted: false });
            self.open = true;
        }
    }

    fn quoted(&mut self, string: &QuotedString) {
        if self.angle.is_some() {
            return;
        }
        self.plain.push_str(&string.raw);
        self.words.push(Word { text: string.value.clone(), quoted: true });
        self.open = false;
    }

    fn gap(&mut self) {
        self.open = false;
        self.plain.push(' ');
    }

    fn finish(self) -> Option<Mailbox> {
        match self.angle {
            Some(angle) => {
                let address = address(&angle)?;
                let name = display_name(&self.words);
                Some(Mailbox { address, display_name: (!name.is_empty()).then_some(name) })
            }
            None => address(&self.plain).map(|address| Mailbox { address, display_name: None }),
        }
    }
}

struct QuotedString {
    raw: String,
    value: String,
    closed: bool,
}

/// The rest of a quoted string whose opening quote was taken.
fn quoted_string(scan: &mut std::str::Chars<'_>) -> QuotedString {
    let mut string = QuotedString { raw: String::from('"'), value: String::new(), closed: false };
    while let Some(next) = scan.next() {
        string.raw.push(next);
        match next {
            '"' => {
                string.closed = true;
                break;
            }
            '\\' => {
                if let Some(escaped) = scan.next() {
                    string.raw.push(escaped);
                    string.value.push(escaped);
                }
            }
            '\r' | '\n' => {}
            _ => string.value.push(next),
        }
    }
    string
}

/// Passes over the rest of a comment, nested ones included.
fn skip_comment(scan: &mut std::str::Chars<'_>) {
    let mut depth = 1_usize;
    while let Some(next) = scan.next() {
        match next {
            '\\' => {
                scan.next();
            }
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
            _ => {}
        }
    }
}

/// The text up to the closing angle bracket.
fn angle(scan: &mut std::str::Chars<'_>) -> String {
    let mut inside = String::new();
    while let Some(next) = scan.next() {
        match next {
            '>' => break,
            '"' => inside.push_str(&quoted_string(scan).raw),
            '(' => skip_comment(scan),
            _ => inside.push(next),
        }
    }
    inside
}

/// The address in a text that holds nothing else; `None` when it is none.
fn address(text: &str) -> Option<String> {
    let text = text.trim();
    // `<@relay,@other:john@example.com>`: an obsolete route.
    let text = match text.strip_prefix('@') {
        Some(route) => route.split_once(':').map(|(_, rest)| rest.trim())?,
        None => text,
    };
    let (local, domain) = text.rsplit_once('@')?;
    let (local, domain) = (local.trim(), domain.trim());
    let special = |c: char| c.is_whitespace() || c.is_control() || "()<>[]:;@\\,\"".contains(c);
    let literal = domain.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let local_holds = if local.starts_with('"') { is_quoted_string(local) } else { !local.contains(special) };
    let domain_holds = match literal {
        Some(inner) => !inner.is_empty() && !inner.contains(|c: char| c != ':' && special(c)),
        None => !domain.contains(special),
    };
    (!local.is_empty() && !domain.is_empty() && local_holds && domain_holds && !text.contains(char::is_control))
        .then(|| format!("{local}@{domain}"))
}

/// Whether a text is one quoted string and nothing else.
fn is_quoted_string(text: &str) -> bool {
    let mut scan = text.chars();
    scan.next() == Some('"') && quoted_string(&mut scan).closed && scan.as_str().is_empty()
}

/// Words joined by one space; between two encoded words the space is no part of the name.
fn display_name(words: &[Word]) -> String {
    let mut name = String::new();
    let mut after_encoded = false;
    for word in words {
        let decoded = if word.quoted { None } else { encoded_words(&word.text) };
        let encoded = decoded.is_some();
        let joined = name.is_empty() || (after_encoded && encoded);
        if !joined {
            name.push(' ');
        }
        name.push_str(decoded.as_deref().unwrap_or(&word.text));
        after_encoded = encoded;
    }
    name.trim().to_owned()
}

/// Decodes a word made of encoded words (`=?utf-8?Q?J=C3=B6rg?=`), several run together included; `None` when it is none,
/// or its character set is not known.
fn encoded_words(word: &str) -> Option<String> {
    let mut decoded = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let inner = rest.strip_prefix("=?")?;
        let (charset, inner) = inner.split_once('?')?;
        let (encoding, inner) = inner.split_once('?')?;
        let (text, after) = inner.split_once("?=")?;
        let bytes = match encoding {
            "B" | "b" => LENIENT_BASE64.decode(text).ok()?,
            "Q" | "q" => quoted_printable(text),
            _ => return None,
        };
        // RFC 2231 puts a language after an asterisk.
        let charset = charset.split('*').next().unwrap_or_default();
        decoded.push_str(&decode_charset(charset, &bytes)?);
        rest = after;
    }
    (!decoded.is_empty()).then_some(decoded)
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut scan = text.bytes();
    while let Some(next) = scan.next() {
        match next {
            b'_' => bytes.push(b' '),
            b'=' => {
                let mut ahead = scan.clone();
                let digits = (ahead.next().and_then(hex_digit), ahead.next().and_then(hex_digit));
                if let (Some(high), Some(low)) = digits {
                    bytes.push(high << 4 | low);
                    scan = ahead;
                } else {
                    bytes.push(next);
                }
            }
            _ => bytes.push(next),
        }
    }
    bytes
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn decode_charset(charset: &str, bytes: &[u8]) -> Option<String> {
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => Some(String::from_utf8_lossy(bytes).into_owned()),
        "iso-8859-1" | "latin1" => Some(bytes.iter().copied().map(char::from).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (String, Option<String>) {
        let mailbox = parse(text).expect(text);
        (mailbox.address, mailbox.display_name)
    }

    fn named(address: &str, name: &str) -> (String, Option<String>) {
        (address.to_owned(), Some(name.to_owned()))
    }

    fn bare(address: &str) -> (String, Option<String>) {
        (address.to_owned(), None)
    }

    #[test]
    fn address_and_display_name_are_told_apart() {
        assert_eq!(one("john@example.com"), bare("john@example.com"));
        assert_eq!(one("  <john@example.com> "), bare("john@example.com"));
        assert_eq!(one("John <john@example.com>"), named("john@example.com", "John"));
        assert_eq!(one("John  Q.\r\n Public <john@example.com>"), named("john@example.com", "John Q. Public"));
        assert_eq!(one("\"Public, John\" <john@example.com>"), named("john@example.com", "Public, John"));
        assert_eq!(one(r#""John \"Q\" \\" <john@example.com>"#), named("john@example.com", r#"John "Q" \"#));
        assert_eq!(one("\"\" <john@example.com>"), bare("john@example.com"));
        assert_eq!(one("John<john@example.com>"), named("john@example.com", "John"));
    }

    #[test]
    fn case_and_tags_are_kept() {
        assert_eq!(one("John.Doe+Tag@EXAMPLE.com"), bare("John.Doe+Tag@EXAMPLE.com"));
        assert_eq!(one("o'brien@example.com"), bare("o'brien@example.com"));
    }

    #[test]
    fn quoted_local_parts_keep_their_quotes() {
        assert_eq!(one("\"odd @ local\"@example.com"), bare("\"odd @ local\"@example.com"));
        assert_eq!(one("Odd <\"a>b\"@example.com>"), named("\"a>b\"@example.com", "Odd"));
    }

    #[test]
    fn comments_are_left_out() {
        assert_eq!(one("john@example.com (John (the elder) \\) here)"), bare("john@example.com"));
        assert_eq!(one("John (of York) Doe <john@example.com>"), named("john@example.com", "John Doe"));
    }

    #[test]
    fn encoded_words_are_decoded() {
        assert_eq!(one("=?UTF-8?Q?J=C3=B6rg_M?= <j@example.com>"), named("j@example.com", "Jörg M"));
        assert_eq!(one("=?utf-8?B?SsO2cmc=?= Meier <j@example.com>"), named("j@example.com", "Jörg Meier"));
        assert_eq!(one("=?utf-8?B?SsO2?= =?iso-8859-1*de?q?rg=FC?= <j@example.com>"), named("j@example.com", "Jörgü"));
        assert_eq!(one("=?x-unknown?Q?a?= <j@example.com>"), named("j@example.com", "=?x-unknown?Q?a?="));
        assert_eq!(one("\"=?utf-8?Q?a?=\" <j@example.com>"), named("j@example.com", "=?utf-8?Q?a?="));
        assert_eq!(one("=?utf-8?Q?100=25=?= <j@example.com>"), named("j@example.com", "100%="));
    }

    #[test]
    fn lists_are_split_at_commas_outside_quotes() {
        let addresses: Vec<String> = parse_list("\"A, B\" <a@x.example>, b@x.example ; , C <c@x.example>")
            .into_iter()
            .map(|m| m.address)
            .collect();
        assert_eq!(addresses, ["a@x.example", "b@x.example", "c@x.example"]);
        let addresses: Vec<String> = parse_list("Team: a@x.example, b@x.example; undisclosed-recipients:;")
            .into_iter()
            .map(|m| m.address)
            .collect();
        assert_eq!(addresses, ["a@x.example", "b@x.example"]);
        assert_eq!(one("a@[IPv6:2001:db8::1]"), bare("a@[IPv6:2001:db8::1]"));
        assert_eq!(one("<@relay.example,@b.example:a@x.example>"), bare("a@x.example"));
    }

    #[test]
    fn what_is_no_address_is_left_out() {
        for text in [
            "",
            "john",
            "John <>",
            "@example.com",
            "john@",
            "a b@example.com",
            "<",
            "\"",
            "(",
            "a@b c",
            "\"@x",
            "\"a\"b\"@x",
            "<a:b@x>",
            "a@[x",
            "\"a\n\"@x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
