//! What one signature is worth.

use sealist_mail::Timestamp;
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::packet::signature::subpacket::{Subpacket, SubpacketArea, SubpacketTag, SubpacketValue};
use sequoia_openpgp::parse::stream::{GoodChecksum, VerificationError};
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::{Error, Packet};

use super::signers::Signers;
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
    /// Names its recipients, and the list is none of them ([RFC 9580, section 5.2.3.36]): it was carried here.
    ForOthers,
}

impl SignatureVerdict {
    /// The proof, well dated or not.
    pub(super) fn valid(&self) -> Option<&ValidSignature> {
        match self {
            Self::Good(valid) | Self::WrongDate(valid) => Some(valid),
            _ => None,
        }
    }
}

/// Proof that a signature was verified; only this crate makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidSignature {
    certificate: Fingerprint,
    created_at: Timestamp,
    digest: Vec<u8>,
    names_us: bool,
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

    /// Whether it names a key of the list as that of a recipient.
    pub fn names_us(&self) -> bool {
        self.names_us
    }

    /// The signature, with nothing beside what is signed but who made it.
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
    signers: &Signers<'_>,
) -> SignatureVerdict {
    match result {
        Ok(good) => valid(&good, signers).unwrap_or(SignatureVerdict::Bad),
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

fn valid(good: &GoodChecksum<'_>, signers: &Signers<'_>) -> Option<SignatureVerdict> {
    let signature = good.sig;
    let mut recipients = signature.hashed_area().subpackets(SubpacketTag::IntendedRecipient).peekable();
    let here = |subpacket: &Subpacket| matches!(subpacket.value(), SubpacketValue::IntendedRecipient(named) if signers.speak_to(named));
    let named = recipients.peek().is_some();
    if named && !recipients.any(here) {
        return Some(SignatureVerdict::ForOthers);
    }
    let created_at = Timestamp::from_system_time(signature.signature_creation_time()?);
    let proof = ValidSignature {
        certificate: Fingerprint::of(&good.ka.cert().fingerprint()),
        created_at,
        digest: signature.computed_digest()?.to_vec(),
        names_us: named,
        packet: Packet::from(bare(signature, &good.ka.key().fingerprint())?).to_vec().ok()?,
        hash_name: signature.hash_algo().to_string().to_lowercase(),
    };
    Some(if signers.now().0 - created_at.0 <= MAX_AGE_MS {
        SignatureVerdict::Good(proof)
    } else {
        SignatureVerdict::WrongDate(proof)
    })
}

/// The signature without what anybody could have put beside it. By the names of the key that made it readers find that key.
fn bare(signature: &Signature, key: &sequoia_openpgp::Fingerprint) -> Option<Signature> {
    let mut names = vec![Subpacket::new(SubpacketValue::IssuerFingerprint(key.clone()), false).ok()?];
    if signature.version() == 4 {
        names.push(Subpacket::new(SubpacketValue::Issuer(key.into()), false).ok()?);
    }
    let mut bare = signature.clone();
    *bare.unhashed_area_mut() = SubpacketArea::new(names).ok()?;
    Some(bare)
}
