//! Inline OpenPGP: every leaf of the message must be exactly one block, or the message has no inline layer.
//!
//! Programs would show text beside a block as if it were protected. So a message with such text has no inline
//! layer.

use memchr::{memchr, memmem, memrchr};

use crate::compose::{self, Boundary, Part};
use crate::content_type::ContentType;
use crate::crlf::has_doubtful_lines;
use crate::entity::Entity;
use crate::multipart::split;

/// The most leaves that are read. Mail that people write has fewer.
const MAX_LEAVES: usize = 16;
const MAX_DEPTH: usize = 8;
/// File name endings that no program executes.
const ENDINGS: &[&str] = &[
    "csv", "doc", "docx", "gif", "gz", "jpeg", "jpg", "odp", "ods", "odt", "pdf", "png", "ppt", "pptx",
    "tar", "txt", "xls", "xlsx", "zip",
];

/// The values that `Hash:` may have in a cleartext-signed text ([RFC 9580, section 9.5]).
const HASHES: &[&[u8]] =
    &[b"MD5", b"SHA1", b"RIPEMD160", b"SHA224", b"SHA256", b"SHA384", b"SHA512", b"SHA3-256", b"SHA3-512"];

const MESSAGE: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const MESSAGE_END: &[u8] = b"-----END PGP MESSAGE-----";
const SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const SIGNATURE_END: &[u8] = b"-----END PGP SIGNATURE-----";

/// The kind of an inline block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InlineKind {
    /// `BEGIN PGP MESSAGE`.
    Encrypted,
    /// `BEGIN PGP SIGNED MESSAGE`.
    Signed,
}

/// A leaf part that is one whole block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineBlock {
    /// The block, from its first dash to its last.
    pub block: Vec<u8>,
    place: MimePosition,
}

/// What replaces the leaf after it is opened. The leaf's header is not covered by a signature. So recipients
/// see from it only whether the leaf is a file, and the file type that its name claims.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MimePosition {
    Text,
    File { ending: Option<&'static str> },
}

/// The leaves of a message in order, if every leaf is a whole block and all blocks are of one kind.
pub fn leaves(root: &Entity<'_>) -> Option<(InlineKind, Vec<InlineBlock>)> {
    let mut found = Vec::new();
    collect(root, 0, &mut found)?;
    let kind = found.first()?.0;
    let same = found.iter().all(|(other, _)| *other == kind);
    same.then(|| (kind, found.into_iter().map(|(_, leaf)| leaf).collect()))
}

fn collect(entity: &Entity<'_>, depth: usize, found: &mut Vec<(InlineKind, InlineBlock)>) -> Option<()> {
    let content_type = entity.content_type();
    if content_type.is_ambiguous() || !entity.has_one_reading() {
        return None;
    }
    if content_type.kind() == "multipart" {
        if !entity.has_bare_parts() {
            return None;
        }
        let parts = split(entity.body, content_type.parameter("boundary")?).ok()?;
        for part in parts {
            if depth >= MAX_DEPTH {
                return None;
            }
            collect(&Entity::part_of(&content_type, part), depth + 1, found)?;
        }
        return Some(());
    }
    let body = entity.decoded_body()?;
    let block = body.trim_ascii();
    let kind = kind(block)?;
    if found.len() >= MAX_LEAVES {
        return None;
    }
    found.push((kind, InlineBlock { block: block.to_vec(), place: place(entity, &content_type) }));
    Some(())
}

