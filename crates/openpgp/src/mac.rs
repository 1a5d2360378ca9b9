//! The site key, which makes stored data unforgeable and unguessable.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;

/// 32 random bytes from the key directory. The key authenticates sealing cards and hides the replay record.
pub struct MacKey(Zeroizing<[u8; 32]>);

impl MacKey {
    /// Makes a key from the bytes of a key file.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Generates a key.
    pub fn generate() -> Self {
        Self::new(crate::random())
    }

    /// The bytes for the key file.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// The entry of a signed text in the replay record: HMAC-SHA-256 over the signer's primary fingerprint
    /// and the signed digest. Neither a new wrapper nor a changed signature packet changes it.
    pub fn replay_key(&self, signer: &Fingerprint, digest: &[u8]) -> [u8; 32] {
        self.tag(&[b"replay", signer.to_string().as_bytes(), digest])
    }

    /// The mark by which the database recognises a message that a list sent. It does not reveal the
    /// Message-ID.
    pub fn message_mark(&self, list: &str, message_id: &str) -> [u8; 32] {
        self.tag(&[b"message-id", list.as_bytes(), message_id.as_bytes()])
    }

    /// The number under which senders of a domain take turns. It is so small that it does not reveal the
    /// domain.
    pub fn source(&self, domain: &str) -> u16 {
        let tag = self.tag(&[b"source", domain.to_ascii_lowercase().as_bytes()]);
        u16::from_be_bytes([tag[0], tag[1]])
    }

    /// The mark by which the database recognises the key of its site. It does not reveal the key.
    pub fn mark(&self) -> [u8; 32] {
        self.tag(&[b"site key"])
    }

    /// HMAC-SHA-256 over the pieces, each preceded by its length.
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
