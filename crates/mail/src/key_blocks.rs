//! Finds keys and revocations in a message, in every form in which programs and people send them.
//!
//! A key may be in any leaf that holds armor or begins with a key packet, whatever its declared type ([RFC
//! 3156, section 7] has `application/pgp-keys`). It may be in HTML, quoted or indented, or in a forwarded
//! message. The Autocrypt field is read, too.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::address::Address;
use crate::entity::Entity;
use crate::headers::Headers;
use crate::html::html_text;
use crate::multipart::split;

/// The most parts that are searched. Mail that people write has fewer.
const MAX_PARTS: usize = 100;
const MAX_DEPTH: usize = 8;
const MAX_BLOCKS: usize = 16;
/// The longest text that is searched for armor: a certificate has at most 256 KiB.
const MAX_TEXT_OCTETS: usize = 4 * 1024 * 1024;
/// The most octets of an Autocrypt field that are looked at.
const MAX_AUTOCRYPT_OCTETS: usize = 64 * 1024;

/// How archives begin: zip, gzip, 7z and rar.
const ARCHIVES: [&[u8]; 4] = [b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"];

const KINDS: [&str; 2] = ["PUBLIC KEY BLOCK", "PRIVATE KEY BLOCK"];

/// The content of each key or revocation, armored or binary, in order and without duplicates. The content is
/// not checked. Of an archive only the first octets are returned ([`is_archive`]), because a key may be in
/// it.
pub fn key_blocks(root: &Entity<'_>) -> Vec<Vec<u8>> {
    let mut leaves = Leaves::default();
    leaves.collect(root, 0);
    leaves.blocks
}

/// Whether a block is the beginning of an archive.
pub fn is_archive(block: &[u8]) -> bool {
    ARCHIVES.contains(&block)
}

/// Each armored key or revocation in a text. Quote marks, indents, guarding colons and armor header lines are
/// removed.
pub fn armored_keys(text: &[u8]) -> Vec<Vec<u8>> {
    let text = in_utf8(&text[..text.len().min(MAX_TEXT_OCTETS)]);
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<&str> = None;
    for line in text.split(|octet| *octet == b'\n') {
        let line = bare(line);
        if let Some(kind) = KINDS.into_iter().find(|kind| is_mark(line, "BEGIN", kind)) {
            if blocks.len() == MAX_BLOCKS {
                break;
            }
            blocks.push(format!("-----BEGIN PGP {kind}-----\r\n\r\n").into_bytes());
            open = Some(kind);
        } else if let (Some(kind), Some(block)) = (open, blocks.last_mut()) {
            if is_mark(line, "END", kind) {
                block.extend_from_slice(format!("-----END PGP {kind}-----\r\n").as_bytes());
                open = None;
            } else if !line.is_empty() && !line.contains(&b':') {
                block.extend_from_slice(line);
                block.extend_from_slice(b"\r\n");
            }
        }
    }
    blocks
}

/// The key in the only Autocrypt field for that address ([Autocrypt Level 1, section 3.1]), binary. The key
/// is an offer and proves nothing.
pub fn autocrypt_key(headers: &Headers, address: &Address) -> Option<Vec<u8>> {
    let mut found = headers.all("autocrypt").filter_map(|field| {
        let value = field.value();
        let value = String::from_utf8_lossy(&value);
        let value = value.get(..MAX_AUTOCRYPT_OCTETS).unwrap_or(&value);
        let attribute = |name: &str| {
            let mut all = value.split(';').filter_map(|one| one.split_once('='));
            all.find(|(found, _)| found.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
        };
        let about = attribute("addr")?.parse::<Address>().ok()?;
        let data: String = attribute("keydata")?.split_ascii_whitespace().collect();
        (about == *address).then(|| STANDARD.decode(data).ok()).flatten()
    });
    let one = found.next();
    if found.next().is_some() { None } else { one }
}

#[derive(Default)]
struct Leaves {
    seen: usize,
    blocks: Vec<Vec<u8>>,
}

impl Leaves {
    fn collect(&mut self, entity: &Entity<'_>, depth: usize) {
        self.seen += 1;
        if self.seen > MAX_PARTS || depth > MAX_DEPTH {
            return;
        }
        let content_type = entity.content_type();
        if content_type.kind().eq_ignore_ascii_case("multipart") {
            let parts = content_type.parameter("boundary").and_then(|b| split(entity.body, b).ok());
            for part in parts.unwrap_or_default() {
                self.collect(&Entity::part_of(&content_type, part), depth + 1);
            }
            return;
        }
        let Some(body) = entity.decoded_body() else { return };
        if content_type.is("message", "rfc822") {
            self.collect(&Entity::parse(&body), depth + 1);
        } else if is_key_packet(&body) {
            self.add(body.into_owned());
        } else if let Some(mark) = ARCHIVES.into_iter().find(|mark| body.starts_with(mark)) {
            self.add(mark.to_vec());
        } else if content_type.is("text", "html") {
            let text = String::from_utf8_lossy(&body[..body.len().min(MAX_TEXT_OCTETS)]);
            armored_keys(html_text(&text).as_bytes()).into_iter().for_each(|block| self.add(block));
        } else {
            let blocks = armored_keys(&body);
            if blocks.is_empty() && content_type.is("application", "pgp-keys") {
                self.add(body.into_owned());
            }
            blocks.into_iter().for_each(|block| self.add(block));
        }
    }

    fn add(&mut self, block: Vec<u8>) {
        if self.blocks.len() < MAX_BLOCKS && !self.blocks.contains(&block) {
            self.blocks.push(block);
        }
    }
}

/// Whether the octets begin with a key, or with a signature that revokes a key. Looks at the packet header
/// ([RFC 9580, section 4.2]) and the version after it.
fn is_key_packet(data: &[u8]) -> bool {
    let [first, length, ..] = *data else { return false };
    let (tag, head) = match (first & 0xc0, first & 3, length) {
        (0x80, 3, _) => return false,
        (0x80, width, _) => ((first >> 2) & 15, 1 + (1 << width)),
        (0xc0, _, 0..192) => (first & 63, 2),
        (0xc0, _, 192..224) => (first & 63, 3),
        (0xc0, _, 255) => (first & 63, 6),
        _ => return false,
    };
    matches!((tag, data.get(head..)), (5 | 6, Some([2..=6, ..])) | (2, Some([4 | 6, 0x20 | 0x28 | 0x30, ..])))
}

/// Converts UTF-16 text with a byte order mark, as Windows writes it, to UTF-8, and removes the mark of
/// UTF-8.
fn in_utf8(text: &[u8]) -> Cow<'_, [u8]> {
    let wide = |text: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = text.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        Cow::Owned(char::decode_utf16(units).map(|c| c.unwrap_or('?')).collect::<String>().into_bytes())
    };
    match text {
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        text => Cow::Borrowed(text),
    }
}

