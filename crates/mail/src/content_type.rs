//! Content-Type and its parameters ([RFC 2045, section 5], [RFC 2231]).

use std::fmt;

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
        let (media, rest) = value.split_once(';').unwrap_or((value, ""));
        if media.len() > MAX_OCTETS {
            return None;
        }
        let (kind, subtype) =
            strip_comments(media).trim().split_once('/').map(|(k, s)| (token(k), token(s)))?;
        let (kind, subtype) = (kind?, subtype?);
        let (pieces, clean) = if rest.len() > MAX_OCTETS { (Vec::new(), false) } else { pieces(rest) };
        let names: Vec<&String> = pieces.iter().map(|(name, _)| name).collect();
        let duplicate = names.iter().enumerate().any(|(at, name)| names[..at].contains(name));
        let parameters = join_continuations(pieces);
        Some(Self { kind, subtype, parameters, ambiguous: duplicate || !clean })
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

    /// Whether two programs could read it in two ways: a parameter twice, or text that is no parameter.
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

fn token(text: &str) -> Option<String> {
    let text = text.trim();
    let legal = |b: u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b);
    (!text.is_empty() && text.bytes().all(legal)).then(|| text.to_ascii_lowercase())
}

/// The raw `name=value` pieces, and whether everything was one.
fn pieces(input: &str) -> (Vec<(String, String)>, bool) {
    let mut pieces = Vec::new();
    let mut clean = true;
    let mut rest = input;
    for _ in 0..MAX_PIECES {
        if rest.trim().is_empty() {
            return (pieces, clean);
        }
        let (name, value, behind) = match one_piece(rest) {
            Some(piece) => piece,
            None => {
                let behind = rest.split_once(';').map_or("", |(_, b)| b);
                clean &= rest.split(';').next().is_some_and(|junk| strip_comments(junk).trim().is_empty());
                rest = behind;
                continue;
            }
        };
        pieces.push((name, value));
        let (junk, behind) = behind.split_once(';').unwrap_or((behind, ""));
        clean &= strip_comments(junk).trim().is_empty();
        rest = behind;
    }
    let all = rest.trim().is_empty();
    (pieces, clean && all)
}

fn one_piece(input: &str) -> Option<(String, String, &str)> {
    let (name, rest) = input.split_once('=')?;
    let name = token(strip_comments(name).trim())?;
    let rest = rest.trim_start();
    if let Some(quoted) = rest.strip_prefix('"') {
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => return Some((name, value, &quoted[at + 1..])),
                '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
                other => value.push(other),
            }
        }
        return None; // the quote never closes
    }
    let end = rest.find([';', ' ', '\t', '(']).unwrap_or(rest.len());
    (end > 0).then(|| (name, rest[..end].to_owned(), &rest[end..]))
}

fn strip_comments(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' if depth > 0 => {
                depth -= 1;
                false
            }
            _ => depth == 0,
        })
        .collect()
}

/// Puts `name*0*=…; name*1=…` together and decodes percent signs ([RFC 2231, sections 3 and 4]).
fn join_continuations(pieces: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut joined: Vec<(String, Vec<(u32, String)>)> = Vec::new();
    for (name, value) in pieces {
        let encoded = name.ends_with('*');
        let mut stem = name.trim_end_matches('*').split('*');
        let base = stem.next().unwrap_or_default().to_owned();
        let index = stem.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let value = if encoded { percent_decoded(&value, index == 0) } else { value };
        match joined.iter_mut().find(|(known, _)| *known == base) {
            // The first of two that claim one place counts; the type is ambiguous then.
            Some((_, sections)) if sections.iter().any(|(taken, _)| *taken == index) => {}
            Some((_, sections)) => sections.push((index, value)),
            None => joined.push((base, vec![(index, value)])),
        }
    }
    joined
        .into_iter()
        .map(|(name, mut sections)| {
            sections.sort_by_key(|(index, _)| *index);
            (name, sections.into_iter().map(|(_, text)| text).collect())
        })
        .collect()
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
    crate::encoded_word::text_of(&out).into_owned()
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
        check(r#"multipart/mixed; boundary="a b\"c""#, "multipart/mixed", &[("boundary", "a b\"c")], false);
        check(
            "multipart/signed; micalg=pgp-sha512;\tprotocol=\"application/pgp-signature\"; boundary=x",
            "multipart/signed",
            &[("micalg", "pgp-sha512"), ("protocol", "application/pgp-signature"), ("boundary", "x")],
            false,
        );
        check(
            "text/plain (a comment); charset=us-ascii (another)",
            "text/plain",
            &[("charset", "us-ascii")],
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
        check("multipart/mixed; boundary=a; boundary=b", "multipart/mixed", &[("boundary", "a")], true);
        check("multipart/mixed; boundary=a b", "multipart/mixed", &[("boundary", "a")], true);
        check("multipart/mixed; boundary=\"open", "multipart/mixed", &[], true);
        assert_eq!(ContentType::parse("text"), None);
        assert_eq!(ContentType::parse(""), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(value in any::<String>()) {
            if let Some(parsed) = ContentType::parse(&value) { let _ = parsed.to_string(); }
        }

        #[test]
        fn a_quoted_boundary_survives(boundary in "[ -~]{1,60}") {
            let written = ContentType { kind: "a".into(), subtype: "b".into(), parameters: vec![("boundary".into(), boundary.clone())], ambiguous: false };
            let read = ContentType::parse(&written.to_string()).unwrap();
            prop_assert_eq!(read.parameter("boundary"), Some(boundary.as_str()));
        }
    }
}
