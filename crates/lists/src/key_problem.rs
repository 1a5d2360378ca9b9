//! Why a person's key cannot be used, in sentences for that person.

use sealist_openpgp::{Need, Revocation, Unusable};

use crate::sentences::sentences;

sentences! {
    /// Why a key cannot be used.
    pub enum KeyProblem {
        /// The key expired on that day.
        Expired(day: String) = "expired",
        /// The encryption subkey expired: its fingerprint and the day.
        EncryptionPartExpired(part: String) = "encryption-part-expired",
        /// The signing subkey expired: its fingerprint and the day.
        SigningPartExpired(part: String) = "signing-part-expired",
        /// The key is revoked as compromised or without a reason.
        Revoked = "revoked",
        /// The key is revoked as retired or replaced.
        Retired = "retired",
        /// The key was created in the future.
        NotYetValid = "not-yet-valid",
        /// No user id is signed by the key.
        NoUserId = "no-user-id",
        /// The algorithm is not supported.
        NotSupported = "not-supported",
        /// The algorithms or self-signatures are too weak.
        TooWeak = "too-weak",
        /// The key has no encryption subkey.
        NoEncryptionKey = "no-encryption-key",
        /// The key has no signing subkey.
        NoSigningKey = "no-signing-key",
        /// No valid user id has that address.
        OtherAddress(address: String) = "other-address",
        /// The key can no longer be parsed; with the reason in English.
        Damaged(why: String) = "damaged",
    }
}

impl From<&Unusable> for KeyProblem {
    fn from(why: &Unusable) -> Self {
        match why {
            Unusable::Expired { at } => Self::Expired(at.rfc3339()[..10].to_owned()),
            Unusable::PartExpired { subkey, need, at } => {
                let part = format!("{subkey} ({})", &at.rfc3339()[..10]);
                match need {
                    Need::Encrypt => Self::EncryptionPartExpired(part),
                    Need::Sign => Self::SigningPartExpired(part),
                }
            }
            Unusable::NotYetValid => Self::NotYetValid,
            Unusable::NoUserId => Self::NoUserId,
            Unusable::NotSupported => Self::NotSupported,
            Unusable::Revoked(Revocation::Hard) => Self::Revoked,
            Unusable::Revoked(Revocation::Soft) => Self::Retired,
            Unusable::TooWeak => Self::TooWeak,
            Unusable::NoEncryptionKey => Self::NoEncryptionKey,
            Unusable::NoSigningKey => Self::NoSigningKey,
        }
    }
}
