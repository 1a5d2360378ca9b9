//! Splits a multipart body strictly, because what a signature covers must not depend on the reader.
//!
//! A delimiter is a whole line: `--`, the boundary, optional blanks ([RFC 2046, section 5.1.1]). Some
//! libraries accept a line that only begins like this and end a part too early. A body with such a line has
//! two readings and is refused.

/// Why a body cannot be split unambiguously.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// The boundary is empty, longer than 70 characters, or ends in a blank.
    #[error("the boundary is no legal one")]
    Boundary,
    /// A line begins like the delimiter but is longer. Some programs take it for a delimiter.
    #[error("a line only begins like a boundary")]
    PrefixLine,
    /// There is no delimiter at all.
    #[error("the parts never begin")]
    NoParts,
    /// The closing delimiter is missing.
    #[error("the last part never ends")]
    NotClosed,
    /// A delimiter follows the closing one.
    #[error("a part begins behind the end")]
    AfterClose,
}

/// The parts of a multipart body as exact byte ranges. The line end before a delimiter belongs to the
/// delimiter.
pub fn split<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, Ambiguous> {
    if boundary.is_empty() || boundary.len() > 70 || boundary.ends_with(' ') {
        return Err(Ambiguous::Boundary);
    }
    let mut parts = Vec::new();
    let mut part_start = None;
    let mut closed = false;
    let mut at = 0;
    while at < body.len() {
        let end = body[at..].iter().position(|b| *b == b'\n').map_or(body.len(), |p| at + p + 1);
        let line = &body[at..end];
        match delimiter(line, boundary.as_bytes()) {
            None => {}
            Some(_) if closed => return Err(Ambiguous::AfterClose),
            Some(Delimiter::Prefix) => return Err(Ambiguous::PrefixLine),
            Some(kind) => {
                if let Some(start) = part_start.take() {
                    parts.push(without_line_end(&body[start..at]));
                }
                match kind {
                    Delimiter::Close => closed = true,
                    _ => part_start = Some(end),
                }
            }
        }
        at = end;
    }
    match (parts.is_empty() && part_start.is_none(), closed) {
        (true, _) => Err(Ambiguous::NoParts),
        (_, false) => Err(Ambiguous::NotClosed),
        _ => Ok(parts),
    }
}

/// What a line means to a multipart with that boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delimiter {
    /// A part begins.
    Open,
    /// The last part has ended.
    Close,
    /// The line begins like a delimiter but is longer.
    Prefix,
}

/// Classifies one line, including its line end.
pub(crate) fn delimiter(line: &[u8], boundary: &[u8]) -> Option<Delimiter> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let rest = rest.trim_ascii_end();
    Some(match rest {
        b"" => Delimiter::Open,
        b"--" => Delimiter::Close,
        _ => Delimiter::Prefix,
    })
}

fn without_line_end(part: &[u8]) -> &[u8] {
    part.strip_suffix(b"\r\n").or_else(|| part.strip_suffix(b"\n")).unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(body: &str, expected: Result<&[&str], Ambiguous>) {
        let seen = split(body.as_bytes(), "b1");
        let expected = expected.map(|parts| parts.iter().map(|p| p.as_bytes()).collect::<Vec<_>>());
        assert_eq!(seen, expected, "{body:?}");
    }

    #[test]
    fn parts_are_exact() {
        check("--b1\r\nA: 1\r\n\r\nx\r\n--b1\r\n\r\ny\r\n--b1--\r\n", Ok(&["A: 1\r\n\r\nx", "\r\ny"]));
        check("before\n--b1\nx\n\n--b1--\nafter", Ok(&["x\n"]));
        check("--b1 \t\r\nx\r\n--b1-- ", Ok(&["x"]));
        check("--b1\r\n--b1--", Ok(&[""]));
        check("--b1\r\nx --b1\r\n--b1--", Ok(&["x --b1"]));
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        check("", Err(Ambiguous::NoParts));
        check("x", Err(Ambiguous::NoParts));
        check("--b1\r\nx", Err(Ambiguous::NotClosed));
        check("--b1x\r\n--b1\r\nx\r\n--b1--", Err(Ambiguous::PrefixLine));
        check("--b1\r\n--b1nested\r\nx\r\n--b1--", Err(Ambiguous::PrefixLine));
        check("--b1\r\nx\r\n--b1--\r\n--b1\r\ny\r\n--b1--", Err(Ambiguous::AfterClose));
        assert_eq!(split(b"", ""), Err(Ambiguous::Boundary));
    }

    proptest! {
        #[test]
        fn what_is_joined_is_split(parts in proptest::collection::vec("[a-z \r\n]{0,40}", 1..6)) {
            let mut body = String::new();
            for part in &parts { body += &format!("--=-_x\r\n{part}\r\n"); }
            body += "--=-_x--\r\n";
            let split = split(body.as_bytes(), "=-_x").unwrap();
            prop_assert_eq!(split, parts.iter().map(|p| p.as_bytes()).collect::<Vec<_>>());
        }
    }
}
