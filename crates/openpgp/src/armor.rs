//! Writes ASCII armor ([RFC 9580, section 6]).
//!
//! Armor is written with its checksum, because GnuPG 2.2 misreads one message in three without it. CRC-24 is
//! linear, so the checksum of a spliced copy is computed from those of its parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Octets in an armor line of 64 characters.
pub(crate) const LINE_OCTETS: usize = 48;
/// How many lines are encoded at a time.
const LINES: usize = 64;
const POLYNOMIAL: u32 = 0x0186_4cfb;
const CRC_INIT: u32 = 0x00b7_04ce;

/// The contribution of an octet to the checksum if that many octets follow it, in the upper 24 bits. Eight
/// octets are looked up at a time.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut index: u32 = 0;
    while index < 256 {
        let mut crc = index << 16;
        let mut bit = 0;
        while bit < 8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= POLYNOMIAL;
            }
            bit += 1;
        }
        tables[0][index as usize] = crc << 8;
        index += 1;
    }
    let mut following = 1;
    while following < 8 {
        index = 0;
        while index < 256 {
            let nearer = tables[following - 1][index as usize];
            tables[following][index as usize] = (nearer << 8) ^ tables[0][(nearer >> 24) as usize];
            index += 1;
        }
        following += 1;
    }
    tables
}

fn update(crc: u32, bytes: &[u8]) -> u32 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let crc = eights.iter().fold(crc << 8, |crc, octets| {
        let octets = (u64::from_be_bytes(*octets) ^ u64::from(crc) << 32).to_be_bytes();
        octets.iter().zip(TABLES.iter().rev()).fold(0, |crc, (octet, table)| crc ^ table[usize::from(*octet)])
    });
    let one = |crc: u32, octet: &u8| crc << 8 ^ TABLES[0][(crc >> 24) as usize ^ usize::from(*octet)];
    rest.iter().fold(crc, one) >> 8
}

/// The checksum of a tail that will follow many different heads.
pub(crate) struct TailChecksum {
    /// The CRC of the tail alone, starting from zero.
    crc: u32,
    /// The factor that carries a head's CRC over the tail: x^(8·octets) modulo the polynomial.
    shift: u32,
}

impl TailChecksum {
    pub(crate) fn of(tail: &[u8]) -> Self {
        Self { crc: update(0, tail), shift: x_to_the(8 * tail.len() as u64) }
    }

    /// The CRC of `head` followed by the tail.
    pub(crate) fn after(&self, head: &[u8]) -> u32 {
        multiply(update(CRC_INIT, head), self.shift) ^ self.crc
    }
}

/// The product of two polynomials over GF(2), modulo the CRC's polynomial.
fn multiply(a: u32, b: u32) -> u32 {
    (0..24).rev().fold(0, |product, bit| {
        let doubled = product << 1;
        let reduced = if doubled & 0x0100_0000 != 0 { doubled ^ POLYNOMIAL } else { doubled };
        if b >> bit & 1 == 1 { reduced ^ a } else { reduced }
    })
}

fn x_to_the(exponent: u64) -> u32 {
    let mut result = 1;
    for bit in (0..64 - exponent.leading_zeros()).rev() {
        result = multiply(result, result);
        if exponent >> bit & 1 == 1 {
            result = multiply(result, 2);
        }
    }
    result
}

/// Base64 in lines of 64 characters that end in CRLF. Only the last line may be shorter.
pub(crate) fn lines(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / LINE_OCTETS * 66 + 68);
    // Many lines are encoded at a time, because the encoder is slow with short input.
    let mut digits = [0; 64 * LINES];
    for piece in bytes.chunks(LINES * LINE_OCTETS) {
        let length = STANDARD.encode_slice(piece, &mut digits).expect("48 octets make 64 characters");
        for line in digits[..length].chunks(64) {
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

/// The first line of a message's armor and the empty line after it.
pub(crate) const MESSAGE_HEAD: &[u8] = b"-----BEGIN PGP MESSAGE-----\r\n\r\n";

/// The checksum and last line.
pub(crate) fn message_tail(crc: u32) -> Vec<u8> {
    let digits = STANDARD.encode(&crc.to_be_bytes()[1..]);
    format!("={digits}\r\n-----END PGP MESSAGE-----\r\n").into_bytes()
}

/// Data in armor of that kind (`PUBLIC KEY BLOCK`, …), with a checksum and CRLF line ends.
pub(crate) fn block(kind: &str, data: &[u8]) -> Vec<u8> {
    let crc = STANDARD.encode(&update(CRC_INIT, data).to_be_bytes()[1..]);
    let mut out = format!("-----BEGIN PGP {kind}-----\r\n\r\n").into_bytes();
    out.extend_from_slice(&lines(data));
    out.extend_from_slice(format!("={crc}\r\n-----END PGP {kind}-----\r\n").as_bytes());
    out
}

/// The checksum of octets that are added piece by piece.
pub(crate) struct Checksum(u32);

impl Checksum {
    pub(crate) fn of(octets: &[u8]) -> Self {
        Self(update(CRC_INIT, octets))
    }

    /// The checksum as armor contains it, before base64.
    pub(crate) fn octets(&self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_spliced_checksum_is_that_of_the_whole(head in proptest::collection::vec(any::<u8>(), 0..300), tail in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let whole = [head.clone(), tail.clone()].concat();
            prop_assert_eq!(TailChecksum::of(&tail).after(&head), update(CRC_INIT, &whole));
        }
    }

    #[test]
    fn the_checksum_is_the_standards() {
        assert_eq!(update(CRC_INIT, b"123456789"), 0x21_cf02);
    }
}
