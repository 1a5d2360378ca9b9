//! Converts a message to a form that the next hop accepts: no line above 998 octets ([RFC 5321, section
//! 4.5.3.1.6]), and no octet above 127 if the next hop does not offer 8BITMIME ([RFC 6152]).
//!
//! Bodies are encoded and header lines folded. A signed or encrypted part is never encoded again, because its
//! signature would no longer verify.

use std::borrow::Cow;

use crate::entity::Entity;
use crate::headers::{Field, Headers};
use crate::multipart::split;
use crate::transfer;

/// The longest line in octets, without its line end.
pub const MAX_LINE_OCTETS: usize = 998;
/// The line length at which header lines are folded ([RFC 5322, section 2.1.1]).
const FOLD_AT: usize = 78;
/// The deepest nesting of entities that is converted.
const MAX_DEPTH: usize = 16;

/// Which octets the next hop accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Octets {
    /// All octets, as with most servers.
    EightBit,
    /// ASCII only.
    SevenBit,
}

/// Why a message cannot be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitMessage {
    /// A signed or encrypted part does not fit.
    #[error("a signed part has lines or octets that mail servers do not take, and cannot be encoded anew")]
    Signed,
    /// The parts cannot be split unambiguously, or a header field has no form that fits.
    #[error("the message has lines or octets that mail servers do not take, and cannot be encoded anew")]
    Structure,
}

/// Returns the message, header and body, in a form that fits. Borrows if it fits already.
pub fn fit(message: &[u8], octets: Octets) -> Result<Cow<'_, [u8]>, UnfitMessage> {
    if fits(message, octets) {
        return Ok(Cow::Borrowed(message));
    }
    let mut out = Vec::with_capacity(message.len() + message.len() / 8);
    write(&Entity::parse(message), octets, 0, &mut out)?;
    // An international address has no ASCII form.
    if fits(&out, octets) { Ok(Cow::Owned(out)) } else { Err(UnfitMessage::Structure) }
}

/// Returns a header block (without the empty line after it) whose lines fit. A word that is longer than a
/// line is left out.
pub fn header(block: &[u8]) -> Cow<'_, [u8]> {
    if fits(block, Octets::EightBit) {
        return Cow::Borrowed(block);
    }
    let (headers, _) = Headers::parse(block);
    let mut out = Vec::with_capacity(block.len());
    write_header(&headers, Octets::EightBit, &mut out);
    Cow::Owned(out)
}

fn fits(bytes: &[u8], octets: Octets) -> bool {
    (octets == Octets::EightBit || bytes.is_ascii()) && lines_fit(bytes)
}

/// Whether no line is too long, not counting its line feed. Whole blocks of lines are checked at a time:
/// every stretch of the longest length must contain a line feed.
fn lines_fit(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(longest) = rest.get(..MAX_LINE_OCTETS + 2) {
        let Some(end) = memchr::memrchr(b'\n', longest) else { return false };
        rest = &rest[end + 1..];
    }
    true
}

fn write(entity: &Entity<'_>, octets: Octets, depth: usize, out: &mut Vec<u8>) -> Result<(), UnfitMessage> {
    if depth > MAX_DEPTH {
        return Err(UnfitMessage::Structure);
    }
    let content_type = entity.content_type();
    let body_fits = fits(entity.body, octets);
    let mut headers = entity.headers.clone();
    let mut body = Vec::new();
    match content_type.kind() {
        _ if body_fits => body.extend_from_slice(entity.body),
        "multipart" if matches!(content_type.subtype(), "signed" | "encrypted") => {
            return Err(UnfitMessage::Signed);
        }
        "multipart" => {
            let boundary = content_type.parameter("boundary").ok_or(UnfitMessage::Structure)?;
            for part in split(entity.body, boundary).map_err(|_| UnfitMessage::Structure)? {
                body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
                write(&Entity::part_of(&content_type, part), octets, depth + 1, &mut body)?;
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            plain_encoding(&mut headers, octets);
        }
        "message" => {
            write(&Entity::parse(entity.body), octets, depth + 1, &mut body)?;
            plain_encoding(&mut headers, octets);
        }
        kind => {
            let decoded = entity.decoded_body().unwrap_or(Cow::Borrowed(entity.body));
            let is_text = kind == "text" && !decoded.contains(&0);
            let (name, encoded) = match is_text {
                true => ("quoted-printable", transfer::quoted_printable(&decoded)),
                false => ("base64", transfer::base64_lines(&decoded)),
            };
            headers.set(Field::text("Content-Transfer-Encoding", name));
            body = encoded;
            if is_text && !decoded.ends_with(b"\n") {
                body.truncate(body.len() - 2);
            }
        }
    }
    write_header(&headers, octets, out);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&body);
    Ok(())
}

