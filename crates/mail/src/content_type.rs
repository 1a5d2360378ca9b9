//! Content-Type and its parameters ([RFC 2045, section 5], [RFC 2231]).

use std::fmt;

use crate::encoded_word::text_of;

/// A longer field is no mail program's; its parameters are not read.
const MAX_OCTETS: usize = 4096;
/// Parameters, and what stands in the place of one.
const MAX_PIECES: usize = 64;

/// A media type. Kind, subtype and parameter names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    kind: String,
    subtype: String,
    parameters: Vec<(String, String)>,
    ambiguous: bool,
}

impl ContentType {
    /// Reads a field's value; `None` if it names no type.
    pub fn parse(value: &str) -> Option<Self> {
        let mut cursor = Cursor { rest: value, clean: true };
        let (kind, subtype) = cursor.media_type()?;
        let pieces = match value.len() > MAX_OCTETS {
            true => {
                cursor.clean = false;
                Vec::new()
            }
            false => cursor.pieces(),
        };
        let (parameters, joined) = join(pieces);
        Some(Self { kind, subtype, parameters, ambiguous: !(cursor.clean && joined) })
    }

    /// Reads the value of a field as it stands. One that names no type is plain text for us, and something else for others.
    pub fn read(value: &[u8]) -> Self {
        Self::parse(&text_of(value)).unwrap_or_else(|| Self { ambiguous: true, ..Self::plain_text() })
    }

    /// `text/plain; charset=us-ascii`: what a part without the field is ([RFC 2045, section 5.2]).
    pub fn plain_text() -> Self {
        Self {
            kind: "text".into(),
            subtype: "plain".into(),
            parameters: vec![("charset".into(), "us-ascii".into())],
            ambiguous: false,
        }
    }

    /// `message/rfc822`: what a part of a digest without the field is ([RFC 2046, section 5.1.5]).
    pub fn message() -> Self {
        Self { kind: "message".into(), subtype: "rfc822".into(), parameters: Vec::new(), ambiguous: false }
    }

    /// Whether it is that type.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// The part before the slash.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The part behind the slash.
    pub fn subtype(&self) -> &str {
        &self.subtype
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether two programs could read it in two ways: a parameter twice or in pieces that do not fit, a comment, an escape,
    /// an encoded word, or text that is no parameter.
    pub fn is_ambiguous(&self) -> bool {
        self.ambiguous
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype)?;
        for (name, value) in &self.parameters {
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            write!(f, "; {name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
        }
        Ok(())
    }
}

/// A value in reading: from its first octet to its last, once, so that no quote hides in a comment and no comment in a quote.
struct Cursor<'a> {
    rest: &'a str,
    /// Whether all programs read the same so far.
    clean: bool,
}

impl<'a> Cursor<'a> {
    fn media_type(&mut self) -> Option<(String, String)> {
        self.blanks();
        let kind = self.token()?;
        let before = self.rest.len();
        self.blanks();
        if !self.eat('/') {
            return None;
        }
        self.blanks();
        let subtype = self.token()?;
        // Blanks beside the slash: for some that is no type.
        self.clean &= before == self.rest.len() + 1 + subtype.len();
        Some((kind.to_ascii_lowercase(), subtype.to_ascii_lowercase()))
    }

    /// The `name=value` pieces. What is none is left out, and is a doubt.
    fn pieces(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for _ in 0..MAX_PIECES {
            self.blanks();
            if self.rest.is_empty() {
                return pieces;
            }
            if !self.eat(';') {
                self.doubt();
                self.rest = self.rest.find(';').map_or("", |at| &self.rest[at..]);
                continue;
            }
            self.blanks();
            if self.rest.is_empty() || self.rest.starts_with(';') {
                continue;
            }
            match self.piece() {
                Some(piece) => pieces.push(piece),
                None => self.doubt(),
            }
        }
        self.blanks();
        self.clean &= self.rest.is_empty();
        pieces
    }

    fn piece(&mut self) -> Option<Piece> {
        let name = self.token()?.to_ascii_lowercase();
        let before = self.rest.len();
        self.blanks();
        if !self.eat('=') {
            return None;
        }
        self.blanks();
        let mut clean = before == self.rest.len() + 1;
        let value = match self.eat('"') {
            true => self.quoted(&mut clean)?,
            false => {
                let end = self.rest.find([';', ' ', '\t', '(']).unwrap_or(self.rest.len());
                let (value, rest) = self.rest.split_at(end);
                self.rest = rest;
                // What RFC 2231 gives a meaning in names, some take for it in values.
                clean &= value.bytes().all(|b| is_token(b) && !b"'*%".contains(&b));
                (!value.is_empty()).then(|| value.to_owned())?
            }
        };
        // Names of files are shown; they say nothing about what the entity is.
        let shown = matches!(name.split('*').next(), Some("name" | "filename"));
        clean &= shown || value.bytes().all(|b| matches!(b, b' '..=b'~')) && !value.contains("=?");
        self.clean &= clean || shown;
        Some(Piece { name, value })
    }

