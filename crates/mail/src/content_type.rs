//! Content-Type and its parameters ([RFC 2045, section 5], [RFC 2231]).

use std::fmt;

use crate::encoded_word::text_of;

/// The longest field whose parameters are read. Mail programs do not write longer ones.
const MAX_OCTETS: usize = 4096;
/// The most parameters, or unreadable pieces between semicolons, that are read.
const MAX_PIECES: usize = 64;

/// A media type. Type, subtype and parameter names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    kind: String,
    subtype: String,
    parameters: Vec<(String, String)>,
    ambiguous: bool,
}

impl ContentType {
    /// Parses the value of a field. Returns `None` if it names no type.
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

    /// Parses the raw value of a field. A value that names no type counts as plain text and as ambiguous,
    /// because other programs read it differently.
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

    /// Whether this is the given type.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// The part before the slash.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The part after the slash.
    pub fn subtype(&self) -> &str {
        &self.subtype
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether two programs could read the field in two ways. That is so if a parameter is there twice or in
    /// sections that do not fit together, or if there is a comment, an escape, an encoded word, or text that
    /// is not a parameter.
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

/// A value while it is parsed. The parser reads every octet once, so that no quote hides in a comment and no
/// comment in a quote.
struct Cursor<'a> {
    rest: &'a str,
    /// Whether all programs read the same up to here.
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
        // Some programs do not accept a type with blanks beside the slash.
        self.clean &= before == self.rest.len() + 1 + subtype.len();
        Some((kind.to_ascii_lowercase(), subtype.to_ascii_lowercase()))
    }

    /// The `name=value` pieces. A piece of another form is left out and makes the field ambiguous.
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
                // Some programs apply RFC 2231 to the values of parameters, too.
                clean &= value.bytes().all(|b| is_token(b) && !b"'*%".contains(&b));
                (!value.is_empty()).then(|| value.to_owned())?
            }
        };
        // File names are only shown. They do not change how the entity is read, so they are not checked.
        let shown = matches!(name.split('*').next(), Some("name" | "filename"));
        clean &= shown || value.bytes().all(|b| matches!(b, b' '..=b'~')) && !value.contains("=?");
        self.clean &= clean || shown;
        Some(Piece { name, value })
    }

    /// Reads up to the closing quote. Returns `None` if there is none.
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
                    // Some programs keep the backslash.
                    *clean = false;
                    value.extend(letters.next().map(|(_, escaped)| escaped));
                }
                other => value.push(other),
            }
        }
        self.rest = "";
        None
    }

    /// Skips white space and comments. Some programs do not know comments, so a comment makes the field
    /// ambiguous.
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
    /// In lower case, with the asterisks of RFC 2231.
    name: String,
    value: String,
}

fn is_token(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&octet)
}

/// The place of a piece within its parameter ([RFC 2231, sections 3 and 4]).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Section {
    /// The number of the section in `name*0`, `name*1`.
    index: Option<u32>,
    /// Whether the value has a charset and percent escapes.
    encoded: bool,
}

/// Splits `name*1*` into its base name and its section. Returns `None` if the name has asterisks that RFC
/// 2231 does not define.
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

/// Joins `name*0*=…; name*1=…` and decodes percent escapes. Also returns whether there is only one way to do
/// so: each parameter is there once, whole or in sections that count from 0 without a gap.
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
            // Of two pieces for the same place the first is used.
            _ => clean = false,
        }
        let shown = matches!(base, "name" | "filename");
        clean &= shown || !section.encoded;
    }
    (joined.into_iter().map(|(name, value, _)| (name, value)).collect(), clean)
}

fn percent_decoded(value: &str, first: bool) -> String {
    // Only the first section has the form charset'language'text.
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
        // RFC 2231: both forms, two sections of one number, a gap, no number, counting from 1, out of order,
        // encoded.
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
