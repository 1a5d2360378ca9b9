//! Checks the structure of a message while it streams in, before anything is stored or decrypted.
//!
//! The scanner checks line ends, header sizes, nesting and the number of parts, for any division into chunks.
//! Its memory is bounded by one header block. It is as lenient as any mail program: a line that some program
//! could take for the beginning of a part counts as one.

use memchr::{memchr, memchr3_iter};

use crate::content_type::ContentType;
use crate::headers::Headers;

/// The limits for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// The deepest nesting of multiparts.
    pub max_depth: usize,
    /// The most parts in total.
    pub max_parts: usize,
    /// The longest header block in octets, of the message or of a part.
    pub max_header_octets: usize,
    /// The longest field in octets, with its folding.
    pub max_field_octets: usize,
    /// Whether a lone CR, a lone LF or a NUL refuses the message ([RFC 5321, section 4.1.1.4]).
    pub line_ends: LineEnds,
}

/// How line ends other than CRLF are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// They refuse the message: for messages from the wire.
    Strict,
    /// They are accepted: for files and for decrypted messages.
    Lenient,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            max_depth: 32,
            max_parts: 1000,
            max_header_octets: 256 * 1024,
            max_field_octets: 64 * 1024,
            line_ends: LineEnds::Strict,
        }
    }
}

/// Why a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// It has a lone CR, a lone LF or a NUL.
    #[error("lines must end in CRLF, and no NUL may occur")]
    LineEnd,
    /// The header of the message or of a part is too long.
    #[error("the header is too large")]
    Header,
    /// One field is too long.
    #[error("a header field is too large")]
    Field,
    /// Multiparts are nested too deeply.
    #[error("the parts are nested too deeply")]
    Depth,
    /// Too many parts.
    #[error("there are too many parts")]
    Parts,
}

/// The measured structure of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// All octets, line ends included.
    pub octets: u64,
    /// Parts of multiparts.
    pub parts: usize,
    /// The deepest nesting.
    pub depth: usize,
}

/// The scanner. Feed all chunks to it, then call `finish`.
pub struct Scanner {
    limits: MessageLimits,
    outline: Outline,
    /// The header block that is being read, or the beginning of the current body line.
    buffer: Vec<u8>,
    field_octets: usize,
    place: ScanState,
    boundaries: Vec<Vec<u8>>,
    /// The boundaries of digests, whose parts are messages if they have no Content-Type ([RFC 2046, section
    /// 5.1.5]).
    digests: Vec<Vec<u8>>,
    /// Whether the current header block belongs to a part of a digest.
    is_digest_part: bool,
    previous: u8,
    /// Set while the first octet of the current body line rules out a delimiter.
    ordinary_line: bool,
    line_start: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ScanState {
    Header,
    Body,
}

/// Subtypes of `message` that contain a header and a body.
const MESSAGES: &[&str] = &["rfc822", "global", "news"];
/// How much of a body line is examined. `--`, a boundary of 70 octets and `--` fit in it.
const LONGEST_DELIMITER: usize = 256;

impl Scanner {
    /// Makes a scanner at the beginning of a message.
    pub fn new(limits: MessageLimits) -> Self {
        Self {
            limits,
            outline: Outline::default(),
            buffer: Vec::new(),
            field_octets: 0,
            place: ScanState::Header,
            boundaries: Vec::new(),
            digests: Vec::new(),
            is_digest_part: false,
            previous: 0,
            ordinary_line: false,
            line_start: 0,
        }
    }

    /// Examines the next bytes. After an error the caller need not feed more.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), ScanError> {
        self.outline.octets += chunk.len() as u64;
        if self.limits.line_ends == LineEnds::Strict {
            self.check_line_ends(chunk)?;
        }
        let mut rest = chunk;
        while !rest.is_empty() {
            if self.place == ScanState::Body && self.boundaries.is_empty() {
                // No multipart is open, so the rest has no delimiters.
                return Ok(());
            }
            let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (piece, behind) = rest.split_at(end);
            self.piece(piece)?;
            rest = behind;
        }
        Ok(())
    }

    /// Returns the measured structure after the last chunk.
    pub fn finish(mut self) -> Result<Outline, ScanError> {
        if self.limits.line_ends == LineEnds::Strict && self.previous == b'\r' {
            return Err(ScanError::LineEnd);
        }
        if self.place == ScanState::Header {
            self.end_of_header()?;
        } else if !self.buffer.is_empty() {
            self.body_line()?;
        }
        Ok(self.outline)
    }