    /// Up to the closing quote; `None` if there is none.
    fn quoted(&mut self, clean: &mut bool) -> Option<String> {
        let mut value = String::new();
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(value);
                }
                '\\' => {
                    // Not all take it away.
                    *clean = false;
                    value.extend(letters.next().map(|(_, escaped)| escaped));
                }
                other => value.push(other),
            }
        }
        self.rest = "";
        None
    }

    /// Skips white space and comments. Not all programs know of comments, so that one is a doubt.
    fn blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if !self.rest.starts_with('(') {
                return;
            }
            self.doubt();
            let mut depth = 0_usize;
            let mut letters = self.rest.char_indices();
            let end = loop {
                match letters.next() {
                    Some((_, '(')) => depth += 1,
                    Some((_, '\\')) => {
                        letters.next();
                    }
                    Some((at, ')')) if depth == 1 => break at + 1,
                    Some((_, ')')) => depth -= 1,
                    Some(_) => {}
                    None => break self.rest.len(),
                }
            };
            self.rest = &self.rest[end..];
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.rest.bytes().position(|b| !is_token(b)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (1..=MAX_OCTETS).contains(&token.len()).then_some(token)
    }

    fn eat(&mut self, letter: char) -> bool {
        let rest = self.rest.strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn doubt(&mut self) {
        self.clean = false;
    }
}

struct Piece {
    /// In lower case, with the marks of RFC 2231.
    name: String,
    value: String,
}

fn is_token(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&octet)
}

/// Where a piece stands in its parameter ([RFC 2231, sections 3 and 4]).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Section {
    /// `*0`, `*1`: one of several.
    index: Option<u32>,
    /// With a charset and percent signs.
    encoded: bool,
}

/// `name*1*`: its base, and what stands behind it; `None` if that is nothing that RFC 2231 knows.
fn section(name: &str) -> Option<(&str, Section)> {
    let number = |text: &str| text.parse().ok().filter(|index: &u32| index.to_string() == text);
    match name.split('*').collect::<Vec<_>>()[..] {
        [base] => Some((base, Section { index: None, encoded: false })),
        [base, ""] => Some((base, Section { index: None, encoded: true })),
        [base, index] => Some((base, Section { index: Some(number(index)?), encoded: false })),
        [base, index, ""] => Some((base, Section { index: Some(number(index)?), encoded: true })),
        _ => None,
    }
}

/// Puts `name*0*=…; name*1=…` together and decodes percent signs, and whether there is one way to do so: each parameter
/// stands there once, whole or in sections that count from 0 without a gap.
fn join(pieces: Vec<Piece>) -> (Vec<(String, String)>, bool) {
    let mut joined: Vec<(String, String, Section)> = Vec::new();
    let mut clean = true;
    for Piece { name, value } in pieces {
        let Some((base, section)) = section(&name) else {
            clean = false;
            continue;
        };
        let first = section.index.is_none_or(|index| index == 0);
        let value = if section.encoded { percent_decoded(&value, first) } else { value };
        let known = joined.iter_mut().find(|(known, ..)| known == base);
        match (known, section.index) {
            (None, _) => {
                clean &= first;
                joined.push((base.to_owned(), value, section));
            }
            (Some((_, so_far, last)), Some(index)) if last.index.is_some_and(|last| last + 1 == index) => {
                so_far.push_str(&value);
                *last = section;
            }
            // The first of two that claim one place counts.
            _ => clean = false,
        }
        let shown = matches!(base, "name" | "filename");
        clean &= shown || !section.encoded;
    }
    (joined.into_iter().map(|(name, value, _)| (name, value)).collect(), clean)
}

