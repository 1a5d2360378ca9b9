//! Cuts a message off so that the beginning is a complete message: every open part is closed. Otherwise a
//! mail program would take the text that follows for a piece of the open part.

use crate::entity::Entity;

const MAX_DEPTH: usize = 8;

/// At most `most_octets` of the message, up to the end of a line, followed by the closing delimiters of all
/// open parts. Returns `None` if the message is not longer.
pub fn beginning(message: &[u8], most_octets: usize) -> Option<Vec<u8>> {
    if message.len() <= most_octets {
        return None;
    }
    let end =
        message[..most_octets].iter().rposition(|octet| *octet == b'\n').map_or(most_octets, |at| at + 1);
    let mut cut = message[..end].to_vec();
    let mut open = Vec::new();
    open_parts(&cut, MAX_DEPTH, &mut open);
    for boundary in open.iter().rev() {
        cut.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    }
    Some(cut)
}

/// The boundaries of the multiparts that are open at the end of the entity, the outermost first.
fn open_parts(octets: &[u8], depth: usize, open: &mut Vec<String>) {
    let entity = Entity::parse(octets);
    let content_type = entity.content_type();
    let Some(boundary) = content_type.parameter("boundary").filter(|_| depth > 0) else { return };
    if !content_type.kind().eq_ignore_ascii_case("multipart") {
        return;
    }
    let delimiter = format!("--{boundary}");
    let lines = entity.body.split_inclusive(|octet| *octet == b'\n');
    let (mut at, mut last) = (0, None);
    for line in lines {
        at += line.len();
        match line.strip_prefix(delimiter.as_bytes()).map(<[u8]>::trim_ascii_end) {
            Some(b"") => last = Some(at),
            Some(b"--") => return,
            _ => {}
        }
    }
    open.push(boundary.to_owned());
    if let Some(part) = last {
        open_parts(&entity.body[part..], depth - 1, open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_leaves_no_part_open() {
        fn check(message: &str, most: usize, expected: &str) {
            let cut = beginning(message.as_bytes(), most).unwrap();
            assert_eq!(String::from_utf8(cut).unwrap(), expected);
        }
        assert_eq!(beginning(b"a\r\nb\r\n", 6), None);
        check("a: b\r\n\r\nc\r\nd\r\n", 12, "a: b\r\n\r\nc\r\n");
        check("abcdef", 3, "abc");
        let mixed = |b: &str, part: &str| {
            format!("Content-Type: multipart/mixed; boundary={b}\r\n\r\n--{b}\r\n{part}")
        };
        let whole = mixed("b", &mixed("c", "\r\nwords\r\nmore\r\n--c--\r\n--b--\r\n"));
        let cut = mixed("b", &mixed("c", "\r\nwords\r\n"));
        check(&whole, cut.len(), &format!("{cut}\r\n--c--\r\n\r\n--b--\r\n"));
        let closed = mixed("b", &mixed("c", "\r\nwords\r\nmore\r\n--c--\r\n"));
        check(&whole, closed.len(), &format!("{closed}\r\n--b--\r\n"));
    }
}
