//! Keys and revocations that travel with a message: `application/pgp-keys` parts ([RFC 3156, section 7]), or, where
//! there are none, key blocks in the text.

use crate::entity::Entity;
use crate::multipart::split;

/// More than these are no mail that a person wrote.
const MAX_PARTS: usize = 100;
const MAX_DEPTH: usize = 8;
const MAX_BLOCKS: usize = 16;

const BEGINNINGS: [&[u8]; 2] =
    [b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b"-----BEGIN PGP PRIVATE KEY BLOCK-----"];
const ENDINGS: [&[u8]; 2] = [b"-----END PGP PUBLIC KEY BLOCK-----", b"-----END PGP PRIVATE KEY BLOCK-----"];

/// The content of each, armored or binary, in their order. What is in them is not looked at.
pub fn key_blocks(root: &Entity<'_>) -> Vec<Vec<u8>> {
    let mut leaves = Leaves::default();
    leaves.collect(root, 0);
    let blocks = if leaves.keys.is_empty() {
        leaves.texts.iter().flat_map(|text| blocks_in(text)).collect()
    } else {
        leaves.keys
    };
    blocks.into_iter().take(MAX_BLOCKS).collect()
}

#[derive(Default)]
struct Leaves {
    seen: usize,
    keys: Vec<Vec<u8>>,
    texts: Vec<Vec<u8>>,
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
                self.collect(&Entity::parse(part), depth + 1);
            }
        } else if content_type.is("application", "pgp-keys") {
            let body = entity.decoded_body();
            let blocks = body.as_deref().map(blocks_in).unwrap_or_default();
            if blocks.is_empty() { self.keys.extend(body) } else { self.keys.extend(blocks) }
        } else if content_type.is("text", "plain") {
            self.texts.extend(entity.decoded_body());
        }
    }
}

fn blocks_in(text: &[u8]) -> Vec<Vec<u8>> {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let words = line.trim_ascii_end();
        if BEGINNINGS.contains(&words) {
            blocks.push(Vec::new());
            open = true;
        }
        if let (true, Some(block)) = (open, blocks.last_mut()) {
            block.extend_from_slice(line);
        }
        open &= !ENDINGS.contains(&words);
    }
    blocks
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

    #[test]
    fn keys_are_found_where_mail_programs_put_them() {
        check("Subject: x\r\n\r\nNo key.\r\n", &[]);
        check(&format!("Subject: x\r\n\r\nMy key:\r\n{KEY}Bye.\r\n{KEY}"), &[KEY, KEY]);
        let mixed = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{KEY}\r\n--b\r\nContent-Type: application/pgp-keys\r\n\r\nKEY\r\n--b--\r\n"
        );
        check(&mixed, &["KEY"]);
        check(&mixed.replace("application/pgp-keys", "text/html"), &[KEY]);
        check(&mixed.replace("KEY\r\n--b--", &format!("{KEY}{KEY}\r\n--b--")), &[KEY, KEY]);
    }
}
