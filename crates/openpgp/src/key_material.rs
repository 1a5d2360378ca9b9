//! What came along with a message or in files: keys, each once, and revocations.

use crate::certificate::{Certificate, CertificateError, MAX_INPUT_OCTETS};
use crate::dearmor;
use crate::framing::Packets;

const SIGNATURE: u8 = 2;

/// Keys and revocations that somebody brought.
#[derive(Default)]
pub struct KeyMaterial {
    /// Each key once: what came twice is merged.
    pub certificates: Vec<Certificate>,
    /// Revocations by themselves, binary.
    pub revocations: Vec<Vec<u8>>,
    /// Why the first that could not be read was not. A secret key comes before all other reasons.
    pub unreadable: Option<CertificateError>,
}

impl KeyMaterial {
    /// What is in these blocks, armored or binary.
    pub fn of(blocks: &[Vec<u8>]) -> Self {
        let mut brought = Self::default();
        for block in blocks {
            if let Err(error) = brought.add(block)
                && (brought.unreadable.is_none() || error == CertificateError::SecretKey)
            {
                brought.unreadable = Some(error);
            }
        }
        brought
    }

    fn add(&mut self, block: &[u8]) -> Result<(), CertificateError> {
        if sealist_mail::is_archive(block) {
            return Err(CertificateError::Archive);
        }
        let binary =
            dearmor::keys_to_binary(block, MAX_INPUT_OCTETS).ok_or(CertificateError::NotACertificate)?;
        if matches!(Packets::new(&binary).next(), Some(Ok(packet)) if packet.tag == SIGNATURE) {
            self.revocations.push(binary);
            return Ok(());
        }
        Certificate::read(&binary)?.into_iter().try_for_each(|one| one.add_to(&mut self.certificates))
    }

    /// Whether nothing came that can be read.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.revocations.is_empty()
    }

    /// Each part by itself, for [`Certificate::merge`].
    pub fn updates(&self) -> impl Iterator<Item = Vec<u8>> {
        self.certificates.iter().map(Certificate::to_bytes).chain(self.revocations.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use sealist_mail::Timestamp;

    use super::*;
    use crate::testing::{Kind, member};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn key(address: &str) -> Certificate {
        Certificate::of(member(address, Kind::Curve25519, NOW))
    }

    #[test]
    fn a_key_counts_once() {
        let (anne, list) = (key("anne@example.org"), key("team@lists.example"));
        let (armored, binary) = (anne.armored(), anne.to_bytes());
        let quoted: Vec<u8> =
            armored.split_inclusive(|c| *c == b'\n').flat_map(|line| [b"> ", line].concat()).collect();
        let of_list = list.fingerprint();
        let check =
            |blocks: &[&[u8]], keys: usize, revocations: usize, unreadable: Option<CertificateError>| {
                let blocks: Vec<Vec<u8>> = blocks.iter().map(|block| block.to_vec()).collect();
                let mut brought = KeyMaterial::of(&blocks);
                brought.certificates.retain(|one| one.fingerprint() != of_list);
                let found =
                    (brought.certificates.len(), brought.revocations.len(), brought.unreadable.clone());
                assert_eq!(found, (keys, revocations, unreadable));
                assert!(brought.certificates.iter().all(|one| one.to_bytes().len() <= 2 * binary.len()));
            };
        check(&[], 0, 0, None);
        check(&[&armored, &binary, &quoted], 1, 0, None);
        check(&[&[&armored[..], &armored[..], &list.armored()[..]].concat()], 1, 0, None);
        check(&[&[&binary[..], &list.to_bytes()[..]].concat()], 1, 0, None);
        check(&[&list.armored()], 0, 0, None);
        check(&[&armored, &key("anne@example.org").armored()], 2, 0, None);
        check(&[&[&b"\xef\xbb\xbf"[..], &armored[..]].concat()], 1, 0, None);
        check(&[b"words", &armored], 1, 0, Some(CertificateError::NotACertificate));
        let secret = crate::armor::block("PRIVATE KEY BLOCK", &{
            use sequoia_openpgp::serialize::MarshalInto as _;
            member("anne@example.org", Kind::Curve25519, NOW).as_tsk().to_vec().unwrap()
        });
        check(&[b"words", &secret, &armored], 1, 0, Some(CertificateError::SecretKey));
    }
}