fn place(entity: &Entity<'_>, content_type: &ContentType) -> MimePosition {
    let disposition = entity.headers.text("content-disposition").unwrap_or_default();
    // A disposition has parameters in the same syntax as a type ([RFC 2183]).
    let disposition = ContentType::parse(&format!("x/{disposition}"));
    let named = disposition.as_ref().and_then(|d| d.parameter("filename")).or(content_type.parameter("name"));
    if named.is_none() && content_type.kind() == "text" {
        return MimePosition::Text;
    }
    let name = named.unwrap_or_default().to_ascii_lowercase();
    let bare = [".pgp", ".gpg", ".asc"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let ending = bare.rsplit_once('.').map(|(_, ending)| ending);
    MimePosition::File { ending: ENDINGS.iter().copied().find(|known| Some(*known) == ending) }
}

/// The kind of `block`, if it is one block from its first line to its last. A block may consist of line ends,
/// so only lines that begin with a dash are examined.
fn kind(block: &[u8]) -> Option<InlineKind> {
    if !block.starts_with(MESSAGE) && !block.starts_with(SIGNED) {
        return None;
    }
    let first_end = memchr(b'\n', block)?;
    let last_start = memrchr(b'\n', block)? + 1;
    let (first, last) = (block[..first_end].trim_ascii_end(), block[last_start..].trim_ascii_end());
    // The text between the first and the last line, with the line ends on both sides, so that every line in
    // it has a line end before and after it.
    let between = &block[first_end..last_start];
    if first == MESSAGE && last == MESSAGE_END {
        return (!has_dashed_line(between)).then_some(InlineKind::Encrypted);
    }
    let signed = first == SIGNED && last == SIGNATURE_END && !has_controls(block);
    (signed && is_signed_text(between)).then_some(InlineKind::Signed)
}

/// Whether the text has Hash headers, an empty line, dash-escaped text and a signature. No other header may
/// stand above the text ([RFC 9580, section 7]), because some programs would show it as text.
fn is_signed_text(between: &[u8]) -> bool {
    let mut at = 0;
    loop {
        let line = &between[at + 1..];
        let Some(length) = memchr(b'\n', line) else { return false };
        at += 1 + length;
        match line[..length].trim_ascii_end() {
            b"" => break,
            head if !is_hash_field(head) => return false,
            _ => {}
        }
    }
    let text = &between[at..];
    let mut dashed = memmem::find_iter(text, b"\n-").map(|end| &text[end + 1..]);
    let Some(line) = dashed.find(|line| !line.starts_with(b"- ")) else { return false };
    let length = memchr(b'\n', line).unwrap_or(line.len());
    line[..length].trim_ascii_end() == SIGNATURE && !has_dashed_line(&line[length..])
}

/// Whether the line is a field such as `Hash: SHA512, SHA256` with known hash names only. Programs show
/// anything else as text.
fn is_hash_field(line: &[u8]) -> bool {
    line.strip_prefix(b"Hash: ").is_some_and(|names| {
        names.split(|octet| *octet == b',').all(|name| HASHES.contains(&name.trim_ascii_start()))
    })
}

/// Whether a line after the first line end begins with dashes.
fn has_dashed_line(text: &[u8]) -> bool {
    memmem::find(text, b"\n-----").is_some()
}

/// Control characters move the cursor of a terminal, and some programs end a line at a lone CR.
fn has_controls(block: &[u8]) -> bool {
    has_doubtful_lines(block) || block.iter().any(|b| *b < b' ' && !matches!(b, b'\r' | b'\n' | b'\t'))
}

/// The entity with the protected contents in the places of their blocks. `contents` are in the order of
/// `leaves`.
pub fn rebuild(leaves: &[InlineBlock], contents: &[&[u8]], boundary: &Boundary) -> Vec<u8> {
    let numbered = leaves.iter().zip(contents).zip(1..);
    let mut parts: Vec<Vec<u8>> =
        numbered.map(|((leaf, content), number)| part(&leaf.place, number, content).into_bytes()).collect();
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let (headers, body) = compose::multipart("mixed", &parts, boundary);
    let mut entity = Vec::with_capacity(body.len() + 256);
    headers.write_to(&mut entity);
    entity.extend_from_slice(b"\r\n");
    entity.extend_from_slice(&body);
    entity
}

/// Builds `text/plain` in UTF-8 (or in Windows-1252, which contains ISO 8859-1, if the text is not valid
/// UTF-8), or a file under a name of our own.
fn part(place: &MimePosition, number: usize, content: &[u8]) -> Part {
    match (place, std::str::from_utf8(content)) {
        (MimePosition::File { ending }, _) => {
            let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
            Part::attachment(&format!("attachment-{number}{ending}"), "application/octet-stream", content)
        }
        (MimePosition::Text, Ok(text)) => Part::text(&text.replace("\r\n", "\n")),
        (MimePosition::Text, Err(_)) => Part::text_in("windows-1252", content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BLOCK: &str = "-----BEGIN PGP MESSAGE-----\r\n\r\nAAAA\r\n-----END PGP MESSAGE-----\r\n";
    const TEXT: &str = "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\nwords\r\n- -- dashed\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n-----END PGP SIGNATURE-----\r\n";

    fn check(mail: &str, expected: Option<(InlineKind, usize)>) {
        let found = leaves(&Entity::parse(mail.as_bytes())).map(|(kind, leaves)| (kind, leaves.len()));
        assert_eq!(found, expected, "{mail}");
    }

    #[test]
    fn a_whole_block_counts() {
        check(&format!("\r\n{BLOCK}"), Some((InlineKind::Encrypted, 1)));
        check(&format!("\r\n\r\n  \r\n{BLOCK}\r\n\r\n"), Some((InlineKind::Encrypted, 1)));
        check(&format!("\r\n{TEXT}"), Some((InlineKind::Signed, 1)));
        check(&format!("\r\n{}", TEXT.replace("\r\n", "\n")), Some((InlineKind::Signed, 1)));
    }

    #[test]
    fn words_beside_it_do_not() {
        for mail in [
            format!("\r\nhello\r\n{BLOCK}"),
            format!("\r\n{BLOCK}\r\nhello"),
            format!("\r\n{BLOCK}{BLOCK}"),
            format!("\r\n{TEXT}{BLOCK}"),
            format!("\r\n{}", TEXT.replace("Hash: SHA512", "Comment: pay Eve")),
            format!("\r\n{}", TEXT.replace("- -- dashed", "-- dashed")),
            format!("\r\n{}", TEXT.replace("words", "wo\x0crds")),
            format!("\r\n{}", TEXT.replace("words", "wo\rrds")),
            format!("\r\n{}", TEXT.replace("words", "-----BEGIN PGP SIGNED MESSAGE-----")),
            format!("\r\n{}", BLOCK.replace("-----END PGP MESSAGE-----", "")),
            format!("Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\n{BLOCK}"),
        ] {
            check(&mail, None);
        }
    }

    #[test]
    fn of_several_parts_all_must_be_blocks_of_one_kind() {
        let parts = |a: &str, b: &str| {
            format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{a}\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"plan.pdf.pgp\"\r\n\r\n{b}\r\n--b--\r\n"
            )
        };
        check(&parts(BLOCK, BLOCK), Some((InlineKind::Encrypted, 2)));
        check(&parts(BLOCK, "words"), None);
        check(&parts(BLOCK, TEXT), None);
        check(&parts("", BLOCK), None);
        let (_, found) = leaves(&Entity::parse(parts(BLOCK, BLOCK).as_bytes())).unwrap();
        let rebuilt = rebuild(&found, &[b"words\r\n", b"%PDF\xff"], &Boundary::from_entropy([1; 16]));
        let text = String::from_utf8(rebuilt).unwrap();
        assert!(
            text.contains("\r\n\r\nwords\r\n") && text.contains("filename=\"attachment-2.pdf\""),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(mail in proptest::collection::vec(any::<u8>(), 0..400)) {
            leaves(&Entity::parse(&mail));
        }
    }
}