/// Removes the encoding of a multipart, which must not have one ([RFC 2045, section 6.4]).
fn plain_encoding(headers: &mut Headers, octets: Octets) {
    if octets == Octets::SevenBit {
        headers.remove("content-transfer-encoding");
    }
}

fn write_header(headers: &Headers, octets: Octets, out: &mut Vec<u8>) {
    for field in headers.fields() {
        if fits(field.as_bytes(), octets) {
            out.extend_from_slice(field.as_bytes());
        } else if let Some(fitting) = fitting(field, octets) {
            out.extend_from_slice(&fitting);
        }
    }
}

/// The field folded at blanks into lines that fit. Returns `None` if nothing of it is left.
fn fitting(field: &Field, octets: Octets) -> Option<Vec<u8>> {
    let name = Some(field.name()).filter(|name| !name.is_empty() && name.len() < FOLD_AT)?;
    let value = match octets {
        Octets::SevenBit if !field.value().is_ascii() => in_ascii(field),
        _ => field.value(),
    };
    let words = value.split(|octet| matches!(octet, b' ' | b'\t')).filter(|word| !word.is_empty());
    let mut line = format!("{name}:").into_bytes();
    let (mut out, mut empty) = (Vec::with_capacity(value.len() + 100), true);
    for word in words.filter(|word| word.len() < MAX_LINE_OCTETS) {
        let first = line.ends_with(b":") && out.is_empty();
        if line.len() + 1 + word.len() > FOLD_AT && !first || line.len() + 1 + word.len() > MAX_LINE_OCTETS {
            out.append(&mut line);
            out.extend_from_slice(b"\r\n");
        }
        line.push(b' ');
        line.extend_from_slice(word);
        empty = false;
    }
    out.append(&mut line);
    out.extend_from_slice(b"\r\n");
    (!empty).then_some(out)
}

