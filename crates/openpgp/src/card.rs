//! Sealing cards: all that delivery needs of a certificate, computed when the certificate or the policy
//! changes. Delivery parses no certificates.

use sealist_mail::Timestamp;
use sequoia_openpgp::Cert;
use sequoia_openpgp::crypto::mpi::PublicKey;
use sequoia_openpgp::packet::key::{PublicParts, SubordinateRole};
use sequoia_openpgp::packet::{Key, Packet};
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::MarshalInto as _;
use sequoia_openpgp::types::{Curve, HashAlgorithm, SymmetricAlgorithm};

use crate::certificate::Unusable;
use crate::family::Family;
use crate::mac::{self, MacKey};
use crate::pkesk::{self, KeyIds};
use crate::revocation::Revocation;
use crate::seal;

/// Grows when the rules of [`crate::Certificate::usable`] change: cards of an older epoch are stale.
pub const POLICY_EPOCH: u32 = 1;

const FORM: u8 = 2;
const TAG_OCTETS: usize = 32;

/// The encryption keys of one certificate and how long they may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealingCard {
    family: Family,
    pub(crate) keys: Vec<CardKey>,
    pub(crate) valid_until: Option<Timestamp>,
}

/// One encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CardKey {
    /// Curve25519 ECDH: written by our own few lines.
    X25519 { point: [u8; 32], key_id: [u8; 8], kdf: Kdf, fingerprint: [u8; 20] },
    /// Anything else, as a key packet for the library.
    Packet(Vec<u8>),
}

/// The key derivation that the key asks for ([RFC 9580, section 11.5]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kdf {
    Sha256Aes128,
    Sha256Aes256,
    Sha384Aes256,
    Sha512Aes256,
}

/// Why a stored card cannot be used: the delivery waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Not ours, altered, or for another address.
    #[error("the sealing card is not authentic")]
    Forged,
    /// Made under older rules.
    #[error("the sealing card is stale")]
    Stale,
    /// Its keys have expired since.
    #[error("the key has expired")]
    Expired,
}

impl SealingCard {
    /// Asks everything of a certificate that delivery relies on.
    pub(crate) fn of(cert: &Cert, now: Timestamp) -> Result<Self, Unusable> {
        let policy = StandardPolicy::new();
        let time = now.to_system_time();
        if let Some(revocation) = Revocation::of(&cert.revocation_status(&policy, time)) {
            return Err(Unusable::Revoked(revocation));
        }
        let valid = cert.with_policy(&policy, time).map_err(|_| Unusable::TooWeak)?;
        let primary_end = valid.primary_key().key_expiration_time().map(Timestamp::from_system_time);
        if valid.alive().is_err() {
            return Err(primary_end.map_or(Unusable::TooWeak, |at| Unusable::Expired { at }));
        }
        if valid.keys().supported().alive().revoked(false).for_signing().next().is_none() {
            return Err(Unusable::NoSigningKey);
        }
        let mut ends = vec![primary_end];
        let mut keys = Vec::new();
        for key in valid
            .keys()
            .supported()
            .alive()
            .revoked(false)
            .for_transport_encryption()
            .for_storage_encryption()
        {
            let card_key = CardKey::of(key.key().role_as_subordinate());
            // A point of low order, or one off its curve, is seen only when it is used.
            if pkesk::wrap(&card_key, &seal::fresh_session_key(), KeyIds::Named).is_ok() {
                ends.push(key.key_expiration_time().map(Timestamp::from_system_time));
                keys.push(card_key);
            }
        }
        if keys.is_empty() {
            return Err(no_encryption_key(&valid, now));
        }
        let family = if cert.primary_key().key().version() == 6 { Family::V6 } else { Family::V4 };
        Ok(Self { family, keys, valid_until: ends.into_iter().flatten().min() })
    }

    /// Which packets the holder reads.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Until when the card may be used; `None`: no end is set.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// The stored form. `holder` binds the card to whom it is for: the address's look-up key.
    pub fn to_bytes(&self, mac: &MacKey, holder: &str) -> Vec<u8> {
        let mut out = vec![FORM, self.family.number()];
        out.extend_from_slice(&POLICY_EPOCH.to_be_bytes());
        out.extend_from_slice(&self.valid_until.map_or(i64::MAX, |t| t.0).to_be_bytes());
        for key in &self.keys {
            key.write_to(&mut out);
        }
        let tag = mac.tag(&[b"card", holder.as_bytes(), &out]);
        out.extend_from_slice(&tag);
        out
    }

