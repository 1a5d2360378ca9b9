//! Mutations of valid input.

use bolero::TypeGenerator;

/// A seed and the mutations that are applied to it.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct FuzzCase {
    seed: u8,
    changes: Vec<Mutation>,
}

#[derive(Clone, Debug, TypeGenerator)]
enum Mutation {
    Flip { at: u32, bits: u8 },
    Put { at: u32, octets: [u8; 4] },
    Cut { at: u32, octets: u16 },
    Repeat { at: u32, octets: u8, times: u8 },
    Move { from: u32, octets: u8, to: u32 },
    Word { at: u32, word: u8 },
}

/// Tokens that parsers look for.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"--b\r\n",
    b"--b--\r\n",
    b"\r\n\r\n",
    b"\r\n.\r\n",
    b"Content-Type: multipart/signed",
    b"Content-Type: multipart/encrypted; boundary=b",
    b"From: eve@example.com\r\n",
    b"-----BEGIN PGP MESSAGE-----\r\n",
    b"-----END PGP MESSAGE-----\r\n",
    b"=\r\n",
    b"=?utf-8?q?",
    b"?=",
    b"<",
    b">",
    b"\"",
    b"(",
    b"\\",
    b"\xff",
    b"\xc1\xff",
];

impl FuzzCase {
    /// The mutated input.
    pub(crate) fn apply(&self, seeds: &[Vec<u8>]) -> (usize, Vec<u8>) {
        let which = usize::from(self.seed) % seeds.len();
        let mut bytes = seeds[which].clone();
        for change in self.changes.iter().take(12) {
            change.apply(&mut bytes);
        }
        bytes.truncate(1 << 20);
        (which, bytes)
    }
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: u32| at as usize % (bytes.len() + 1);
        let end = |from: usize, octets: usize| (from + octets).min(bytes.len());
        match *self {
            Self::Flip { at, bits } => {
                let at = place(at);
                if let Some(octet) = bytes.get_mut(at) {
                    *octet ^= bits;
                }
            }
            Self::Put { at, octets } => {
                let at = place(at);
                bytes.splice(at..at, octets);
            }
            Self::Cut { at, octets } => {
                let from = place(at);
                let to = end(from, usize::from(octets));
                bytes.drain(from..to);
            }
            Self::Repeat { at, octets, times } => {
                let from = place(at);
                let piece = bytes[from..end(from, usize::from(octets))].repeat(usize::from(times));
                bytes.splice(from..from, piece);
            }
            Self::Move { from, octets, to } => {
                let from = place(from);
                let piece = bytes[from..end(from, usize::from(octets))].to_vec();
                let to = place(to);
                bytes.splice(to..to, piece);
            }
            Self::Word { at, word } => {
                let at = place(at);
                bytes.splice(at..at, WORDS[usize::from(word) % WORDS.len()].iter().copied());
            }
        }
    }
}