/// The line without quote marks and blanks, and without the colon with which GnuPG guards the revocations
/// that it makes in advance.
fn bare(line: &[u8]) -> &[u8] {
    let mut line = line.trim_ascii();
    loop {
        line = match line {
            [b'>' | b'|', rest @ ..] | [0xc2, 0xa0, rest @ ..] | [rest @ .., 0xc2, 0xa0] => rest.trim_ascii(),
            line => {
                return line
                    .strip_prefix(b":")
                    .filter(|rest| rest.starts_with(b"-----BEGIN"))
                    .unwrap_or(line);
            }
        }
    }
}

fn is_mark(line: &[u8], mark: &str, kind: &str) -> bool {
    let inner = line.strip_prefix(b"-----").and_then(|line| line.strip_suffix(b"-----"));
    inner.is_some_and(|inner| inner == format!("{mark} PGP {kind}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n\r\nAAAA\r\n-----END PGP PUBLIC KEY BLOCK-----\r\n";

    fn check(mail: &str, expected: &[&str]) {
        let found = key_blocks(&Entity::parse(mail.as_bytes()));
        let found: Vec<&str> = found.iter().map(|block| std::str::from_utf8(block).unwrap()).collect();
        assert_eq!(found, expected, "{mail}");
    }

    fn mixed(head: &str, body: &str) -> String {
        format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHere it is.\r\n--b\r\n{head}\r\n\r\n{body}\r\n--b--\r\n"
        )
    }

    #[test]
    fn keys_are_found_where_mail_programs_put_them() {
        check("Subject: x\r\n\r\nNo key.\r\n", &[]);
        check(&format!("Subject: x\r\n\r\nMy key:\r\n{KEY}Bye.\r\n"), &[KEY]);
        check(&format!("Subject: x\r\n\r\nMy key:\r\n{KEY}Bye.\r\n{KEY}"), &[KEY]);
        let other = KEY.replace("AAAA", "BBBB");
        check(&format!("Subject: x\r\n\r\n{KEY}{other}"), &[KEY, &other]);
        check(&mixed("Content-Type: application/pgp-keys", "KEY"), &["KEY"]);
        for kind in [
            "application/pgp-keys",
            "application/octet-stream; name=key.asc",
            "application/x-pgp; charset=utf-8",
            "text/plain",
            "text/asc",
            "text/x-pgp-key",
            "image/png",
            "message/rfc822",
        ] {
            check(&mixed(&format!("Content-Type: {kind}"), &format!("\r\n{KEY}")), &[KEY]);
        }
        check(
            &mixed("X: y", &format!("\r\n{KEY}--b\r\nContent-Type: text/asc\r\n\r\n{other}")),
            &[KEY, &other],
        );
        let alternative = format!(
            "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n{KEY}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>{}</p>\r\n--b--\r\n",
            KEY.replace("\r\n", "<br>\r\n")
        );
        check(&alternative, &[KEY]);
    }

    #[test]
    fn what_people_do_to_armor_is_undone() {
        let as_key = |text: String| {
            let found = armored_keys(text.as_bytes());
            assert_eq!(found, [KEY.as_bytes()], "{text}");
        };
        let lines = |prefix: &str| KEY.lines().map(|line| format!("{prefix}{line}\r\n")).collect::<String>();
        for prefix in ["> ", ">", ">> ", "> > ", "    ", "\t", "\u{a0}\u{a0}", "| ", " > "] {
            as_key(lines(prefix));
        }
        as_key(format!("\u{feff}{KEY}"));
        as_key(KEY.replace("\r\n", "\n"));
        as_key(KEY.replace("\r\n", "  \r\n"));
        as_key(KEY.replace("\r\n", "\r\n\r\n"));
        as_key(KEY.replace("\r\n\r\n", "\r\nVersion: 1\r\nComment: words\r\n\r\n"));
        as_key(KEY.replace("\r\n\r\n", "\r\n"));
        as_key(format!("This is a revocation certificate.\r\n\r\n:{KEY}"));
        for (mark, octets) in
            [([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]), ([0xfe, 0xff], u16::to_be_bytes)]
        {
            let wide: Vec<u8> = mark.into_iter().chain(KEY.encode_utf16().flat_map(octets)).collect();
            assert_eq!(armored_keys(&wide), [KEY.as_bytes()]);
        }
        assert!(armored_keys(KEY.replace("PUBLIC KEY BLOCK", "MESSAGE").as_bytes()).is_empty());
        assert!(armored_keys(b":words\n::-----BEGIN PGP PUBLIC KEY BLOCK-----\n").is_empty());
    }

    #[test]
    fn html_alone_is_read() {
        for html in [
            format!("<pre>{KEY}</pre>"),
            format!("<html><body><div>Hello</div>{}</body></html>", KEY.replace("\r\n", "<br/>\r\n")),
            KEY.lines().map(|line| format!("<div>{line}&nbsp;</div>\r\n")).collect(),
            KEY.lines().map(|line| format!("<p><span style=\"x\">&gt; {line}</span></p>\r\n")).collect(),
        ] {
            check(&format!("Content-Type: text/html; charset=utf-8\r\n\r\n{html}"), &[KEY]);
        }
    }

    #[test]
    fn a_packet_of_a_key_is_a_key() {
        let found = |data: &[u8], kind: &str| {
            let body = STANDARD.encode(data);
            let mail = mixed(&format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: base64"), &body);
            key_blocks(&Entity::parse(mail.as_bytes())) == [data]
        };
        let keys: [&[u8]; 8] = [
            &[0x98, 51, 4, 1, 2],
            &[0x99, 1, 13, 4, 1],
            &[0x9a, 0, 0, 1, 13, 4, 1],
            &[0xc6, 51, 4, 1],
            &[0xc6, 192, 10, 6, 1],
            &[0xc6, 255, 0, 0, 1, 1, 4, 1],
            &[0x95, 1, 13, 4, 1],
            &[0x88, 100, 4, 0x20, 1],
        ];
        for data in keys {
            for kind in ["application/octet-stream; name=key.gpg", "application/pgp-encrypted", "text/plain"]
            {
                assert!(found(data, kind), "{data:?} as {kind}");
            }
        }
        let others: [&[u8]; 6] = [
            b"\xc6ther words",
            b"%PDF-1.4",
            b"\x89PNG\r\n",
            &[0x88, 100, 4, 0, 1],
            &[0x85, 1, 13, 3],
            &[0x99],
        ];
        for data in others {
            assert!(!found(data, "application/octet-stream"), "{data:?}");
        }
    }

    #[test]
    fn of_an_archive_there_is_the_beginning() {
        for archive in
            [&b"PK\x03\x04words"[..], b"\x1f\x8b\x08words", b"7z\xbc\xaf\x27\x1cwords", b"Rar!\x1a\x07\x01\0"]
        {
            let body = STANDARD.encode(archive);
            let head = "Content-Type: application/pgp-keys\r\nContent-Transfer-Encoding: base64";
            let found = key_blocks(&Entity::parse(mixed(head, &body).as_bytes()));
            assert!(found.len() == 1 && is_archive(&found[0]), "{found:?}");
        }
        assert!(!is_archive(b"PK") && !is_archive(KEY.as_bytes()));
    }

    #[test]
    fn an_autocrypt_field_is_an_offer() {
        let anne = "anne@example.org".parse().unwrap();
        let check = |fields: &str, expected: Option<&[u8]>| {
            let (headers, _) = Headers::parse(format!("{fields}\r\n\r\n").as_bytes());
            assert_eq!(autocrypt_key(&headers, &anne).as_deref(), expected, "{fields}");
        };
        let key = "Autocrypt: addr=Anne@example.org; prefer-encrypt=mutual;\r\n keydata=AQID\r\n BAU=";
        check(key, Some(&[1, 2, 3, 4, 5]));
        check(&key.replace("Anne@", "eve@"), None);
        check(&format!("{key}\r\n{key}"), None);
        check("Autocrypt: addr=anne@example.org; keydata=%%", None);
        check("Subject: x", None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            is_key_packet(&data);
            armored_keys(&data);
            key_blocks(&Entity::parse(&data));
        }
    }
}
