//! Why a certificate cannot be used: the true reason, so that its holder can fix it.

use std::time::UNIX_EPOCH;

use sealist_mail::Timestamp;
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::ValidCert;
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::cert::amalgamation::key::{PrimaryKey as _, ValidErasedKeyAmalgamation};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{KeyRole, PublicParts};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::RevocationStatus;

use crate::fingerprint::Fingerprint;
use crate::revocation::Revocation;

/// Why a certificate cannot be used now. Each error is one plain sentence for the holder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It has expired.
    #[error("the key expired on {}", &at.rfc3339()[..10])]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// The subkey that is needed has expired; the key itself has not.
    #[error("subkey {subkey}, which {need}, expired on {}", &at.rfc3339()[..10])]
    PartExpired {
        /// The subkey.
        subkey: Fingerprint,
        /// What it is needed for.
        need: Need,
        /// When.
        at: Timestamp,
    },
    /// Its owner revoked it.
    #[error("{}", .0.sentence())]
    Revoked(Revocation),
    /// Its parts or self-signatures were created in the future.
    #[error("the key was made in the future: check the clock of your computer, and make it anew")]
    NotYetValid,
    /// It has no user id that the key signed. Keyservers that verify addresses leave unconfirmed user ids
    /// out.
    #[error(
        "the key has no user id that it signed itself; keys.openpgp.org gives keys out like that: send it as your own program exports it"
    )]
    NoUserId,
    /// The policy no longer accepts its algorithms or self-signatures.
    #[error("the key or its self-signatures use algorithms that are too weak")]
    TooWeak,
    /// This server does not support the algorithm or curve.
    #[error("the key uses an algorithm that is not supported here: make a new one")]
    NotSupported,
    /// It has no encryption subkey.
    #[error("the key has no valid part that others can encrypt to")]
    NoEncryptionKey,
    /// It has no signing key.
    #[error("the key has no valid part that can sign")]
    NoSigningKey,
}

/// What a part of a key is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To encrypt to it.
    Encrypt,
    /// To sign with it.
    Sign,
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Encrypt => "others encrypt to",
            Self::Sign => "signs",
        })
    }
}

impl Unusable {
    /// Whether the holder can fix it by extending a part, without a new key.
    pub fn is_mended_by_its_holder(&self) -> bool {
        matches!(self, Self::Expired { .. } | Self::PartExpired { .. })
    }
}

/// Why the library finds no valid certificate.
pub(crate) fn why_not_valid(cert: &Cert, now: Timestamp) -> Unusable {
    let lenient = StandardPolicy::at(UNIX_EPOCH);
    let made = Timestamp::from_system_time(cert.primary_key().key().creation_time());
    if made > now {
        return Unusable::NotYetValid;
    }
    if !is_known(cert.primary_key().key()) {
        return Unusable::NotSupported;
    }
    let direct = cert.primary_key().self_signatures().next().is_some();
    if !direct && cert.userids().all(|user_id| user_id.self_signatures().next().is_none()) {
        return Unusable::NoUserId;
    }
    match cert.with_policy(&lenient, now.to_system_time()) {
        Ok(_) => Unusable::TooWeak,
        Err(_) => Unusable::NotYetValid,
    }
}

/// Why no part of a valid certificate can be used for `need`.
pub(crate) fn why_no_part(valid: &ValidCert<'_>, need: Need, now: Timestamp) -> Unusable {
    let expired = candidates(valid, need).filter_map(|key| {
        let at = Timestamp::from_system_time(key.key_expiration_time()?);
        (at <= now).then_some((at, key))
    });
    if let Some((at, key)) = expired.max_by_key(|(at, _)| *at) {
        let subkey = Fingerprint::of(&key.key().fingerprint());
        return if key.primary() {
            Unusable::Expired { at }
        } else {
            Unusable::PartExpired { subkey, need, at }
        };
    }
    if candidates(valid, need).any(|key| !is_known(key.key())) {
        return Unusable::NotSupported;
    }
    let lenient = StandardPolicy::at(UNIX_EPOCH);
    let under_lenient = valid.cert().with_policy(&lenient, now.to_system_time());
    let any = |valid: &ValidCert<'_>| {
        let found = candidates(valid, need).find(|key| key.alive().is_ok());
        found.map(|key| if is_known(key.key()) { Unusable::TooWeak } else { Unusable::NotSupported })
    };
    under_lenient.ok().and_then(|valid| any(&valid)).unwrap_or(match need {
        Need::Encrypt => Unusable::NoEncryptionKey,
        Need::Sign => Unusable::NoSigningKey,
    })
}

/// Whether this server supports the algorithm and the curve.
fn is_known<R: KeyRole>(key: &Key<PublicParts, R>) -> bool {
    use sequoia_openpgp::crypto::mpi::PublicKey::{ECDH, ECDSA, EdDSA};
    let is_curve = match key.mpis() {
        ECDH { curve, .. } | ECDSA { curve, .. } | EdDSA { curve, .. } => curve.is_supported(),
        _ => true,
    };
    is_curve && key.pk_algo().is_supported()
}

/// Parts for that purpose that are not revoked, including expired ones.
fn candidates<'a>(
    valid: &'a ValidCert<'a>,
    need: Need,
) -> impl Iterator<Item = ValidErasedKeyAmalgamation<'a, PublicParts>> {
    let keys = valid.keys().revoked(false);
    match need {
        Need::Encrypt => keys.for_transport_encryption().for_storage_encryption(),
        Need::Sign => keys.for_signing(),
    }
}

/// The subkeys that the holder must extend together with the key: of each kind the valid ones or, if there is
/// none, the one that expired last. Subkeys without expiry need nothing.
pub(crate) fn to_prolong(cert: &Cert, now: Timestamp) -> Vec<Fingerprint> {
    let policy = StandardPolicy::new();
    // An expired primary key must not hide its subkeys here.
    let Ok(valid) = cert.with_policy(&policy, now.to_system_time()) else { return Vec::new() };
    let mut found: Vec<Fingerprint> = Vec::new();
    for need in [Need::Encrypt, Need::Sign] {
        let ends = |key: &ValidErasedKeyAmalgamation<'_, PublicParts>| {
            key.key_expiration_time().map_or(i64::MAX, |at| Timestamp::from_system_time(at).0)
        };
        let all: Vec<_> = candidates(&valid, need).collect();
        let last = all.iter().map(ends).max().unwrap_or_default();
        let due = all.iter().filter(|key| ends(key) > now.0 || ends(key) == last);
        for key in due.filter(|key| !key.primary() && ends(key) != i64::MAX) {
            let fingerprint = Fingerprint::of(&key.key().fingerprint());
            if !matches!(key.revocation_status(), RevocationStatus::Revoked(_))
                && !found.contains(&fingerprint)
            {
                found.push(fingerprint);
            }
        }
    }
    found
}