    /// Reads a stored card; errs if it is not authentic, stale or past its end.
    pub fn from_bytes(stored: &[u8], mac: &MacKey, holder: &str, now: Timestamp) -> Result<Self, CardError> {
        let body_end = stored.len().checked_sub(TAG_OCTETS).ok_or(CardError::Forged)?;
        let (body, tag) = stored.split_at(body_end);
        if !mac::equal(tag, &mac.tag(&[b"card", holder.as_bytes(), body])) {
            return Err(CardError::Forged);
        }
        let mut input = body;
        let [form, family] = take::<2>(&mut input).ok_or(CardError::Forged)?;
        let epoch = take::<4>(&mut input).ok_or(CardError::Forged)?;
        if form != FORM || u32::from_be_bytes(epoch) != POLICY_EPOCH {
            return Err(CardError::Stale);
        }
        let until = i64::from_be_bytes(take::<8>(&mut input).ok_or(CardError::Forged)?);
        if now.0 >= until {
            return Err(CardError::Expired);
        }
        let mut keys = Vec::new();
        while !input.is_empty() {
            keys.push(CardKey::read_from(&mut input).ok_or(CardError::Forged)?);
        }
        let family = Family::from_number(family).ok_or(CardError::Forged)?;
        Ok(Self { family, keys, valid_until: (until != i64::MAX).then_some(Timestamp(until)) })
    }
}

/// Tells an expired encryption subkey from none at all.
fn no_encryption_key(valid: &sequoia_openpgp::cert::ValidCert<'_>, now: Timestamp) -> Unusable {
    valid
        .keys()
        .for_transport_encryption()
        .filter_map(|key| key.key_expiration_time().map(Timestamp::from_system_time))
        .filter(|end| *end <= now)
        .max()
        .map_or(Unusable::NoEncryptionKey, |at| Unusable::Expired { at })
}

impl CardKey {
    fn of(key: &Key<PublicParts, SubordinateRole>) -> Self {
        Self::x25519(key).unwrap_or_else(|| {
            let packet = Packet::from(key.clone());
            Self::Packet(packet.to_vec().expect("a parsed key can be written"))
        })
    }

    fn x25519(key: &Key<PublicParts, SubordinateRole>) -> Option<Self> {
        let PublicKey::ECDH { curve: Curve::Cv25519, q, hash, sym } = key.mpis() else {
            return None;
        };
        // The native point stands behind the octet 0x40.
        let point = q.value().strip_prefix(&[0x40])?.try_into().ok()?;
        let kdf = Kdf::ALL.into_iter().find(|kdf| kdf.algorithms() == (*hash, *sym))?;
        let fingerprint = key.fingerprint().as_bytes().try_into().ok()?;
        let key_id = key.keyid().as_bytes().try_into().ok()?;
        Some(Self::X25519 { point, key_id, kdf, fingerprint })
    }

    fn write_to(&self, out: &mut Vec<u8>) {
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

    fn read_from(input: &mut &[u8]) -> Option<Self> {
        match take::<1>(input)? {
            [1] => {
                let [number] = take::<1>(input)?;
                let kdf = Kdf::ALL.into_iter().find(|kdf| kdf.number() == number)?;
                let (point, key_id, fingerprint) =
                    (take::<32>(input)?, take::<8>(input)?, take::<20>(input)?);
                Some(Self::X25519 { point, key_id, kdf, fingerprint })
            }
            [2] => {
                let length = usize::try_from(u32::from_be_bytes(take::<4>(input)?)).ok()?;
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

    /// The ids of hash and cipher as the KDF parameters have them.
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

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Certificate;
    use crate::testing::{Kind, member};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn a_stored_card_comes_back() {
        let mac = MacKey::generate();
        for kind in [Kind::Curve25519, Kind::Rsa, Kind::Version6] {
            let card = Certificate::of(member("anne@example.org", kind, NOW)).usable(NOW).unwrap();
            let stored = card.to_bytes(&mac, "anne@example.org");
            assert_eq!(SealingCard::from_bytes(&stored, &mac, "anne@example.org", NOW), Ok(card.clone()));
            assert_eq!(
                SealingCard::from_bytes(&stored, &mac, "eve@example.org", NOW),
                Err(CardError::Forged)
            );
            let other = MacKey::generate();
            assert_eq!(
                SealingCard::from_bytes(&stored, &other, "anne@example.org", NOW),
                Err(CardError::Forged)
            );
            for cut in 0..stored.len() {
                assert!(SealingCard::from_bytes(&stored[..cut], &mac, "anne@example.org", NOW).is_err());
            }
        }
    }

    #[test]
    fn a_card_ends_with_its_key() {
        let mac = MacKey::generate();
        let cert = Certificate::of(member("anne@example.org", Kind::ExpiresInAnHour, NOW));
        let card = cert.usable(NOW).unwrap();
        let end = NOW.plus_ms(3_600_000);
        assert_eq!(card.valid_until(), Some(end));
        let stored = card.to_bytes(&mac, "a");
        assert!(SealingCard::from_bytes(&stored, &mac, "a", end.plus_ms(-1)).is_ok());
        assert_eq!(SealingCard::from_bytes(&stored, &mac, "a", end), Err(CardError::Expired));
        assert_eq!(cert.usable(end.plus_ms(1000)), Err(Unusable::Expired { at: end }));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        fn check(kind: Kind, expected: Unusable) {
            let cert = Certificate::of(member("anne@example.org", kind, NOW));
            assert_eq!(cert.usable(NOW), Err(expected), "{kind:?}");
        }
        check(Kind::SignOnly, Unusable::NoEncryptionKey);
        check(Kind::Revoked, Unusable::Revoked(Revocation::Hard));
    }
}
