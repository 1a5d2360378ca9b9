//! Extracts the text of a message: its first plain text or, if there is none, the text of its first HTML
//! part.

use std::borrow::Cow;

use crate::entity::Entity;
use crate::html::html_text;
use crate::multipart::split;

/// The most parts that are searched.
const MAX_PARTS: usize = 100;
const MAX_DEPTH: usize = 8;
/// The most octets of text that are read.
const MAX_OCTETS: usize = 64 * 1024;

/// The first `text/plain` leaf of an entity, decoded, or the text of the first `text/html` leaf, at most 64
/// KiB. Empty if there is neither.
pub fn first_text(root: &Entity<'_>) -> String {
    let leaf = |subtype| find(root, subtype, 0, &mut MAX_PARTS.clone()).map(text);
    leaf("plain").or_else(|| leaf("html").map(|html| html_text(&html))).unwrap_or_default()
}

fn text(octets: Cow<'_, [u8]>) -> String {
    let octets = &octets[..octets.len().min(MAX_OCTETS)];
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        // Commands are ASCII, which all other common charsets contain.
        Err(_) => octets.iter().copied().map(char::from).collect(),
    }
}

fn find<'a>(entity: &Entity<'a>, subtype: &str, depth: usize, left: &mut usize) -> Option<Cow<'a, [u8]>> {
    *left = left.checked_sub(1)?;
    let content_type = entity.content_type();
    if content_type.kind().eq_ignore_ascii_case("multipart") {
        if depth == MAX_DEPTH {
            return None;
        }
        let parts = split(entity.body, content_type.parameter("boundary")?).ok()?;
        return parts
            .into_iter()
            .find_map(|part| find(&Entity::part_of(&content_type, part), subtype, depth + 1, left));
    }
    if content_type.is("text", subtype) { entity.decoded_body() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mail: &str, expected: &str) {
        assert_eq!(first_text(&Entity::parse(mail.as_bytes())), expected, "{mail}");
    }

    #[test]
    fn the_first_plain_text_is_found() {
        check("Subject: x\r\n\r\nhelp\r\n", "help\r\n");
        check("Content-Type: text/html\r\n\r\n<p>help</p><p>who", "\nhelp\n\nwho");
        let parts = "--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGVscA==\r\n--b--\r\n";
        check(&format!("Content-Type: multipart/alternative; boundary=b\r\n\r\n{parts}"), "help");
        check(
            "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nhelp",
            "help",
        );
        check("Content-Type: multipart/mixed; boundary=b\r\n\r\nno parts", "");
    }
}
