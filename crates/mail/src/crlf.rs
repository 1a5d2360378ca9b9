//! Line ends on the wire are CRLF and nothing else ([RFC 5322, section 2.3]).

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The same bytes with every bare CR or LF replaced by CRLF. Borrows if there is nothing to replace.
pub fn to_crlf(input: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = first_bare(input) else {
        return Cow::Borrowed(input);
    };
    let mut out = Vec::with_capacity(input.len() + input.len() / 32 + 16);
    out.extend_from_slice(&input[..first]);
    let mut at = first;
    while at < input.len() {
        match input[at] {
            b'\r' => {
                out.extend_from_slice(b"\r\n");
                at += if input.get(at + 1) == Some(&b'\n') { 2 } else { 1 };
            }
            b'\n' => {
                out.extend_from_slice(b"\r\n");
                at += 1;
            }
            other => {
                out.push(other);
                at += 1;
            }
        }
    }
    Cow::Owned(out)
}

/// Whether every CR is followed by LF and every LF is preceded by CR.
pub fn is_crlf(input: &[u8]) -> bool {
    first_bare(input).is_none()
}

/// Whether the octets can be sent as they are ([RFC 5321, section 2.3.8]): every line ends in CRLF, and there
/// is no lone CR or LF and no NUL, which some programs take for the end of a line.
pub fn is_wire_form(input: &[u8]) -> bool {
    is_crlf(input) && memchr(0, input).is_none()
}

/// Whether other programs could split the text into other lines: it has a CR without LF, or a NUL. A lone LF
/// is no doubt, because all programs end the line there.
pub fn has_doubtful_lines(input: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = memchr2(b'\r', 0, &input[at..]) {
        at += found;
        match line_ends(&input[at..]) {
            0 => return true,
            octets => at += octets,
        }
    }
    false
}

/// Whether lines of a message in wire form begin with dots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dots {
    /// No line does, as in armor.
    None,
    /// Some lines do, and each of those dots is doubled.
    Stuffed,
}

/// A message as SMTP carries it after DATA: CRLF line ends, the last line ended, dots stuffed ([RFC 5321,
/// section 4.5.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.2)).
pub fn wire_form(message: &[u8]) -> (Vec<u8>, Dots) {
    let message = to_crlf(message);
    let mut dots = Dots::None;
    let mut wire = Vec::with_capacity(message.len() + message.len() / 64 + 2);
    for line in message.split_inclusive(|b| *b == b'\n') {
        if line.first() == Some(&b'.') {
            wire.push(b'.');
            dots = Dots::Stuffed;
        }
        wire.extend_from_slice(line);
    }
    if !wire.is_empty() && !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    (wire, dots)
}

fn first_bare(input: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = memchr2(b'\r', b'\n', &input[at..]) {
        at += found;
        match line_ends(&input[at..]) {
            0 => return Some(at),
            octets => at += octets,
        }
    }
    None
}

/// How many of the first octets are line ends. A text may consist of line ends alone, and a separate search
/// for each would take ten times as long.
fn line_ends(input: &[u8]) -> usize {
    let mut octets = 0;
    while input.get(octets) == Some(&b'\r') && input.get(octets + 1) == Some(&b'\n') {
        octets += 2;
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_crlf() {
        fn check(input: &str, output: &str) {
            assert_eq!(to_crlf(input.as_bytes()), output.as_bytes(), "{input:?}");
            assert_eq!(is_crlf(input.as_bytes()), input == output, "{input:?}");
        }
        check("", "");
        check("a\r\nb\r\n", "a\r\nb\r\n");
        check("a\nb\n", "a\r\nb\r\n");
        check("a\rb\r", "a\r\nb\r\n");
        check("\n\r\n\r", "\r\n\r\n\r\n");
        check("a\r\r\nb", "a\r\n\r\nb");
    }

    #[test]
    fn doubtful_lines_are_found() {
        fn check(input: &str, wire: bool, doubtful: bool) {
            let input = input.as_bytes();
            assert_eq!((is_wire_form(input), has_doubtful_lines(input)), (wire, doubtful), "{input:?}");
        }
        check("", true, false);
        check("a\r\n\r\nb", true, false);
        check("a\nb\n", false, false);
        check("a\rb", false, true);
        check("a\r\r\nb", false, true);
        check("a\r\nb\r", false, true);
        check("a\0b", false, true);
    }

    #[test]
    fn messages_take_their_wire_form() {
        fn check(message: &[u8], dots: Dots, wire: &[u8]) {
            assert_eq!(wire_form(message), (wire.to_vec(), dots), "{message:?}");
        }
        check(b"", Dots::None, b"");
        check(b"a\r\nb", Dots::None, b"a\r\nb\r\n");
        check(b".\r\n..\r\na.b\r\n", Dots::Stuffed, b"..\r\n...\r\na.b\r\n");
        check(b"a\nb\rc\n", Dots::None, b"a\r\nb\r\nc\r\n");
        check(b"a\n.\nb\r.\r\n", Dots::Stuffed, b"a\r\n..\r\nb\r\n..\r\n");
    }
}
