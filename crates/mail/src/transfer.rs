//! Content-Transfer-Encoding ([RFC 2045, section 6]).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// Octets per encoded line: 76 characters of base64.
const LINE_OCTETS: usize = 57;
/// How many base64 digits are decoded at a time: whole groups of four.
const DIGITS: usize = 4096;

/// Base64 in lines of 76, each ended by CRLF.
pub fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / LINE_OCTETS * 78 + 80);
    let mut line = String::with_capacity(76);
    for chunk in bytes.chunks(LINE_OCTETS) {
        line.clear();
        STANDARD.encode_string(chunk, &mut line);
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Decodes a body by the value of its Content-Transfer-Encoding. Returns `None` if the body is not validly
/// encoded. An unknown encoding counts as none, and the body is borrowed.
pub fn decode<'a>(body: &'a [u8], encoding: &str) -> Option<Cow<'a, [u8]>> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => decode_base64(body).map(Cow::Owned),
        "quoted-printable" => Some(Cow::Owned(decode_quoted_printable(body))),
        _ => Some(Cow::Borrowed(body)),
    }
}

/// Decodes in small pieces, because a second copy of a large body would double the memory that it takes.
fn decode_base64(body: &[u8]) -> Option<Vec<u8>> {
    let end = body.iter().rposition(|b| *b != b'=' && !b.is_ascii_whitespace()).map_or(0, |p| p + 1);
    let mut out = Vec::with_capacity(end / 4 * 3 + 3);
    let mut digits = Vec::with_capacity(DIGITS);
    for digit in body[..end].iter().filter(|b| !b.is_ascii_whitespace()) {
        digits.push(*digit);
        if digits.len() == DIGITS {
            STANDARD_NO_PAD.decode_vec(&digits, &mut out).ok()?;
            digits.clear();
        }
    }
    STANDARD_NO_PAD.decode_vec(&digits, &mut out).ok()?;
    Some(out)
}

fn decode_quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|b| *b == b'\n') {
        let text = line.trim_ascii_end();
        let line_end = &line[line.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |p| p + 1)..];
        let soft = text.last() == Some(&b'=');
        let text = if soft { &text[..text.len() - 1] } else { text };
        let mut at = 0;
        while at < text.len() {
            let digit = |p: usize| text.get(p).and_then(|b| char::from(*b).to_digit(16));
            match (text[at], digit(at + 1), digit(at + 2)) {
                (b'=', Some(high), Some(low)) => {
                    out.extend(u8::try_from(high * 16 + low));
                    at += 3;
                }
                (other, ..) => {
                    out.push(other);
                    at += 1;
                }
            }
        }
        if !soft {
            out.extend_from_slice(line_end);
        }
    }
    out
}

/// Text as quoted-printable: lines of at most 76, ended by CRLF.
pub fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 5 / 4);
    for line in text.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut width = 0;
        for (at, &byte) in line.iter().enumerate() {
            let last = at + 1 == line.len();
            let plain = match byte {
                b'=' => false,
                b' ' | b'\t' => !last,
                other => other.is_ascii_graphic(),
            };
            let needed = if plain { 1 } else { 3 };
            if width + needed > 75 {
                out.extend_from_slice(b"=\r\n");
                width = 0;
            }
            width += needed;
            if plain { out.push(byte) } else { out.extend_from_slice(format!("={byte:02X}").as_bytes()) }
        }
        out.extend_from_slice(b"\r\n");
    }
    // The split yields an empty line after the last line end.
    if text.ends_with(b"\n") || text.is_empty() {
        out.truncate(out.len() - 2);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_of_all_lengths_around_a_piece_is_read() {
        for octets in (0..6).chain(DIGITS / 4 * 3 - 3..DIGITS / 4 * 3 + 4).chain([3 * DIGITS]) {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(octets).collect();
            let lines = base64_lines(&bytes);
            assert_eq!(decode(&lines, "base64").as_deref(), Some(&bytes[..]), "{octets}");
            let with_padding_within = [&lines[..], b"====", &lines].concat();
            assert_eq!(decode(&with_padding_within, "base64").is_some(), octets == 0, "{octets}");
        }
    }

    #[test]
    fn both_encodings_are_read() {
        fn check(encoding: &str, body: &str, decoded: Option<&[u8]>) {
            assert_eq!(decode(body.as_bytes(), encoding).as_deref(), decoded, "{body:?}");
        }
        check("base64", "aGVs\r\nbG8=\r\n", Some(b"hello"));
        check("BASE64", "aGVsbG8", Some(b"hello"));
        check("base64", "a*b", None);
        check("quoted-printable", "a=3Db=\r\nc \r\n", Some(b"a=bc\r\n"));
        check("quoted-printable", "=C3=B6=ZZ", Some("ö=ZZ".as_bytes()));
        check("8bit", "as is", Some(b"as is"));
        check("x-unknown", "as is", Some(b"as is"));
    }

    proptest! {
        #[test]
        fn base64_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let lines = base64_lines(&bytes);
            prop_assert!(lines.split(|b| *b == b'\n').all(|line| line.len() <= 77));
            prop_assert_eq!(decode(&lines, "base64").unwrap(), bytes);
        }

        #[test]
        fn quoted_printable_comes_back(text in "[^\r]{0,300}") {
            let encoded = quoted_printable(text.as_bytes());
            prop_assert!(encoded.split(|b| *b == b'\n').all(|line| line.len() <= 77));
            let decoded = decode(&encoded, "quoted-printable").unwrap();
            let expected = text.replace('\n', "\r\n");
            let decoded = String::from_utf8(decoded.into_owned()).unwrap();
            prop_assert_eq!(decoded.trim_end_matches("\r\n"), expected.trim_end_matches("\r\n"));
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            decode(&bytes, "base64");
            decode(&bytes, "quoted-printable");
        }
    }
}
