//! The encryption key of one recipient, in the form in which a sealing card keeps it.

use sequoia_openpgp::crypto::mpi::PublicKey;
use sequoia_openpgp::packet::key::{PublicParts, SubordinateRole};
use sequoia_openpgp::packet::{Key, Packet};
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::serialize::MarshalInto as _;
use sequoia_openpgp::types::{Curve, HashAlgorithm, SymmetricAlgorithm};

/// One encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecipientKey {
    /// Curve25519 ECDH, for which we write the PKESK ourselves.
    X25519 { point: [u8; 32], key_id: [u8; 8], kdf: Kdf, fingerprint: [u8; 20] },
    /// Another algorithm, as a key packet for the library.
    Packet(Vec<u8>),
}

/// The key derivation parameters of the key ([RFC 9580, section 11.5]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kdf {
    Sha256Aes128,
    Sha256Aes256,
    Sha384Aes256,
    Sha512Aes256,
}

impl RecipientKey {
    pub(crate) fn of(key: &Key<PublicParts, SubordinateRole>) -> Self {
        Self::x25519(key).unwrap_or_else(|| {
            let packet = Packet::from(key.clone());
            Self::Packet(packet.to_vec().expect("a parsed key can be written"))
        })
    }

    fn x25519(key: &Key<PublicParts, SubordinateRole>) -> Option<Self> {
        let PublicKey::ECDH { curve: Curve::Cv25519, q, hash, sym } = key.mpis() else {
            return None;
        };
        // The native point follows the octet 0x40.
        let point = q.value().strip_prefix(&[0x40])?.try_into().ok()?;
        let kdf = Kdf::ALL.into_iter().find(|kdf| kdf.algorithms() == (*hash, *sym))?;
        let fingerprint = key.fingerprint().as_bytes().try_into().ok()?;
        let key_id = key.keyid().as_bytes().try_into().ok()?;
        Some(Self::X25519 { point, key_id, kdf, fingerprint })
    }

    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::X25519 { point, key_id, kdf, fingerprint } => {
                out.extend_from_slice(&[1, kdf.number()]);
                out.extend_from_slice(point);
                out.extend_from_slice(key_id);
                out.extend_from_slice(fingerprint);
            }
            Self::Packet(packet) => {
                out.push(2);
                let length =
                    u32::try_from(packet.len()).expect("the filter keeps certificates below 256 KiB");
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(packet);
            }
        }
    }

    pub(crate) fn read_from(input: &mut &[u8]) -> Option<Self> {
        match next_octets::<1>(input)? {
            [1] => {
                let [number] = next_octets::<1>(input)?;
                let kdf = Kdf::ALL.into_iter().find(|kdf| kdf.number() == number)?;
                let (point, key_id, fingerprint) =
                    (next_octets::<32>(input)?, next_octets::<8>(input)?, next_octets::<20>(input)?);
                Some(Self::X25519 { point, key_id, kdf, fingerprint })
            }
            [2] => {
                let length = usize::try_from(u32::from_be_bytes(next_octets::<4>(input)?)).ok()?;
                let (packet, rest) = input.split_at_checked(length)?;
                *input = rest;
                Some(Self::Packet(packet.to_vec()))
            }
            _ => None,
        }
    }

    /// The key for the library.
    pub(crate) fn library_key(packet: &[u8]) -> Option<Key<PublicParts, SubordinateRole>> {
        match Packet::from_bytes(packet).ok()? {
            Packet::PublicSubkey(key) => Some(key),
            Packet::PublicKey(key) => Some(key.role_into_subordinate()),
            _ => None,
        }
    }
}

impl Kdf {
    const ALL: [Self; 4] = [Self::Sha256Aes128, Self::Sha256Aes256, Self::Sha384Aes256, Self::Sha512Aes256];

    fn algorithms(self) -> (HashAlgorithm, SymmetricAlgorithm) {
        match self {
            Self::Sha256Aes128 => (HashAlgorithm::SHA256, SymmetricAlgorithm::AES128),
            Self::Sha256Aes256 => (HashAlgorithm::SHA256, SymmetricAlgorithm::AES256),
            Self::Sha384Aes256 => (HashAlgorithm::SHA384, SymmetricAlgorithm::AES256),
            Self::Sha512Aes256 => (HashAlgorithm::SHA512, SymmetricAlgorithm::AES256),
        }
    }

    /// The ids of hash and cipher, as in the KDF parameters.
    pub(crate) fn ids(self) -> [u8; 2] {
        let (hash, cipher) = self.algorithms();
        [hash.into(), cipher.into()]
    }

    fn number(self) -> u8 {
        match self {
            Self::Sha256Aes128 => 0,
            Self::Sha256Aes256 => 1,
            Self::Sha384Aes256 => 2,
            Self::Sha512Aes256 => 3,
        }
    }
}

/// Reads the next octets of a stored card.
pub(crate) fn next_octets<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*head)
}
