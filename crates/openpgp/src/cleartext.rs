//! Decrypted bytes. They are zeroed when dropped, and never printed.

use std::io::Read;
use std::ops::{Deref, Range};

use zeroize::Zeroize as _;

/// Decrypted content. It has no Debug and no Display, so that it cannot reach a log, and is zeroed on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Cleartext(Vec<u8>);

impl Cleartext {
    /// Takes ownership of bytes that were decrypted or will be sealed.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn with_capacity(octets: usize) -> Self {
        Self(Vec::with_capacity(octets))
    }

    /// Keeps only those pieces, which must be in order, without the first `skip` octets of them.
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
        // The octets after this length are zeroed on drop.
        self.0.truncate(octets);
        self
    }

    /// Empties the buffer. The old content is zeroed on drop or overwritten.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends up to `octets` octets. Returns how many were read.
    pub(crate) fn read_from(&mut self, reader: &mut impl Read, octets: usize) -> std::io::Result<usize> {
        let from = self.0.len();
        if self.0.capacity() < from + octets {
            // The buffer grows by a quarter instead of doubling, so that a large message does not need twice
            // its memory.
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
        // Zeroed as a slice, because `Vec` is zeroed octet by octet, which takes ten times as long.
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