fn percent_decoded(value: &str, first: bool) -> String {
    // charset'language'text stands in the first section only.
    let text = if first { value.splitn(3, '\'').nth(2).unwrap_or(value) } else { value };
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            (other, ..) => {
                out.push(other);
                at += 1;
            }
        }
    }
    text_of(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_program_writes_is_ambiguous() {
        for odd in [";".repeat(64_000), "; a=b".repeat(65), format!("; a={}", "x".repeat(5000))] {
            let parsed = ContentType::parse(&format!("multipart/signed{odd}; boundary=b")).unwrap();
            assert!(parsed.is("multipart", "signed") && parsed.is_ambiguous());
            assert_eq!(parsed.parameter("boundary"), None);
        }
        assert!(ContentType::parse(&format!("{}/b", "a".repeat(5000))).is_none());
    }
    use proptest::prelude::*;

    fn check(value: &str, kind: &str, parameters: &[(&str, &str)], ambiguous: bool) {
        let parsed = ContentType::parse(value).unwrap();
        assert_eq!(format!("{}/{}", parsed.kind(), parsed.subtype()), kind, "{value}");
        for (name, expected) in parameters {
            assert_eq!(parsed.parameter(name), Some(*expected), "{value}");
        }
        assert_eq!(parsed.is_ambiguous(), ambiguous, "{value}");
    }

    #[test]
    fn types_are_read() {
        check("text/plain", "text/plain", &[], false);
        check("Text/Plain; Charset=UTF-8", "text/plain", &[("charset", "UTF-8")], false);
        check(r#"multipart/mixed; boundary="a b;c""#, "multipart/mixed", &[("boundary", "a b;c")], false);
        check(r#"a/b; name="a b\"c""#, "a/b", &[("name", "a b\"c")], false);
        check(
            "multipart/signed; micalg=pgp-sha512;\tprotocol=\"application/pgp-signature\"; boundary=x",
            "multipart/signed",
            &[("micalg", "pgp-sha512"), ("protocol", "application/pgp-signature"), ("boundary", "x")],
            false,
        );
        check(
            "multipart/mixed; boundary*0=ab; boundary*1=cd",
            "multipart/mixed",
            &[("boundary", "abcd")],
            false,
        );
        check("a/b; name*=utf-8''%e2%82%ac", "a/b", &[("name", "€")], false);
        check("a/b;", "a/b", &[], false);
        check("a/b;; x=1", "a/b", &[("x", "1")], false);
    }

    #[test]
    fn two_readings_are_noticed() {
        let check = |value: &str, boundary: Option<&str>| {
            let parsed = ContentType::parse(&format!("multipart/signed; {value}")).unwrap();
            assert_eq!((parsed.parameter("boundary"), parsed.is_ambiguous()), (boundary, true), "{value}");
        };
        check("boundary=a; boundary=b", Some("a"));
        check("boundary=a; BOUNDARY=b", Some("a"));
        check("boundary=a b", Some("a"));
        check("boundary=\"open", None);
        check("boundary=\"a\"b", Some("a"));
        check("boundary =a", Some("a"));
        check("boundary= a", Some("a"));
        check("boundary=a/b", Some("a/b"));
        check("boundary=a'b'c", Some("a'b'c"));
        check("boundary=a*b", Some("a*b"));
        check("boundary=a%62", Some("a%62"));
        check("name=a(;boundary=b); boundary=a", Some("a"));
        check("boundary=\"a\\b\"", Some("ab"));
        check("boundary=\"=?us-ascii?q?a?=\"", Some("=?us-ascii?q?a?="));
        check("boundary=\"ä\"", Some("ä"));
        check("boundary=\"a\tb\"", Some("a\tb"));
        check("boundary=(c)a", Some("a"));
        check("(; boundary=a;) boundary=b", Some("b"));
        check("(; x=\") boundary=a; y=\"; boundary=b; z=\";\"", Some("a"));
        check("(\\); boundary=a; x=() boundary=b", None);
        check("boundary=a (", Some("a"));
        // RFC 2231: both forms, two of one place, a gap, no number, from 1 on, out of order, encoded.
        check("boundary*=us-ascii''a; boundary=b", Some("a"));
        check("boundary=b; boundary*=us-ascii''a", Some("b"));
        check("boundary*0=a; boundary=b", Some("a"));
        check("boundary*1=b; boundary=a", Some("b"));
        check("boundary*0=a; boundary*0=b", Some("a"));
        check("boundary*0=a; boundary*2=b", Some("a"));
        check("boundary*x=a", None);
        check("boundary*00=a", None);
        check("boundary**=a", None);
        check("boundary*0**=a", None);
        check("boundary*1=a", Some("a"));
        check("boundary*1=b; boundary*0=a", Some("b"));
        check("boundary*=us-ascii''a", Some("a"));
        check("boundary*0*=us-ascii''a; boundary*1=b", Some("ab"));
        check("boundary=a; no parameter; x=y", Some("a"));
        check("=a; boundary=b", Some("b"));
        check("boundary=; x=y", None);
        for odd in ["text/plain charset=x", "text / plain", "text/plain(c)", "(c)text/plain"] {
            assert!(ContentType::parse(odd).unwrap().is_ambiguous(), "{odd}");
        }
        for none in ["text", "", "/", "text/", "=?us-ascii?q?multipart/signed?=; boundary=a"] {
            assert_eq!(ContentType::parse(none), None);
            let read = ContentType::read(none.as_bytes());
            assert!(read.is("text", "plain") && read.is_ambiguous(), "{none}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(value in any::<String>()) {
            if let Some(parsed) = ContentType::parse(&value) { let _ = parsed.to_string(); }
        }

        #[test]
        fn a_quoted_value_survives(boundary in "[ -~]{1,60}") {
            let written = ContentType { kind: "a".into(), subtype: "b".into(), parameters: vec![("name".into(), boundary.clone())], ambiguous: false };
            let read = ContentType::parse(&written.to_string()).unwrap();
            prop_assert_eq!(read.parameter("name"), Some(boundary.as_str()));
        }
    }
}
