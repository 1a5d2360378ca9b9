//! Stored secret keys: encrypted under a master key, each bound to its name.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

/// The first octets of a wrapped key: the format and its version.
const MAGIC: &[u8; 4] = b"SLK1";
const KEY_OCTETS: usize = 32;

/// 256 bits from a file or a credential. Whoever has them can open every key that is wrapped under them.
pub struct MasterKey(Zeroizing<[u8; KEY_OCTETS]>);

/// The name of a key. All of it is authenticated, so that no wrapped key can replace another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    /// The list's identifier. Empty for a site key.
    pub list: String,
    /// The purpose of the key.
    pub purpose: &'static str,
    /// The fingerprint of the primary key. Empty if there is none.
    pub fingerprint: String,
    /// The generation, which grows with every rotation.
    pub generation: u32,
}

/// The text is not a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a master key is one line of 64 hexadecimal digits: make one with `sealist keys master-key FILE`")]
pub struct NotAMasterKey;

/// The master key or the name is wrong, or the data is damaged. The cases cannot be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the master key does not open it")]
pub struct CannotUnwrap;

impl MasterKey {
    /// Generates a key.
    pub fn generate() -> Self {
        Self(Zeroizing::new(crate::random()))
    }

    /// Parses the text of a master key file. White space around it is ignored.
    pub fn from_text(text: &[u8]) -> Result<Self, NotAMasterKey> {
        let digits = text.trim_ascii();
        if digits.len() != 2 * KEY_OCTETS {
            return Err(NotAMasterKey);
        }
        let mut key = Zeroizing::new([0; KEY_OCTETS]);
        for (octet, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = digit(pair[0]).ok_or(NotAMasterKey)? << 4 | digit(pair[1]).ok_or(NotAMasterKey)?;
        }
        Ok(Self(key))
    }

    /// The text for a master key file: one line.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * KEY_OCTETS + 1));
        for nibble in self.0.iter().flat_map(|octet| [octet >> 4, octet & 15]) {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
        text.push('\n');
        text
    }

    /// Wraps a secret under that name: AES-256-GCM with a random nonce. The result reveals only the length of
    /// the secret.
    pub fn wrap(&self, name: &KeyName, secret: &[u8]) -> Vec<u8> {
        let mut text = Zeroizing::new(Vec::with_capacity(secret.len() + AES_256_GCM.tag_len()));
        text.extend_from_slice(secret);
        let nonce = self
            .aead()
            .seal_in_place_append_tag(Aad::from(name.to_bytes()), &mut *text)
            .expect("AES-256-GCM takes every text that fits into memory");
        [MAGIC.as_slice(), nonce.as_ref(), &text].concat()
    }

    /// Decrypts what [`Self::wrap`] made for the same name.
    pub fn open(&self, name: &KeyName, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotUnwrap> {
        let rest = wrapped.strip_prefix(MAGIC).ok_or(CannotUnwrap)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or(CannotUnwrap)?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let opened = self
            .aead()
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(name.to_bytes()), &mut text)
            .map_err(|_| CannotUnwrap)?;
        Ok(Zeroizing::new(opened.to_vec()))
    }

    fn aead(&self) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, &*self.0).expect("the key has the length of AES-256")
    }
}

impl KeyName {
    /// The name of the site key.
    pub fn of_site() -> Self {
        Self { list: String::new(), purpose: "mac", fingerprint: String::new(), generation: 1 }
    }

    /// Each part preceded by its length, so that two names never have the same octets.
    fn to_bytes(&self) -> Vec<u8> {
        let generation = self.generation.to_be_bytes();
        let parts: [&[u8]; 4] =
            [self.list.as_bytes(), self.purpose.as_bytes(), self.fingerprint.as_bytes(), &generation];
        let mut bytes = MAGIC.to_vec();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> KeyName {
        KeyName {
            list: "team.lists.example".into(),
            purpose: "posting",
            fingerprint: "ABCD".into(),
            generation: 1,
        }
    }

    proptest! {
        #[test]
        fn what_is_wrapped_is_opened(secret: Vec<u8>, list: String, fingerprint: String, generation: u32) {
            let key = MasterKey::generate();
            let name = KeyName { list, purpose: "posting", fingerprint, generation };
            let wrapped = key.wrap(&name, &secret);
            prop_assert_eq!(&*key.open(&name, &wrapped).unwrap(), &secret);
            prop_assert_ne!(key.wrap(&name, &secret), wrapped, "each time another nonce");
        }

        #[test]
        fn a_flipped_octet_is_refused(secret: Vec<u8>, at: usize, with in 1_u8..) {
            let key = MasterKey::generate();
            let mut wrapped = key.wrap(&name(), &secret);
            let at = at % wrapped.len();
            wrapped[at] ^= with;
            prop_assert_eq!(key.open(&name(), &wrapped), Err(CannotUnwrap));
        }
    }

    #[test]
    fn another_key_or_name_is_refused() {
        let key = MasterKey::generate();
        let wrapped = key.wrap(&name(), b"secret");
        assert_eq!(MasterKey::generate().open(&name(), &wrapped), Err(CannotUnwrap));
        let others = [
            KeyName { list: "other.lists.example".into(), ..name() },
            KeyName { purpose: "storage", ..name() },
            KeyName { fingerprint: "ABCE".into(), ..name() },
            KeyName { generation: 2, ..name() },
            // The same characters, divided differently.
            KeyName { list: "team.lists.examplep".into(), purpose: "osting", ..name() },
        ];
        for other in others {
            assert_eq!(key.open(&other, &wrapped), Err(CannotUnwrap), "{other:?}");
        }
        for length in 0..wrapped.len() {
            assert_eq!(key.open(&name(), &wrapped[..length]), Err(CannotUnwrap), "cut to {length}");
        }
        assert!(!wrapped.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn a_master_key_file_is_read_again() {
        let key = MasterKey::generate();
        let wrapped = key.wrap(&name(), b"secret");
        let read = |text: &str| MasterKey::from_text(text.as_bytes());
        let text = key.to_text();
        for text in [text.as_str(), text.trim(), &text.to_uppercase()] {
            assert!(read(text).is_ok_and(|key| key.open(&name(), &wrapped).is_ok()));
        }
        for wrong in ["", &text[1..], &format!("0{}", *text), &text.replace(|c: char| c.is_ascii(), "x")] {
            assert_eq!(read(wrong).err(), Some(NotAMasterKey));
        }
    }
}
