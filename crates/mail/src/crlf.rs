//! Line ends on the wire are CRLF and nothing else ([RFC 5322, section 2.3]).

use std::borrow::Cow;

/// The same bytes with every bare CR or LF made a CRLF. Borrows when nothing is to be done.
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

/// Whether every CR is followed by LF and every LF preceded by CR.
pub fn is_crlf(input: &[u8]) -> bool {
    first_bare(input).is_none()
}

fn first_bare(input: &[u8]) -> Option<usize> {
    input.iter().enumerate().find_map(|(at, byte)| match byte {
        b'\n' if at == 0 || input[at - 1] != b'\r' => Some(at),
        b'\r' if input.get(at + 1) != Some(&b'\n') => Some(at),
        _ => None,
    })
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
}
