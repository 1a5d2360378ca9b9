//! Why the key of a person cannot be used, for that person to read.

use sealist_openpgp::{Need, Revocation, Unusable};

use crate::sentences::sentences;

sentences! {
    /// Why a key cannot be used.
    pub enum KeyProblem {
        /// Its validity ended on that day.
        Expired(day: String) = "expired",
        /// The part that others encrypt to ended: its fingerprint, and the day.
        EncryptionPartExpired(part: String) = "encryption-part-expired",
        /// The part that signs ended: its fingerprint, and the day.
        SigningPartExpired(part: String) = "signing-part-expired",
        /// Revoked for good.
        Revoked = "revoked",
        /// Revoked as retired or replaced.
        Retired = "retired",
        /// Made after now.
        NotYetValid = "not-yet-valid",
        /// No user id that the key signed.
        NoUserId = "no-user-id",
        /// An algorithm that this server does not have.
        NotSupported = "not-supported",
        /// Algorithms or self-signatures that count no more.
        TooWeak = "too-weak",
        /// No part to encrypt to.
        NoEncryptionKey = "no-encryption-key",
        /// No part to sign with.
        NoSigningKey = "no-signing-key",
        /// The user ids with that address count no more.
        OtherAddress(address: String) = "other-address",
        /// It cannot be read any more; and why, in English.
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
