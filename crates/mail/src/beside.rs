//! Finds encrypted OpenPGP messages that are only a part of a mail: one part among others, one block in a
//! text, or several blocks.

use crate::entity::Entity;
use crate::multipart::split;

/// The most parts that are searched.
const MAX_PARTS: usize = 100;
const MAX_DEPTH: usize = 8;

/// Whether an OpenPGP message that may be encrypted, whole or broken, is anywhere among the parts of `root`
/// or in one of its texts. Attached files do not count. An empty mail has none.
pub fn holds_encrypted(root: &Entity<'_>) -> bool {
    holds(root, 0, &mut MAX_PARTS.clone())
}

fn holds(entity: &Entity<'_>, depth: usize, left: &mut usize) -> bool {
    let Some(less) = left.checked_sub(1) else { return false };
    *left = less;
    let content_type = entity.content_type();
    if content_type.is("multipart", "encrypted") || content_type.is("application", "pgp-encrypted") {
        return true;
    }
    if content_type.kind().eq_ignore_ascii_case("multipart") {
        let parts = content_type.parameter("boundary").and_then(|boundary| split(entity.body, boundary).ok());
        return match parts {
            Some(parts) if depth < MAX_DEPTH => {
                parts.into_iter().any(|part| holds(&Entity::part_of(&content_type, part), depth + 1, left))
            }
            _ => has_block(entity.body),
        };
    }
    let attached = entity.headers.text("content-disposition");
    if attached.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("attachment")) {
        return false;
    }
    match entity.decoded_body() {
        Some(body) => has_block(&body),
        None => has_block(entity.body),
    }
}

/// A quoted block belongs to the mail that is answered, so quoted lines do not count.
fn has_block(text: &[u8]) -> bool {
    text.split(|octet| *octet == b'\n').any(|line| line.trim_ascii() == b"-----BEGIN PGP MESSAGE-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "-----BEGIN PGP MESSAGE-----\r\n\r\nAAAA\r\n-----END PGP MESSAGE-----\r\n";

    fn check(mail: &str, expected: bool) {
        assert_eq!(holds_encrypted(&Entity::parse(mail.as_bytes())), expected, "{mail}");
    }

    #[test]
    fn encrypted_messages_are_found_wherever_they_stand() {
        let mixed = |part: &str| {
            format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n{part}\r\n--b--\r\n"
            )
        };
        check("Subject: x\r\n\r\nhello\r\n", false);
        check(&format!("Subject: x\r\n\r\n{BLOCK}"), true);
        check(&format!("Subject: x\r\n\r\nhello\r\n {BLOCK}bye\r\n"), true);
        check("Subject: x\r\n\r\n-----BEGIN PGP MESSAGE-----\r\ncut off", true);
        check("Subject: x\r\n\r\n> -----BEGIN PGP MESSAGE-----\r\n> quoted", false);
        check(&mixed(&format!("\r\n{BLOCK}")), true);
        check(&mixed(&format!("\r\n{BLOCK}")).replace("--b--", ""), true);
        check(&mixed("Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1"), true);
        check(&mixed("Content-Type: multipart/encrypted; boundary=c\r\n\r\n--c--"), true);
        let file = format!("Content-Disposition: attachment; filename=x.asc\r\n\r\n{BLOCK}");
        check(&mixed(&file), false);
        let encoded = "Content-Transfer-Encoding: base64\r\n\r\nLS0tLS1CRUdJTiBQR1AgTUVTU0FHRS0tLS0tCg==";
        check(&mixed(encoded), true);
    }
}
