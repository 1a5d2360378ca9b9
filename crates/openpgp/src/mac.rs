//! The key of the site that makes what is stored unforgeable and unguessable.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;

/// 32 random bytes from the key directory: authenticates sealing cards and hides the replay record.
pub struct MacKey(Zeroizing<[u8; 32]>);

impl MacKey {
    /// Takes the bytes of a key file.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A fresh key from the system's generator.
    pub fn generate() -> Self {
        Self::new(crate::random())
    }

    /// The bytes for the key file.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// The key of the replay record for a signed text: HMAC-SHA-256 over the signer's primary fingerprint and
    /// the digest that was signed. Neither re-wrapping nor an altered signature packet changes it.
    pub fn replay_key(&self, signer: &Fingerprint, digest: &[u8]) -> [u8; 32] {
        self.tag(&[b"replay", signer.to_string().as_bytes(), digest])
    }

    /// By this the database knows a message that a list sent; who reads it learns no Message-ID.
    pub fn message_mark(&self, list: &str, message_id: &str) -> [u8; 32] {
        self.tag(&[b"message-id", list.as_bytes(), message_id.as_bytes()])
    }

    /// The number under which those who send from a domain take turns. It is small, so that who reads the database learns
    /// no domain.
    pub fn source(&self, domain: &str) -> u16 {
        let tag = self.tag(&[b"source", domain.to_ascii_lowercase().as_bytes()]);
        u16::from_be_bytes([tag[0], tag[1]])
    }

    /// By this the database knows the key of its site, and nobody who reads it learns anything of the key.
    pub fn mark(&self) -> [u8; 32] {
        self.tag(&[b"site key"])
    }

    /// HMAC-SHA-256 over the pieces, each with its length before it.
    pub(crate) fn tag(&self, pieces: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key());
        for piece in pieces {
            context.update(&(piece.len() as u64).to_be_bytes());
            context.update(piece);
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.0)
    }
}

/// Compares in constant time.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_run_together() {
        let key = MacKey::new([1; 32]);
        assert_ne!(key.tag(&[b"ab", b"c"]), key.tag(&[b"a", b"bc"]));
        assert_ne!(key.tag(&[b"ab"]), MacKey::new([2; 32]).tag(&[b"ab"]));
        assert_eq!(key.tag(&[b"ab"]), key.tag(&[b"ab"]));
    }
}
