//! What one signature is worth.

use sealist_mail::Timestamp;
use sequoia_openpgp::Error;
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::stream::{GoodChecksum, VerificationError};
use sequoia_openpgp::serialize::SerializeInto as _;

use crate::fingerprint::Fingerprint;
use crate::revocation::Revocation;

/// A signature may be dated so much ahead of our clock.
pub(super) const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;
/// Older ones are held: the mail took a way that somebody may have chosen.
const MAX_AGE_MS: i64 = 7 * 24 * 3600 * 1000;

/// The verdict on one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// Valid by a certificate of the author.
    Good(ValidSignature),
    /// Valid, but dated more than a week ago.
    WrongDate(ValidSignature),
    /// Dated in the future: not valid yet.
    Future,
    /// The signature or the key is expired.
    Expired,
    /// The key was revoked when it signed, or for all time.
    Revoked(Revocation),
    /// By no certificate that may speak for the author.
    UnknownKey,
    /// Does not verify, or cannot be read.
    Bad,
    /// Verifies only by algorithms that can be forged.
    TooWeak,
}

/// Proof that a signature was verified; only this crate makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidSignature {
    certificate: Fingerprint,
    created_at: Timestamp,
    digest: Vec<u8>,
    packet: Vec<u8>,
    hash_name: String,
}

impl ValidSignature {
    /// The certificate whose key signed.
    pub fn certificate(&self) -> &Fingerprint {
        &self.certificate
    }

    /// When, as the signature says.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// The digest that was signed: the same however the signature packet is altered or wrapped.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    pub(super) fn packet(&self) -> &[u8] {
        &self.packet
    }

    /// `pgp-sha512`: the micalg parameter ([RFC 3156, section 5]).
    pub(super) fn micalg(&self) -> String {
        format!("pgp-{}", self.hash_name)
    }
}

pub(super) fn of(
    result: Result<GoodChecksum<'_>, VerificationError<'_>>,
    now: Timestamp,
) -> SignatureVerdict {
    match result {
        Ok(good) => valid(good.sig, &good.ka.cert().fingerprint(), now).unwrap_or(SignatureVerdict::Bad),
        Err(VerificationError::MissingKey { .. }) => SignatureVerdict::UnknownKey,
        Err(VerificationError::BadKey { sig, ka, error }) => {
            let at = sig.signature_creation_time();
            let policy = sequoia_openpgp::policy::StandardPolicy::new();
            let of_key = Revocation::of(&ka.revocation_status());
            of_key
                .or_else(|| Revocation::of(&ka.cert().revocation_status(&policy, at)))
                .map_or_else(|| by_error(&error), SignatureVerdict::Revoked)
        }
        Err(VerificationError::UnboundKey { error, .. } | VerificationError::BadSignature { error, .. }) => {
            by_error(&error)
        }
        Err(_) => SignatureVerdict::Bad,
    }
}

fn by_error(error: &anyhow::Error) -> SignatureVerdict {
    match error.downcast_ref::<Error>() {
        Some(Error::Expired(_)) => SignatureVerdict::Expired,
        Some(Error::NotYetLive(_)) => SignatureVerdict::Future,
        Some(Error::PolicyViolation(..)) => SignatureVerdict::TooWeak,
        _ => SignatureVerdict::Bad,
    }
}

fn valid(
    signature: &Signature,
    certificate: &sequoia_openpgp::Fingerprint,
    now: Timestamp,
) -> Option<SignatureVerdict> {
    let created_at = Timestamp::from_system_time(signature.signature_creation_time()?);
    let proof = ValidSignature {
        certificate: Fingerprint::of(certificate),
        created_at,
        digest: signature.computed_digest()?.to_vec(),
        packet: sequoia_openpgp::Packet::from(signature.clone()).to_vec().ok()?,
        hash_name: signature.hash_algo().to_string().to_lowercase(),
    };
    Some(if now.0 - created_at.0 <= MAX_AGE_MS {
        SignatureVerdict::Good(proof)
    } else {
        SignatureVerdict::WrongDate(proof)
    })
}
