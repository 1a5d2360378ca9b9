//! Reads the content between DATA and the lone dot ([RFC 5321, section 4.5.2]).
//!
//! Only CRLF . CRLF ends the content, whatever other programs accept as an end. Otherwise one message could
//! become two (SMTP smuggling).

use memchr::memchr3;

/// Unstuffs the dots of content piece by piece.
#[derive(Default)]
pub(super) struct DotReader {
    state: DotState,
    bare: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum DotState {
    #[default]
    LineStart,
    Inside,
    Cr,
    /// A dot at the beginning of a line.
    Dot,
    /// A dot at the beginning of a line, and a CR.
    DotCr,
    End,
}

impl DotReader {
    /// Reads content from `input`, appends it to `out`, and returns how many bytes were consumed: all of
    /// them, or those up to the end of the content.
    pub(super) fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        out.reserve(input.len());
        let mut at = 0;
        while at < input.len() {
            let (plain, state) = self.plain_run(&input[at..]);
            out.extend_from_slice(&input[at..at + plain]);
            at += plain;
            self.state = state;
            if at == input.len() {
                break;
            }
            self.step(input[at], out);
            at += 1;
            if self.state == DotState::End {
                break;
            }
        }
        at
    }

    /// Whether the end of the content was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.state == DotState::End
    }

    /// Whether the content has a lone CR, a lone LF or a NUL.
    pub(super) fn has_bare_line_end(&self) -> bool {
        self.bare
    }

    /// How many octets can be copied unchanged (whole lines and the beginning of one), and the state after
    /// them.
    fn plain_run(&self, input: &[u8]) -> (usize, DotState) {
        let begins = match (self.state, input.first()) {
            (DotState::LineStart, Some(first)) => *first != b'.',
            (state, _) => state == DotState::Inside,
        };
        if !begins {
            return (0, self.state);
        }
        let mut line = 0;
        loop {
            let end = memchr3(b'\r', b'\n', 0, &input[line..]).map_or(input.len(), |found| line + found);
            match input[end..] {
                // The next octet decides whether this dot was stuffed.
                [b'\r', b'\n', next, ..] if next != b'.' => line = end + 2,
                _ if end > line => return (end, DotState::Inside),
                _ => return (end, if line > 0 { DotState::LineStart } else { self.state }),
            }
        }
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.bare |= byte == 0;
        self.state = match (self.state, byte) {
            (DotState::LineStart, b'.') => DotState::Dot,
            (DotState::Dot, b'\r') => DotState::DotCr,
            (DotState::DotCr, b'\n') => DotState::End,
            (DotState::DotCr, other) => {
                // The dot was stuffed, and the CR is a bare one.
                self.bare = true;
                out.push(b'\r');
                self.plain(other, out)
            }
            (DotState::Cr, b'\n') => {
                out.push(b'\n');
                DotState::LineStart
            }
            (DotState::Cr, other) => {
                self.bare = true;
                self.plain(other, out)
            }
            (_, other) => self.plain(other, out),
        };
    }

    fn plain(&mut self, byte: u8, out: &mut Vec<u8>) -> DotState {
        out.push(byte);
        self.bare |= byte == b'\n';
        if byte == b'\r' { DotState::Cr } else { DotState::Inside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], content: &[u8], taken: usize, bare: bool) {
        for chunk in [1, 2, 3, input.len().max(1)] {
            let mut reader = DotReader::default();
            let (mut out, mut seen) = (Vec::new(), 0);
            for piece in input.chunks(chunk) {
                if !reader.is_at_end() {
                    seen += reader.read(piece, &mut out);
                }
            }
            assert_eq!(
                (out.as_slice(), seen, reader.has_bare_line_end()),
                (content, taken, bare),
                "{input:?} by {chunk}"
            );
        }
    }

    #[test]
    fn dots_are_unstuffed() {
        check(b"a\r\n.\r\nQUIT", b"a\r\n", 6, false);
        check(b".\r\n", b"", 3, false);
        check(b"..a\r\n..\r\n.\r\n", b".a\r\n.\r\n", 12, false);
        check(b".a\r\n.\r\n", b"a\r\n", 7, false);
    }

    #[test]
    fn whole_lines_are_read_as_single_octets_are() {
        check(b"a\r\n\r\nb\r\n..c\r\n\r\n.\r\n", b"a\r\n\r\nb\r\n.c\r\n\r\n", 18, false);
        check(b"a\r\nb\0c\r\nd\ne\r\rf\r\n.\r\n", b"a\r\nb\0c\r\nd\ne\r\rf\r\n", 19, true);
    }

    #[test]
    fn only_one_sequence_ends_the_content() {
        for smuggled in [
            &b"\n.\n"[..],
            b"\n.\r\n",
            b"\r.\r",
            b"\r.\r\n",
            b"\r\n.\n",
            b"\r\n.\r",
            b"\r\n\0.\r\n",
            b"\n\n.\r\n",
            b"\r\r\n.\n",
            b"\r.\n",
            b"\r\n.\r\r\n",
            b"\n.\r",
        ] {
            let mut mail = b"a".to_vec();
            mail.extend_from_slice(smuggled);
            mail.extend_from_slice(b"MAIL FROM:<evil@x.example>\r\n.\r\n");
            let mut reader = DotReader::default();
            let mut out = Vec::new();
            assert_eq!(reader.read(&mail, &mut out), mail.len(), "{smuggled:?}");
            assert!(reader.has_bare_line_end(), "{smuggled:?}");
        }
    }
}
