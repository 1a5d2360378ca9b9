//! Decrypted bytes: zeroed when dropped, never printed.

use std::ops::Deref;

use zeroize::Zeroizing;

/// What was encrypted. No Debug and no Display, so that it cannot reach a log; zeroed on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Cleartext(Zeroizing<Vec<u8>>);

impl Cleartext {
    /// Takes over bytes that came from a decryption or will be sealed.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl Deref for Cleartext {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
