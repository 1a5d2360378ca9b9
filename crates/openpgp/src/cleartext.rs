//! Decrypted bytes: zeroed when dropped, never printed.

use std::io::Read;
use std::ops::{Deref, Range};

use zeroize::Zeroize as _;

/// What was encrypted. No Debug and no Display, so that it cannot reach a log; zeroed on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Cleartext(Vec<u8>);

impl Cleartext {
    /// Takes over bytes that came from a decryption or will be sealed.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn with_capacity(octets: usize) -> Self {
        Self(Vec::with_capacity(octets))
    }

    /// Only those pieces of it, which are in order, without the first octets of them.
    pub(crate) fn keep(mut self, pieces: impl Iterator<Item = Range<usize>>, mut skip: usize) -> Self {
        let mut octets = 0;
        for piece in pieces {
            let skipped = skip.min(piece.len());
            skip -= skipped;
            let piece = piece.start + skipped..piece.end;
            let length = piece.len();
            self.0.copy_within(piece, octets);
            octets += length;
        }
        // What is behind stays until it is zeroed on drop.
        self.0.truncate(octets);
        self
    }

    /// Empties it; what was in it is zeroed when it is dropped or read over.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends up to so many octets; says how many came.
    pub(crate) fn read_from(&mut self, reader: &mut impl Read, octets: usize) -> std::io::Result<usize> {
        let from = self.0.len();
        if self.0.capacity() < from + octets {
            // By a quarter, not to the double: what is large need not be twice as large in memory.
            self.0.reserve_exact((from / 4).max(octets));
        }
        self.0.resize(from + octets, 0);
        let read = reader.read(&mut self.0[from..]);
        self.0.truncate(from + *read.as_ref().unwrap_or(&0));
        read
    }
}

impl Deref for Cleartext {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Cleartext {
    fn drop(&mut self) {
        // As slices: `Vec` is zeroed octet by octet, which takes ten times as long.
        self.0.spare_capacity_mut().zeroize();
        self.0.as_mut_slice().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_kept_in_their_order() {
        let keep = |pieces: &[Range<usize>], skip| {
            Cleartext::new((0..10).collect()).keep(pieces.iter().cloned(), skip).to_vec()
        };
        assert_eq!(keep(&[2..4, 4..4, 6..9], 0), [2, 3, 6, 7, 8]);
        assert_eq!(keep(&[2..4, 6..9], 3), [7, 8]);
        assert_eq!(keep(&[2..4, 4..4], 3), []);
    }
}
