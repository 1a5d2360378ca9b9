//! Keys and revocations from a message or from files, without duplicates.

use crate::certificate::{Certificate, CertificateError, MAX_CERTIFICATES, MAX_INPUT_OCTETS};
use crate::dearmor;
use crate::filter::FoundCertificates;
use crate::framing::Packets;
use crate::verification_cost::Allowance;

const SIGNATURE: u8 = 2;

/// Keys and revocations that somebody sent.
#[derive(Clone, Default)]
pub struct KeyMaterial {
    /// The keys. Duplicates are merged.
    pub certificates: Vec<Certificate>,
    /// Separate revocations, binary.
    pub revocations: Vec<Vec<u8>>,
    /// Why the first unreadable block could not be read. A secret key takes precedence over all other
    /// reasons.
    pub unreadable: Option<CertificateError>,
}

impl KeyMaterial {
    /// Parses these blocks, armored or binary. All keys together may cost no more than the allowance of one
    /// message; the rest is unreadable.
    pub fn of(blocks: &[Vec<u8>]) -> Self {
        let mut brought = Self::default();
        let mut keys = Vec::new();
        for block in blocks {
            match binary(block) {
                Ok(loose) if is_loose(&loose) => brought.revocations.push(loose),
                Ok(binary) => keys.push(binary),
                Err(error) => brought.refuse(error),
            }
        }
        let mut found = FoundCertificates::default();
        for binary in &keys {
            if let Err(unfit) = found.add(binary, MAX_CERTIFICATES) {
                brought.refuse(unfit.into());
            }
        }
        for kept in found.into_kept(&mut Allowance::whole()) {
            match kept.map_err(CertificateError::from).and_then(|binary| Certificate::parse(&binary)) {
                Ok(certificate) => brought.certificates.push(certificate),
                Err(error) => brought.refuse(error),
            }
        }
        brought
    }

    fn refuse(&mut self, error: CertificateError) {
        if self.unreadable.is_none() || error == CertificateError::SecretKey {
            self.unreadable = Some(error);
        }
    }

    /// Whether nothing could be read.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.revocations.is_empty()
    }
}

fn binary(block: &[u8]) -> Result<Vec<u8>, CertificateError> {
    if sealist_mail::is_archive(block) {
        return Err(CertificateError::Archive);
    }
    dearmor::keys_to_binary(block, MAX_INPUT_OCTETS).ok_or(CertificateError::NotACertificate)
}

/// Whether the data is signatures without a key.
fn is_loose(binary: &[u8]) -> bool {
    matches!(Packets::new(binary).next(), Some(Ok(packet)) if packet.tag == SIGNATURE)
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
