//! Handles: a few octets of ours in a form that reveals nothing and that nobody else can make.

use crate::base32;
use crate::mac::{self, MacKey};

/// The length of the proof: 64 bits.
const TAG_OCTETS: usize = 8;
/// The number of octets in a handle.
pub const HANDLE_OCTETS: usize = 12;

impl MacKey {
    /// The handle of some octets for one purpose: 32 letters and digits in which case does not matter. The
    /// same octets always have the same handle.
    pub fn handle(&self, purpose: &str, content: [u8; HANDLE_OCTETS]) -> String {
        let tag: [u8; TAG_OCTETS] = self.proof(purpose, content);
        base32::encode(&[&tag[..], &self.hidden(purpose, tag, content)].concat())
    }

    /// The octets in a handle. `None` if this site did not make it for that purpose.
    pub fn read_handle(&self, purpose: &str, handle: &str) -> Option<[u8; HANDLE_OCTETS]> {
        let octets = base32::decode(handle)?;
        let (tag, hidden) = octets.split_first_chunk::<TAG_OCTETS>()?;
        let content = self.hidden(purpose, *tag, hidden.try_into().ok()?);
        mac::equal(tag, &self.proof(purpose, content)).then_some(content)
    }

    fn proof(&self, purpose: &str, content: [u8; HANDLE_OCTETS]) -> [u8; TAG_OCTETS] {
        let tag = self.tag(&[b"handle", purpose.as_bytes(), &content]);
        std::array::from_fn(|at| tag[at])
    }

    /// Encrypts or decrypts the octets. The pad is made from the proof, so that no two contents share a pad.
    fn hidden(
        &self,
        purpose: &str,
        tag: [u8; TAG_OCTETS],
        content: [u8; HANDLE_OCTETS],
    ) -> [u8; HANDLE_OCTETS] {
        let pad = self.tag(&[b"handle pad", purpose.as_bytes(), &tag]);
        std::array::from_fn(|at| content[at] ^ pad[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_what_was_made_here_is_read(content in any::<[u8; HANDLE_OCTETS]>(), guess in "[a-z2-7]{32}", at in 0..32_usize) {
            let key = MacKey::new([7; 32]);
            let handle = key.handle("bounce", content);
            prop_assert_eq!(handle.len(), 32);
            prop_assert_eq!(key.read_handle("bounce", &handle), Some(content));
            prop_assert_eq!(key.read_handle("bounce", &handle.to_uppercase()), Some(content));
            prop_assert_eq!(key.read_handle("other", &handle), None);
            prop_assert_eq!(MacKey::new([8; 32]).read_handle("bounce", &handle), None);
            prop_assert_eq!(key.read_handle("bounce", &guess), None);
            let mut bent = handle.into_bytes();
            bent[at] = if bent[at] == b'a' { b'b' } else { b'a' };
            prop_assert_eq!(key.read_handle("bounce", &String::from_utf8(bent).unwrap()), None);
        }

        #[test]
        fn nothing_panics(text in any::<String>()) {
            MacKey::new([7; 32]).read_handle("bounce", &text);
        }
    }
}