    fn check_line_ends(&mut self, chunk: &[u8]) -> Result<(), ScanError> {
        for at in memchr3_iter(b'\r', b'\n', 0, chunk) {
            let previous = if at == 0 { self.previous } else { chunk[at - 1] };
            match chunk[at] {
                b'\n' if previous == b'\r' => {}
                // A CR at the end of a chunk is checked with the next chunk.
                b'\r' if previous != b'\r' && chunk.get(at + 1).is_none_or(|next| *next == b'\n') => {}
                _ => return Err(ScanError::LineEnd),
            }
        }
        if self.previous == b'\r' && chunk.first().is_some_and(|first| *first != b'\n') {
            return Err(ScanError::LineEnd);
        }
        self.previous = chunk.last().copied().unwrap_or(self.previous);
        Ok(())
    }

    /// Examines one line, or a piece of a line at the edge of a chunk.
    fn piece(&mut self, piece: &[u8]) -> Result<(), ScanError> {
        let complete = piece.last() == Some(&b'\n');
        match self.place {
            ScanState::Header => {
                self.buffer.extend_from_slice(piece);
                if self.buffer.len() > self.limits.max_header_octets {
                    return Err(ScanError::Header);
                }
                self.field_octets += piece.len();
                let line = &self.buffer[self.line_start..];
                if !matches!(line.first(), Some(b' ' | b'\t')) {
                    self.field_octets = line.len();
                }
                if self.field_octets > self.limits.max_field_octets {
                    return Err(ScanError::Field);
                }
                if complete {
                    let line_start = std::mem::replace(&mut self.line_start, self.buffer.len());
                    let line = &self.buffer[line_start..];
                    if line.trim_ascii_end().is_empty() && !matches!(line.first(), Some(b' ' | b'\t')) {
                        self.end_of_header()?;
                    } else if let Some(level) = self.delimiter_level(line_start) {
                        // The header of a part runs directly into the next delimiter.
                        self.buffer.truncate(line_start);
                        self.end_of_header()?;
                        self.delimited(level)?;
                    }
                }
            }
            ScanState::Body => {
                if self.buffer.is_empty() && piece[0] != b'-' {
                    self.ordinary_line = true;
                }
                if !self.ordinary_line {
                    let room = LONGEST_DELIMITER.saturating_sub(self.buffer.len());
                    self.buffer.extend_from_slice(&piece[..piece.len().min(room)]);
                }
                if complete {
                    self.body_line()?;
                }
            }
        }
        Ok(())
    }

    fn body_line(&mut self) -> Result<(), ScanError> {
        let level = if self.ordinary_line { None } else { self.delimiter_level(0) };
        self.buffer.clear();
        self.ordinary_line = false;
        match level {
            Some(level) => self.delimited(level),
            None => Ok(()),
        }
    }

    /// The innermost open multipart that the line in the buffer delimits, and whether the line closes it.
    fn delimiter_level(&self, line_start: usize) -> Option<(usize, bool)> {
        let line = self.buffer[line_start..].strip_prefix(b"--")?;
        let (level, boundary) =
            self.boundaries.iter().enumerate().rev().find(|(_, b)| line.starts_with(b))?;
        Some((level, line[boundary.len()..].starts_with(b"--")))
    }

    fn delimited(&mut self, (level, closes): (usize, bool)) -> Result<(), ScanError> {
        self.buffer.clear();
        if closes {
            self.boundaries.truncate(level);
            return Ok(());
        }
        self.boundaries.truncate(level + 1);
        self.outline.parts += 1;
        if self.outline.parts > self.limits.max_parts {
            return Err(ScanError::Parts);
        }
        self.begin_header();
        self.is_digest_part = self.digests.contains(&self.boundaries[level]);
        Ok(())
    }

    fn begin_header(&mut self) {
        self.place = ScanState::Header;
        self.line_start = 0;
        self.field_octets = 0;
    }

    fn end_of_header(&mut self) -> Result<(), ScanError> {
        let (headers, _) = Headers::parse(&self.buffer);
        self.buffer.clear();
        self.place = ScanState::Body;
        let types: Vec<ContentType> =
            headers.all("content-type").map(|f| ContentType::read(&f.value())).collect();
        let is_untyped_message = std::mem::take(&mut self.is_digest_part) && types.is_empty();
        if is_untyped_message || types.iter().any(|t| MESSAGES.iter().any(|subtype| t.is("message", subtype)))
        {
            // A nested message: its header follows, one level deeper.
            self.nested()?;
            self.begin_header();
        }
        for multipart in types.iter().filter(|t| t.kind() == "multipart") {
            let boundary = multipart.parameter("boundary").unwrap_or_default().as_bytes();
            if !boundary.is_empty() {
                self.boundaries.push(boundary.to_vec());
                if multipart.is("multipart", "digest") && self.digests.len() < self.limits.max_parts {
                    self.digests.push(boundary.to_vec());
                }
                self.nested()?;
            }
        }
        Ok(())
    }

