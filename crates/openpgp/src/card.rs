//! Sealing cards: everything that delivery needs of a certificate. A card is computed when the certificate or
//! the policy changes, so that delivery parses no certificates.

use sealist_mail::Timestamp;
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::amalgamation::key::ValidErasedKeyAmalgamation;
use sequoia_openpgp::packet::key::PublicParts;
use sequoia_openpgp::policy::StandardPolicy;

use crate::family::Family;
use crate::mac::{self, MacKey};
use crate::recipient_key::{RecipientKey, next_octets};
use crate::revocation::Revocation;
use crate::unusable::{Need, Unusable, why_no_part, why_not_valid};

/// The version of the rules of [`crate::Certificate::usable`]. Cards of an older epoch are stale.
pub const POLICY_EPOCH: u32 = 2;

const FORM: u8 = 3;
const TAG_OCTETS: usize = 32;
/// The key has no expiry date.
const NEVER: i64 = i64::MAX;

/// The encryption keys of one certificate, with the time until which they may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealingCard {
    family: Family,
    keys: Vec<TimedKey>,
    /// The expiry of the primary key or of the signing key, whichever is earlier.
    until: i64,
}

/// An encryption key with its own expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimedKey {
    pub(crate) key: RecipientKey,
    until: i64,
}

/// Why a stored card cannot be used. The copy then waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// The card was not made by this site, was altered, or is for another address.
    #[error("the sealing card is not authentic")]
    Forged,
    /// The card was made under older rules.
    #[error("the sealing card is stale")]
    Stale,
    /// All keys of the card have expired.
    #[error("the key has expired")]
    Expired,
}

impl SealingCard {
    /// Asks everything of a certificate that delivery relies on. `takes_session_key` tries to wrap a session
    /// key to an encryption key: a point of low order, or one off its curve, shows only then.
    pub(crate) fn of(
        cert: &Cert,
        now: Timestamp,
        takes_session_key: impl Fn(&RecipientKey) -> bool,
    ) -> Result<Self, Unusable> {
        let policy = StandardPolicy::new();
        let time = now.to_system_time();
        if let Some(revocation) = Revocation::of(&cert.revocation_status(&policy, time)) {
            return Err(Unusable::Revoked(revocation));
        }
        let valid = cert.with_policy(&policy, time).map_err(|_| why_not_valid(cert, now))?;
        let primary_end = valid.primary_key().key_expiration_time().map(Timestamp::from_system_time);
        if valid.alive().is_err() {
            return Err(primary_end.map_or(Unusable::NotYetValid, |at| Unusable::Expired { at }));
        }
        let signing = valid.keys().supported().alive().revoked(false).for_signing();
        let signing_end =
            signing.map(|key| end_of(&key)).max().ok_or_else(|| why_no_part(&valid, Need::Sign, now))?;
        let mut keys = Vec::new();
        for key in valid
            .keys()
            .supported()
            .alive()
            .revoked(false)
            .for_transport_encryption()
            .for_storage_encryption()
        {
            let card_key = RecipientKey::of(key.key().role_as_subordinate());
            if takes_session_key(&card_key) {
                keys.push(TimedKey { key: card_key, until: end_of(&key) });
            }
        }
        if keys.is_empty() {
            return Err(why_no_part(&valid, Need::Encrypt, now));
        }
        let family = if cert.primary_key().key().version() == 6 { Family::V6 } else { Family::V4 };
        Ok(Self { family, keys, until: primary_end.map_or(NEVER, |at| at.0).min(signing_end) })
    }

    /// Which packets the holder's program can read.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The time until which the card may be used. `None`: there is no limit.
    pub fn valid_until(&self) -> Option<Timestamp> {
        let last = self.keys.iter().map(|key| key.until).max()?;
        Some(last.min(self.until)).filter(|until| *until != NEVER).map(Timestamp)
    }

    /// The keys that a session key is encrypted to.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &RecipientKey> {
        self.keys.iter().map(|timed| &timed.key)
    }

    /// The stored form. `holder` is the look-up key of the address, and binds the card to that address.
    pub fn to_bytes(&self, mac: &MacKey, holder: &str) -> Vec<u8> {
        self.to_bytes_of(POLICY_EPOCH, mac, holder)
    }

    /// The stored form as the rules of `epoch` made it.
    pub(crate) fn to_bytes_of(&self, epoch: u32, mac: &MacKey, holder: &str) -> Vec<u8> {
        let mut out = vec![FORM, self.family.number()];
        out.extend_from_slice(&epoch.to_be_bytes());
        out.extend_from_slice(&self.until.to_be_bytes());
        for timed in &self.keys {
            out.extend_from_slice(&timed.until.to_be_bytes());
            timed.key.write_to(&mut out);
        }
        let tag = mac.tag(&[b"card", holder.as_bytes(), &out]);
        out.extend_from_slice(&tag);
        out
    }

    /// Parses a stored card, without the keys that have expired. Errs if the card is not authentic, is stale,
    /// or has no key left.
    pub fn from_bytes(stored: &[u8], mac: &MacKey, holder: &str, now: Timestamp) -> Result<Self, CardError> {
        let body_end = stored.len().checked_sub(TAG_OCTETS).ok_or(CardError::Forged)?;
        let (body, tag) = stored.split_at(body_end);
        let mut input = body;
        let [form, family] = next_octets::<2>(&mut input).ok_or(CardError::Forged)?;
        let epoch = next_octets::<4>(&mut input).ok_or(CardError::Forged)?;
        // Older rules may have bound the card to another form of the address.
        if form != FORM || u32::from_be_bytes(epoch) != POLICY_EPOCH {
            return Err(CardError::Stale);
        }
        if !mac::equal(tag, &mac.tag(&[b"card", holder.as_bytes(), body])) {
            return Err(CardError::Forged);
        }
        let until = i64::from_be_bytes(next_octets::<8>(&mut input).ok_or(CardError::Forged)?);
        let family = Family::from_number(family).ok_or(CardError::Forged)?;
        let mut keys = Vec::new();
        while !input.is_empty() {
            let until = i64::from_be_bytes(next_octets::<8>(&mut input).ok_or(CardError::Forged)?);
            let key = RecipientKey::read_from(&mut input).ok_or(CardError::Forged)?;
            keys.push(TimedKey { key, until });
        }
        keys.retain(|timed| now.0 < timed.until);
        if now.0 >= until || keys.is_empty() {
            return Err(CardError::Expired);
        }
        Ok(Self { family, keys, until })
    }
}

/// The expiry of a key, or of the signature that binds it.
fn end_of(key: &ValidErasedKeyAmalgamation<'_, PublicParts>) -> i64 {
    let ends = [key.key_expiration_time(), key.binding_signature().signature_expiration_time()];
    ends.into_iter().flatten().map(Timestamp::from_system_time).min().map_or(NEVER, |at| at.0)
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
    fn a_key_that_ends_leaves_the_other() {
        let mac = MacKey::generate();
        let card = Certificate::of(member("anne@example.org", Kind::OneOfTwoEnds, NOW)).usable(NOW).unwrap();
        let stored = card.to_bytes(&mac, "a");
        let end = NOW.plus_ms(3_600_000);
        let keys_at = |now| SealingCard::from_bytes(&stored, &mac, "a", now).unwrap().keys().count();
        assert_eq!((keys_at(end.plus_ms(-1)), keys_at(end)), (2, 1));
        assert_eq!(card.valid_until(), None);
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
