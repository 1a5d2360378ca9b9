//! The verdict on one signature.

use sealist_mail::{DAY_MS, Timestamp};
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::packet::signature::subpacket::{Subpacket, SubpacketArea, SubpacketTag, SubpacketValue};
use sequoia_openpgp::parse::stream::{GoodChecksum, VerificationError};
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::{Error, Packet};

use super::signers::Signers;
use crate::fingerprint::Fingerprint;
use crate::revocation::Revocation;

/// How far a signature may be dated in the future, because clocks differ.
pub(super) const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;
/// Older signatures are held: somebody may have kept the mail back.
const MAX_AGE_MS: i64 = 7 * DAY_MS;

/// The verdict on one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// It is valid and by a certificate of the author.
    Good(ValidSignature),
    /// It is valid, but dated more than a week ago.
    WrongDate(ValidSignature),
    /// It is dated in the future, so it is not valid yet.
    Future,
    /// The signature or the key is expired.
    Expired,
    /// The key was revoked when it signed, or is revoked for all time.
    Revoked(Revocation),
    /// It is by no certificate of the author.
    UnknownKey,
    /// It does not verify, or cannot be read.
    Bad,
    /// It verifies only with algorithms that can be forged.
    TooWeak,
    /// It names its recipients, and the list is not among them ([RFC 9580, section 5.2.3.36]), so somebody
    /// else sent the message here.
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

/// The proof that a signature was verified. Only this crate makes one.
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

    /// The creation time in the signature.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// The signed digest. It stays the same if the signature packet is changed or wrapped differently.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Whether the signature names a key of the list as a recipient's.
    pub fn names_us(&self) -> bool {
        self.names_us
    }

    /// The signature with only the issuer as unsigned data.
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

/// The signature without unsigned data that anybody could have added. The issuer is kept, because programs
/// find the key by it.
fn bare(signature: &Signature, key: &sequoia_openpgp::Fingerprint) -> Option<Signature> {
    let mut names = vec![Subpacket::new(SubpacketValue::IssuerFingerprint(key.clone()), false).ok()?];
    if signature.version() == 4 {
        names.push(Subpacket::new(SubpacketValue::Issuer(key.into()), false).ok()?);
    }
    let mut bare = signature.clone();
    *bare.unhashed_area_mut() = SubpacketArea::new(names).ok()?;
    Some(bare)
}
