//! Recognises what mail programs sign: a MIME part whose header says so.
//!
//! People also sign texts and files. If an attacker puts such octets into a multipart/signed, mail programs
//! take the lines before the first empty line for a header: they hide them, or obey a field that the text
//! quotes. So a signature counts only for a part with a header as mail programs write it ([RFC 3156, section
//! 5]).

use crate::content_type::ContentType;
use crate::entity::Entity;
use crate::headers::Field;

/// Fields of MIME itself.
const OF_MIME: &[&str] = &[
    "content-base",
    "content-class",
    "content-description",
    "content-disposition",
    "content-duration",
    "content-features",
    "content-id",
    "content-language",
    "content-location",
    "content-md5",
    "content-transfer-encoding",
    "content-type",
    "mime-version",
];
/// Fields of the message that programs repeat inside the signature ([RFC 9788] and its predecessors).
const OF_MESSAGE: &[&str] = &[
    "accept-language",
    "auto-submitted",
    "autocrypt",
    "autocrypt-gossip",
    "cc",
    "date",
    "disposition-notification-to",
    "followup-to",
    "from",
    "hp-outer",
    "importance",
    "in-reply-to",
    "keywords",
    "mail-followup-to",
    "mail-reply-to",
    "message-id",
    "openpgp",
    "organization",
    "precedence",
    "priority",
    "references",
    "reply-to",
    "sender",
    "subject",
    "thread-index",
    "thread-topic",
    "to",
    "user-agent",
    "x-enigmail-version",
    "x-loop",
    "x-mailer",
    "x-priority",
];
/// Prefixes of the fields of Delta Chat and of mailing lists.
const FAMILIES: &[&str] = &["chat-", "list-"];
const ENCODINGS: &[&[u8]] = &[b"7bit", b"8bit", b"binary", b"quoted-printable", b"base64"];

/// Whether the octets, with CRLF line ends, begin like a part that mail programs sign: a header of known
/// fields that has a type or an encoding. If the header names recipients, it must name the author, too.
///
/// Gnus writes no type for plain ASCII, but it writes the encoding.
pub fn is_signed_part(octets: &[u8]) -> bool {
    let entity = Entity::parse(octets);
    let has = |name: &str| entity.headers.count(name) > 0;
    entity.has_whole_header(octets)
        && entity.headers.fields().all(is_known)
        && entity.has_one_reading()
        && says_how_to_read(&entity)
        && (has("from") || !has("to") && !has("cc"))
}

/// Whether the field has a known name with the colon directly after it, and text in each of its lines.
fn is_known(field: &Field) -> bool {
    let name = field.name().to_ascii_lowercase();
    let is_named = [OF_MIME, OF_MESSAGE].iter().any(|names| names.contains(&name.as_str()));
    let known = is_named || FAMILIES.iter().any(|family| name.starts_with(family));
    let has_colon = field.as_bytes().get(name.len()) == Some(&b':');
    let mut lines = field.as_bytes().split(|octet| *octet == b'\n');
    let behind_last = lines.next_back();
    known && has_colon && behind_last == Some(b"") && lines.all(|line| !line.trim_ascii().is_empty())
}

fn says_how_to_read(entity: &Entity<'_>) -> bool {
    let encoding = entity.headers.first("content-transfer-encoding");
    let known_encoding =
        |encoding: &Vec<u8>| ENCODINGS.iter().any(|known| encoding.eq_ignore_ascii_case(known));
    match entity.headers.text("content-type") {
        Some(content_type) => ContentType::parse(&content_type).is_some_and(|read| !read.is_ambiguous()),
        None => encoding.as_ref().is_some_and(known_encoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(part: &str, expected: bool) {
        assert_eq!(is_signed_part(part.as_bytes()), expected, "{part:?}");
    }

    #[test]
    fn what_programs_sign_is_a_part() {
        for header in [
            "Content-Type: text/plain",
            "Content-Type: text/plain; charset=us-ascii\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: quoted-printable",
            "Content-Transfer-Encoding: quoted-printable",
            "Content-Transfer-Encoding: 8BIT",
            "Content-Type: multipart/mixed; boundary=\"b\";\r\n protected-headers=\"v1\"\r\nFrom: a@x.example\r\nTo: b@x.example\r\nMessage-ID: <1@x.example>\r\nSubject: words",
            "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\nSubject: words\r\nDate: x\r\nUser-Agent: x\r\nHP-Outer: Date: x\r\nContent-Type: text/plain; hp=\"clear\"",
            "content-type:text/plain\r\nchat-version: 1.0\r\nReferences: <1@x>\r\n\t<2@x>",
            "Content-Type: message/rfc822",
            "Subject: words\r\nContent-Type: text/plain",
            "From: a@x.example\r\nTo: b@x.example\r\nList-Id: <x>\r\nContent-Type: text/plain",
        ] {
            check(&format!("{header}\r\n\r\nwords\r\n"), true);
            check(&format!("{header}\r\n\r\n"), true);
        }
    }

    #[test]
    fn a_text_or_a_file_that_people_sign_is_none() {
        for first in [
            "",
            "words",
            "What I would never say:",
            "Joke:",
            "Joke: this is none",
            "Eve: this is what I do not write\r\nNote: it is a joke",
            "Draft: never sent\r\nContent-Type: text/plain",
            "Content-Type: text/plain\r\nNote: never sent",
            "Content-Type: text/plain\r\nwords",
            "Content-Type: text/plain\r\n \r\nwords",
            "Content-Type: text/plain\r\n\t ",
            "Content-Type : text/plain",
            "Content-Type: none of this is mine",
            "Content-Type: text/plain; none of this is mine",
            "Content-Type:",
            "Content-Type",
            "Content-Note: none of this is mine\r\nContent-Type: text/plain",
            "Content-Type: text/plain\r\nContent-Note: none of this is mine",
            "Content-Type: text/plain\r\nContent-Type: text/plain",
            "Content-Description: words",
            "Content-Transfer-Encoding: never",
            "Content-Disposition: inline",
            "MIME-Version: 1.0",
            "Subject: words\r\nTo: b@x.example\r\nContent-Type: text/plain; protected-headers=\"v1\"",
            "Content-Type: text/plain\r\nCc: b@x.example",
            "From a@x.example Mon\r\nContent-Type: text/plain",
            " Content-Type: text/plain",
            "tree 1234\r\nauthor Anne",
            "> Content-Type: text/plain",
            "Content-Type: text/plain\rNote: words",
            "Content-Type: text/plain\0",
        ] {
            check(&format!("{first}\r\n\r\nwords\r\n"), false);
            check(first, false);
        }
        check("Content-Type: text/plain\r\n", false);
        check("Content-Type: text/plain", false);
        check("Content-Type: text/plain\n\nwords\n", false);
    }
}