    fn nested(&mut self) -> Result<(), ScanError> {
        let depth = self.boundaries.len();
        self.outline.depth = self.outline.depth.max(depth);
        self.outline.parts += 1;
        if depth > self.limits.max_depth {
            return Err(ScanError::Depth);
        }
        if self.outline.parts > self.limits.max_parts {
            return Err(ScanError::Parts);
        }
        Ok(())
    }
}

/// Scans a whole message at once.
pub fn scan(message: &[u8], limits: MessageLimits) -> Result<Outline, ScanError> {
    let mut scanner = Scanner::new(limits);
    scanner.feed(message)?;
    scanner.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nested(depth: usize) -> Vec<u8> {
        let mut mail = String::new();
        for level in 0..depth {
            mail += &format!("Content-Type: multipart/mixed; boundary=\"b{level}b\"\r\n\r\n--b{level}b\r\n");
        }
        mail.into_bytes()
    }

    fn many(parts: usize) -> Vec<u8> {
        let mut mail = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned();
        mail += &"--b\r\n\r\nx\r\n".repeat(parts);
        mail.into_bytes()
    }

    fn check(mail: &[u8], expected: Result<(), ScanError>) {
        assert_eq!(scan(mail, MessageLimits::default()).map(|_| ()), expected);
    }

    #[test]
    fn ordinary_mail_passes() {
        check(b"", Ok(()));
        check(b"Subject: x\r\n\r\nbody\r\n", Ok(()));
        check(&nested(32), Ok(()));
        check(&many(998), Ok(()));
        let outline = scan(&many(3), MessageLimits::default()).unwrap();
        assert_eq!((outline.depth, outline.parts), (1, 4));
    }

    #[test]
    fn what_is_too_much_is_refused() {
        check(&nested(33), Err(ScanError::Depth));
        check(&nested(100_000), Err(ScanError::Depth));
        check(&many(1001), Err(ScanError::Parts));
        check(&many(100_000), Err(ScanError::Parts));
        check(format!("X: {}\r\n\r\n", "x".repeat(65 * 1024)).as_bytes(), Err(ScanError::Field));
        check(format!("X: {}\r\n\r\n", "x\r\n ".repeat(20 * 1024)).as_bytes(), Err(ScanError::Field));
        check("X: xxxxxxxxxxxxxxx\r\n".repeat(15_360).as_bytes(), Err(ScanError::Header));
        check("Content-Type: message/rfc822\r\n\r\n".repeat(2_000).as_bytes(), Err(ScanError::Parts));
        let field = "x".repeat(65 * 1024);
        let within = |kind: &str, head: &str| {
            format!(
                "Content-Type: multipart/{kind}; boundary=b\r\n\r\n--b\r\n{head}\r\nX: {field}\r\n\r\n--b--\r\n"
            )
        };
        check(within("digest", "").as_bytes(), Err(ScanError::Field));
        check(within("mixed", "Content-Type: message/news\r\n").as_bytes(), Err(ScanError::Field));
        check(within("digest", "Content-Type: text/plain\r\n").as_bytes(), Ok(()));
        check(within("mixed", "").as_bytes(), Ok(()));
        let blanks =
            String::from_utf8(many(1001)).unwrap().replace("--b\r\n", &format!("--b{}\r\n", " ".repeat(300)));
        check(blanks.as_bytes(), Err(ScanError::Parts));
    }

    #[test]
    fn bare_line_ends_are_refused_from_the_wire() {
        for bad in ["a\nb\r\n", "a\rb\r\n", "a\r\r\n", "a\0\r\n", "a\r"] {
            check(bad.as_bytes(), Err(ScanError::LineEnd));
            let lenient = MessageLimits { line_ends: LineEnds::Lenient, ..MessageLimits::default() };
            assert!(scan(bad.as_bytes(), lenient).is_ok());
        }
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(mail in "(Content-Type: multipart/mixed; boundary=a\r\n|--a\r\n|--a--\r\n|\r\n|x: y\r\n|Content-Type: message/rfc822\r\n){0,30}", cuts in proptest::collection::vec(1usize..20, 1..40)) {
            let limits = MessageLimits { max_depth: 2, max_parts: 6, ..MessageLimits::default() };
            let whole = scan(mail.as_bytes(), limits);
            let mut scanner = Scanner::new(limits);
            let mut rest = mail.as_bytes();
            let mut fed = Ok(());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() || fed.is_err() { break; }
                let (chunk, behind) = rest.split_at((*cut).min(rest.len()));
                fed = scanner.feed(chunk);
                rest = behind;
            }
            prop_assert_eq!(fed.and_then(|()| scanner.finish()), whole);
        }

        #[test]
        fn nothing_panics(mail in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = scan(&mail, MessageLimits { line_ends: LineEnds::Lenient, ..MessageLimits::default() });
        }
    }
}