/// The value in encoded words ([RFC 2047]).
fn in_ascii(field: &Field) -> Vec<u8> {
    const ADDRESSES: &[&str] = &["from", "sender", "reply-to", "to", "cc"];
    let mailboxes = match ADDRESSES.iter().any(|name| field.is(name)) {
        true => crate::parse_mailboxes(&field.value()),
        false => Vec::new(),
    };
    let written = match mailboxes.is_empty() {
        true => Field::text(field.name(), &field.decoded()),
        false => Field::mailboxes(field.name(), &mailboxes),
    };
    written.value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn long(count: usize) -> String {
        "x".repeat(count)
    }

    /// The message in that form, with LF line ends.
    fn fitted(message: &str, octets: Octets) -> Result<String, UnfitMessage> {
        let message = message.replace('\n', "\r\n");
        let fitted = fit(message.as_bytes(), octets)?;
        assert!(fits(&fitted, octets), "{}", String::from_utf8_lossy(&fitted));
        assert_eq!(
            fits(message.as_bytes(), octets),
            matches!(fitted, Cow::Borrowed(_)),
            "touched only where needed"
        );
        Ok(String::from_utf8_lossy(&fitted).replace("\r\n", "\n"))
    }

    #[test]
    fn a_line_is_too_long_wherever_it_stands() {
        let lengths = [0, 1, 500, 997, 998, 999, 1000, 1001, 2000];
        for (first, second, third) in
            lengths.iter().flat_map(|a| lengths.iter().flat_map(move |b| lengths.map(move |c| (*a, *b, c))))
        {
            for ends in [["\r\n", "\r\n", "\r\n"], ["\n", "\r\n", ""], ["\r\n", "\n", "\n"]] {
                let lines = [first, second, third].map(long);
                let text: String = lines.iter().zip(ends).map(|(line, end)| format!("{line}{end}")).collect();
                let one_by_one = text.split('\n').all(|line| line.len() <= MAX_LINE_OCTETS + 1);
                assert_eq!(lines_fit(text.as_bytes()), one_by_one, "{first} {second} {third} {ends:?}");
            }
        }
    }

    /// Also checks that the body is restored by decoding.
    fn check(message: &str, octets: Octets) {
        let fitted = fitted(message, octets).unwrap();
        let (before, after) = (message.replace('\n', "\r\n"), fitted.replace('\n', "\r\n"));
        let (before, after) = (Entity::parse(before.as_bytes()), Entity::parse(after.as_bytes()));
        assert_eq!(after.decoded_body(), before.decoded_body(), "{fitted}");
        assert_eq!(after.content_type(), before.content_type());
    }

    #[test]
    fn bodies_are_encoded_where_they_must_be() {
        use Octets::{EightBit, SevenBit};
        for octets in [EightBit, SevenBit] {
            check("Subject: x\n\nwords\n", octets);
            check(&format!("Subject: x\n\n{}\n", long(998)), octets);
            check(&format!("Subject: x\n\nshort\n{}\nshort", long(999)), octets);
            check(&format!("Content-Type: text/html\n\n<p>{}</p>\n", long(5000)), octets);
            check(&format!("Content-Type: application/x-y\n\n{}\n", long(5000)), octets);
            let base64 = transfer::base64_lines(&[7; 3000]).escape_ascii().to_string().replace("\\r\\n", "");
            check(
                &format!("Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n{base64}\n"),
                octets,
            );
        }
        check(
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße = .\n.\n",
            SevenBit,
        );
        check("Content-Type: text/plain; charset=utf-8\n\nGrüße \n", EightBit);
        check("Content-Type: text/plain; charset=utf-16\n\n\0ä\n", SevenBit);
    }

    #[test]
    fn parts_are_encoded_by_themselves() {
        let mail = format!(
            "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 8bit\n\nbefore\n--b\n\nkept\n--b\nContent-Type: text/html\n\n{}\n--b\nContent-Type: message/rfc822\n\nSubject: ä\n\nö\n--b--\nafter\n",
            long(2000)
        );
        let fitted = fitted(&mail, Octets::SevenBit).unwrap();
        let entity = Entity::parse(fitted.as_bytes());
        let parts = split(entity.body, "b").unwrap();
        assert_eq!(parts[0], b"\nkept");
        assert_eq!(Entity::parse(parts[1]).decoded_body().unwrap(), long(2000).as_bytes());
        let inner = Entity::parse(parts[2]);
        let inner = Entity::parse(inner.body);
        assert_eq!(inner.headers.text("subject").unwrap(), "ä");
        assert_eq!(inner.decoded_body().unwrap(), "ö".as_bytes());
        assert!(entity.headers.first("content-transfer-encoding").is_none());
    }

    /// The surrounding multipart decides the type of a part that has no Content-Type.
    #[test]
    fn messages_within_are_encoded_by_themselves() {
        let inner = format!("Subject: ä\nContent-Type: text/plain; charset=utf-8\n\nGrüße {}\n", long(1200));
        for (multipart, head) in [
            ("digest", ""),
            ("digest", "Content-Disposition: inline\n"),
            ("digest", "Content-Transfer-Encoding: 8bit\n"),
            ("DIGEST", "Content-Type: message/rfc822\n"),
            ("mixed", "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n"),
            ("mixed", "Content-Type: message/global\n"),
            ("mixed", "Content-Type: message/news\n"),
        ] {
            for outer in ["", "Content-Type: multipart/digest; boundary=o\n\n--o\n\n"] {
                let close = if outer.is_empty() { "" } else { "--o--\n" };
                let mail = format!(
                    "{outer}Content-Type: multipart/{multipart}; boundary=b\n\n--b\n{head}\n{inner}\n--b--\n{close}"
                );
                let fitted = fitted(&mail, Octets::SevenBit).unwrap();
                let begin = fitted.find("--b\n").unwrap();
                let parts = split(&fitted.as_bytes()[begin..], "b").unwrap();
                let part = Entity::parse(parts[0]);
                assert_eq!(part.headers.first("content-transfer-encoding"), None, "{fitted}");
                let message = Entity::parse(part.body);
                assert_eq!(message.headers.text("subject").unwrap(), "ä", "{fitted}");
                let body = message.decoded_body().unwrap();
                assert_eq!(String::from_utf8_lossy(&body), format!("Grüße {}\n", long(1200)), "{fitted}");
            }
        }
        let text = format!(
            "Content-Type: multipart/digest; boundary=b\n\n--b\nContent-Type: text/plain\n\n{}\n--b--\n",
            long(1200)
        );
        assert!(
            fitted(&text, Octets::EightBit)
                .unwrap()
                .contains("Content-Transfer-Encoding: quoted-printable\n\n")
        );
    }

    #[test]
    fn what_is_signed_is_never_touched() {
        let signed = |text: &str| {
            format!(
                "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/signed; boundary=b\n\n--b\n\n{text}\n--b\n\nsignature\n--b--\n--o\n\nfoot {}\n--o--\n",
                long(1200)
            )
        };
        assert_eq!(fitted(&signed(&long(1200)), Octets::EightBit), Err(UnfitMessage::Signed));
        assert_eq!(fitted(&signed("ä"), Octets::SevenBit), Err(UnfitMessage::Signed));
        let fitted = fitted(&signed("ä"), Octets::EightBit).unwrap();
        assert!(fitted.contains("\n--b\n\nä\n--b\n\nsignature\n--b--\n"), "{fitted}");
        let unclear = format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{}\n", long(1200));
        assert_eq!(fit(unclear.as_bytes(), Octets::EightBit), Err(UnfitMessage::Structure));
        assert_eq!(
            fit("From: jörg@x.example\r\n\r\n".as_bytes(), Octets::SevenBit),
            Err(UnfitMessage::Structure)
        );
    }

    #[test]
    fn header_lines_are_folded() {
        fn check(block: &str, expected: &str) {
            let block = block.replace('\n', "\r\n");
            let folded = header(block.as_bytes());
            assert_eq!(String::from_utf8_lossy(&folded).replace("\r\n", "\n"), expected);
        }
        let ids = |count: usize| vec!["<0123456789@x.example>"; count].join(" ");
        check(&format!("References: {}\n", ids(30)), &format!("References: {}\n", ids(30)));
        let line = |count: usize| format!(" {}", ids(count));
        let all = [format!("References:{}", line(2)), vec![line(3); 19].join("\n"), line(1)].join("\n");
        check(&format!("A: 1\nReferences: {}\nB: 2\n", ids(60)), &format!("A: 1\n{all}\nB: 2\n"));
        check(&format!("References: <1@x> {} <2@x>\n", long(998)), "References: <1@x> <2@x>\n");
        check(&format!("References: {}\nB: 2\n", long(5000)), "B: 2\n");
        check(&format!("{}\nB: 2\n", long(5000)), "B: 2\n");
        check(&format!("{}: 1\nB: 2\n", long(5000)), "B: 2\n");
        check(&format!("S: {}\n", long(997)), &format!("S:\n {}\n", long(997)));
    }

    proptest! {
        #[test]
        fn whatever_leaves_fits(message in "([A-Za-z-]{1,12}: [ -~ä]{0,1100}\r\n){0,4}\r\n[ -~ä\r\n]{0,1100}") {
            for octets in [Octets::EightBit, Octets::SevenBit] {
                let fitted = fit(message.as_bytes(), octets);
                prop_assert!(fitted.is_err() || fits(&fitted.unwrap(), octets));
            }
            prop_assert!(fits(&header(message.as_bytes()), Octets::EightBit));
        }

        #[test]
        fn nothing_panics(message in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = fit(&message, Octets::SevenBit);
            header(&message);
        }
    }
}
