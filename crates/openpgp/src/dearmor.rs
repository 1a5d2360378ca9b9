//! Parses ASCII armor ([RFC 9580, section 6]).
//!
//! Armor as programs write it is decoded line by line. Other armor (other line ends, blanks, text before it,
//! a missing empty line) is parsed by the library's tolerant parser, which takes seven times as long.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealist_mail::armored_keys;
use sequoia_openpgp::armor::{Reader, ReaderMode};

use crate::armor::Checksum;

/// Longer texts are taken as one block.
const MAX_SEARCHED: usize = 4 * 1024 * 1024;
/// How many characters are decoded at a time: a multiple of four.
const PIECE: usize = 16 * 1024;

/// The binary form of armored or binary data. `None` if the armor is broken, or the data is larger than
/// `max_octets`.
pub(crate) fn to_binary(data: &[u8], max_octets: usize) -> Option<Vec<u8>> {
    if data.first().is_some_and(|first| first & 0x80 != 0) {
        return (data.len() <= max_octets).then(|| data.to_vec());
    }
    let binary = strict(data, max_octets).or_else(|| tolerant(data, max_octets))?;
    (!binary.is_empty() && binary.len() <= max_octets).then_some(binary)
}

/// Like [`to_binary`], for keys: all armored blocks of a text are concatenated.
pub(crate) fn keys_to_binary(data: &[u8], max_octets: usize) -> Option<Vec<u8>> {
    let is_text = data.starts_with(&[0xef, 0xbb, 0xbf]) || data.first().is_none_or(|first| first & 0x80 == 0);
    let is_wide = data.starts_with(&[0xff, 0xfe]) || data.starts_with(&[0xfe, 0xff]);
    if data.len() > MAX_SEARCHED || !(is_text || is_wide) {
        return to_binary(data, max_octets);
    }
    let blocks = armored_keys(data);
    if blocks.is_empty() {
        return to_binary(data, max_octets);
    }
    let mut binary = Vec::new();
    for block in blocks {
        binary.extend(to_binary(&block, max_octets.checked_sub(binary.len())?)?);
    }
    Some(binary)
}

fn tolerant(data: &[u8], max_octets: usize) -> Option<Vec<u8>> {
    let mut binary = Vec::with_capacity(data.len().min(max_octets) / 4 * 3 + 64);
    let reader = Reader::from_bytes(data, ReaderMode::Tolerant(None));
    reader.take(max_octets as u64 + 1).read_to_end(&mut binary).ok()?;
    Some(binary)
}

/// Decodes one block that begins at the first octet: its first line, header lines, an empty line, base64, an
/// optional checksum, and its last line. Stops soon after the limit.
fn strict(data: &[u8], max_octets: usize) -> Option<Vec<u8>> {
    let mut lines = data.split(|octet| *octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let kind = lines.next()?.strip_prefix(b"-----BEGIN PGP ")?.strip_suffix(b"-----")?;
    while !lines.next()?.is_empty() {}
    let mut binary = Vec::with_capacity(data.len().min(max_octets) / 4 * 3 + 64);
    let mut piece = Vec::with_capacity(PIECE + 128);
    let mut checksum = None;
    let last = loop {
        let line = lines.next()?;
        match line.first()? {
            b'-' => break line,
            b'=' => checksum = Some(STANDARD.decode(&line[1..]).ok()?),
            _ if checksum.is_some() => return None,
            _ => piece.extend_from_slice(line),
        }
        if piece.len() >= PIECE {
            let whole = piece.len() / 4 * 4;
            STANDARD.decode_vec(&piece[..whole], &mut binary).ok()?;
            piece.drain(..whole);
            if binary.len() > max_octets {
                return Some(binary);
            }
        }
    };
    STANDARD.decode_vec(&piece, &mut binary).ok()?;
    if last.strip_prefix(b"-----END PGP ")?.strip_suffix(b"-----")? != kind {
        return None;
    }
    let true_sum = || Checksum::of(&binary).octets();
    checksum.is_none_or(|sum| sum == true_sum()).then_some(binary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::armor::block;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_armored_is_read(data in proptest::collection::vec(any::<u8>(), 1..300)) {
            prop_assert_eq!(to_binary(&block("MESSAGE", &data), 1000).unwrap(), data);
        }

        #[test]
        fn both_readers_read_the_same(data in proptest::collection::vec(any::<u8>(), 1..40_000)) {
            let armor = block("MESSAGE", &data);
            prop_assert_eq!(strict(&armor, 50_000), Some(data.clone()));
            prop_assert_eq!(tolerant(&armor, 50_000), Some(data));
        }

        #[test]
        fn nothing_panics(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            to_binary(&data, 1000);
            to_binary(&[b"-----BEGIN PGP MESSAGE-----\n\n", &data[..]].concat(), 1000);
        }
    }

    #[test]
    fn a_wrong_checksum_is_left_to_the_tolerant_reader() {
        let armor = String::from_utf8(block("MESSAGE", b"words")).unwrap();
        let sum = armor.lines().find(|line| line.starts_with('=')).unwrap();
        assert_eq!(strict(armor.replace(sum, "=AAAA").as_bytes(), 50_000), None);
        assert!(strict(armor.replace(&format!("{sum}\r\n"), "").as_bytes(), 50_000).is_some());
        assert_eq!(strict(armor.replace("END PGP MESSAGE", "END PGP SIGNATURE").as_bytes(), 50_000), None);
        assert_eq!(strict(format!("Words before.\r\n{armor}").as_bytes(), 50_000), None);
    }

    #[test]
    fn limits_hold() {
        assert_eq!(to_binary(&block("MESSAGE", &[0; 100]), 99), None);
        assert_eq!(to_binary(&[0x80; 100], 99), None);
        assert_eq!(to_binary(b"", 99), None);
    }
}
