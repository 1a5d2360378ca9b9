//! Mail that grows when it is opened: each kind grows to the requested size, or more.

use std::io::Write as _;

use sealist_mail::transfer::base64_lines;
use sequoia_openpgp::serialize::stream::{Compressor, Message};
use sequoia_openpgp::types::CompressionAlgorithm;

use super::costly::mail;
use super::deflate::{repeated, repeats};
use super::hostile::{Stage, mime};
use super::person::ONLY_IN_TESTS;
use crate::armor;

/// One kind of such mail.
pub struct Bomb {
    /// Its name.
    pub name: &'static str,
    make: fn(&Stage, usize) -> Vec<u8>,
}

/// All kinds.
pub const BOMBS: &[Bomb] = &[
    Bomb { name: "ZIP beyond the limit", make: |s, octets| s.sealed(&beyond(ZIP, b"", octets)) },
    Bomb { name: "ZLIB beyond the limit", make: |s, octets| s.sealed(&beyond(ZLIB, ZLIB_HEAD, octets)) },
    Bomb { name: "BZip2 beyond the limit", make: |s, octets| s.sealed(&bzip2(octets * 2)) },
    Bomb { name: "compressed in compressed", make: |s, octets| s.sealed(&nested(octets)) },
    Bomb { name: "line ends", make: |s, octets| s.sealed(&literal(TEXT, b"\r\n", octets)) },
    Bomb { name: "words", make: |s, octets| s.sealed(&literal(TEXT, b"Words.\r\n", octets)) },
    Bomb { name: "parts", make: |s, octets| s.sealed(&literal(PARTS, b"--b\r\n\r\nx\r\n", octets)) },
    Bomb { name: "base64", make: |s, octets| s.sealed(&base64(octets)) },
    Bomb { name: "packets", make: |s, octets| s.sealed(&packets(octets)) },
    Bomb { name: "words under a member's signatures", make: |s, octets| s.sealed(&signed(s, octets)) },
    Bomb { name: "words in the text", make: |_, octets| in_the_text(&literal(TEXT, b"Words.\r\n", octets)) },
    Bomb {
        name: "cleartext-signed line ends",
        make: |s, octets| s.line_ends((octets / 10 * 9).min(MOST_IN_THE_CLEAR)),
    },
];

/// Algorithms ([RFC 9580, section 9.4]).
const ZIP: u8 = 1;
const ZLIB: u8 = 2;
const ZLIB_HEAD: &[u8] = &[0x78, 0x9c];
/// Opened data may be 64 times as large as the mail; these stay just below.
const RATIO: usize = 56;
const TEXT: &str = "Content-Type: text/plain\r\n\r\n";
const PARTS: &str = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
const MARKER: &[u8] = &[0xca, 3, 0x50, 0x47, 0x50];
/// Cleartext-signed text does not grow, so it is as large as a message may be.
const MOST_IN_THE_CLEAR: usize = 9 << 20;

impl Bomb {
    /// A message of the member to the list that grows to about that many octets.
    pub fn mail(&self, stage: &Stage, octets: usize) -> Vec<u8> {
        (self.make)(stage, octets)
    }
}

impl Stage {
    fn sealed(&self, packets: &[u8]) -> Vec<u8> {
        mime(&self.packets(packets))
    }

    /// A block that consists of line ends, with a signature of the member over something else.
    pub(super) fn line_ends(&self, octets: usize) -> Vec<u8> {
        let signature = armor::block("SIGNATURE", &self.one_signature());
        let ends = b"\r\n".repeat(octets / 2);
        let head = b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\n";
        mail("Content-Type: text/plain", &[&head[..], &ends, &signature].concat())
    }
}

/// A compressed packet of the old format, without a length.
fn compressed(algorithm: u8, head: &[u8], data: &[u8]) -> Vec<u8> {
    [&[0xa3, algorithm], head, data].concat()
}

/// Twice as much as is allowed.
fn beyond(algorithm: u8, head: &[u8], octets: usize) -> Vec<u8> {
    compressed(algorithm, head, &repeated(b"x", 1, octets * 2))
}

fn bzip2(octets: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let writer = Compressor::new(Message::new(&mut out)).algo(CompressionAlgorithm::BZip2);
    let mut writer = writer.build().expect(ONLY_IN_TESTS);
    writer.write_all(&vec![b'x'; octets]).expect(ONLY_IN_TESTS);
    writer.finalize().expect(ONLY_IN_TESTS);
    out
}

/// Literal data that begins with `head` and repeats `unit`, as often as the ratio allows.
fn literal(head: &str, unit: &[u8], octets: usize) -> Vec<u8> {
    let start = [head.as_bytes(), &unit.repeat(octets / RATIO / unit.len())].concat();
    let rest = repeats(unit.len(), octets - start.len());
    let packet = crate::seipd::literal_head(Some(start.len() + rest)).expect(ONLY_IN_TESTS);
    compressed(ZIP, b"", &repeated(&[&packet[..], &start].concat(), unit.len(), rest))
}

fn base64(octets: usize) -> Vec<u8> {
    let head = "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let line = base64_lines(b"Words of one line.\r\n");
    literal(head, &line, octets)
}

fn packets(octets: usize) -> Vec<u8> {
    let start = MARKER.repeat(octets / RATIO / MARKER.len());
    compressed(ZIP, b"", &repeated(&start, MARKER.len(), octets - start.len()))
}

/// Each layer is as large as allowed; the inner one consists of empty blocks.
fn nested(octets: usize) -> Vec<u8> {
    const NOTHING: &[u8] = &[0, 0, 0, 0xff, 0xff];
    let start = NOTHING.repeat(octets / RATIO / NOTHING.len());
    let inner = compressed(ZIP, b"", &start);
    compressed(ZIP, b"", &repeated(&inner, NOTHING.len(), octets - start.len()))
}

/// Signatures that name the member's key. The text is hashed before they prove to be false.
fn signed(stage: &Stage, octets: usize) -> Vec<u8> {
    let signatures = stage.one_signature().repeat(3);
    let start = b"Words.\r\n".repeat(octets / RATIO / 8);
    let entity = [TEXT.as_bytes(), &start].concat();
    let rest = repeats(8, octets - entity.len());
    let packet = crate::seipd::literal_head(Some(entity.len() + rest)).expect(ONLY_IN_TESTS);
    compressed(ZIP, b"", &repeated(&[signatures, packet, entity].concat(), 8, rest))
}

/// An armored message that is neither encrypted nor signed.
fn in_the_text(packets: &[u8]) -> Vec<u8> {
    mail("Content-Type: text/plain", &armor::block("MESSAGE", packets))
}
