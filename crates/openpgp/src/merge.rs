//! Merges updates into a certificate: new self-signatures, subkeys, user ids and revocations, from any
//! source.
//!
//! Only data that the primary key signed is accepted, so whoever brings an update need not prove anything.

use sequoia_openpgp::cert::bundle::ComponentBundle;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::packet::signature::subpacket::{SubpacketArea, SubpacketTag};
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::types::SignatureType;
use sequoia_openpgp::{Cert, Packet};

use crate::certificate::{Certificate, CertificateError};
use crate::filter;
use crate::framing::Packets;
use crate::key_material::KeyMaterial;
use crate::limits::MAX_CERTIFICATE_OCTETS;
use crate::revocation::Revocation;
use crate::verification_cost::{MAX_US, verification_us};

/// The most self-signatures that are kept on one component: the newest ones, and revocations.
const MAX_SELF_SIGNATURES: usize = 32;
const MAX_REVOCATIONS: usize = 8;
/// The most unsigned subpackets of one signature.
const MAX_UNSIGNED: usize = 4;
/// The most separate revocations in one update.
const MAX_LOOSE_SIGNATURES: usize = 64;

/// Why an update cannot be merged. Each error is one plain sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The data is neither a certificate nor a revocation.
    #[error(transparent)]
    Unreadable(#[from] CertificateError),
    /// The update is for another key.
    #[error("this belongs to another key")]
    OtherKey,
    /// The revocation is not signed by this key.
    #[error("the revocation was not made by this key")]
    Unverified,
}

impl Certificate {
    /// This certificate with the additions in the data: a newer version of the certificate, or revocations of
    /// it or its parts. Only data that the primary key signed is accepted. The newest self-signatures and all
    /// revocations are kept.
    pub fn merge(&self, data: &[u8]) -> Result<Self, MergeError> {
        let brought = KeyMaterial::of(&[data.to_vec()]);
        match (&brought.unreadable, &brought.certificates[..]) {
            (Some(why), _) => Err(why.clone().into()),
            (None, [_, _, ..]) => Err(CertificateError::Several.into()),
            _ => self.merge_all(&brought),
        }
    }

    /// Like [`Self::merge`], for all received data. The signatures are verified once, however many pieces
    /// there are.
    pub fn merge_all(&self, brought: &KeyMaterial) -> Result<Self, MergeError> {
        let mut cert = self.cert().clone();
        for update in &brought.certificates {
            if update.fingerprint() != self.fingerprint() {
                return Err(MergeError::OtherKey);
            }
            cert = cert.merge_public(update.cert().clone()).map_err(|_| MergeError::OtherKey)?;
        }
        let revocations = loose_signatures(&brought.revocations)?;
        if verification_us_with(&cert) * revocations.len() as u64 > MAX_US {
            return Err(CertificateError::TooCostly.into());
        }
        let inserted = cert.insert_packets(revocations.iter().cloned());
        let (cert, _) = inserted.map_err(|_| MergeError::Unverified)?;
        // Room is made for a revocation, because somebody who stole the key must not be able to fill it up.
        let merged = Self::own(&cert)?;
        let kept = |revocation: &Signature| {
            merged
                .cert()
                .clone()
                .into_packets()
                .any(|packet| matches!(packet, Packet::Signature(one) if one.normalized_eq(revocation)))
        };
        if revocations.iter().all(kept) { Ok(merged) } else { Err(MergeError::Unverified) }
    }

    /// The certificate with only what its primary key signed, within the size limit. If it is too large, each
    /// part keeps only its newest self-signature and its worst revocation; in the last step only those of the
    /// primary key are kept.
    pub(crate) fn own(cert: &Cert) -> Result<Self, CertificateError> {
        let mut why = CertificateError::TooLarge;
        for (keep, parts) in STEPS {
            let own = Self::kept(cert, keep, parts)?;
            let binary = own.to_bytes();
            why = match binary.len() {
                ..=MAX_CERTIFICATE_OCTETS if filter::cost_us(&binary) <= MAX_US => return Ok(own),
                ..=MAX_CERTIFICATE_OCTETS => CertificateError::TooCostly,
                _ => CertificateError::TooLarge,
            };
        }
        Err(why)
    }

    fn kept(cert: &Cert, keep: Keep, parts: KeptParts) -> Result<Self, CertificateError> {
        let mut packets: Vec<Packet> = vec![cert.primary_key().key().clone().into()];
        packets.extend(signatures_of(cert.primary_key().bundle(), keep));
        for user_id in cert.userids().filter(|_| parts == KeptParts::All) {
            bound(user_id.userid().clone().into(), signatures_of(user_id.bundle(), keep), &mut packets);
        }
        for subkey in cert.keys().subkeys().filter(|_| parts == KeptParts::All) {
            bound(subkey.key().clone().into(), signatures_of(subkey.bundle(), keep), &mut packets);
        }
        let cert = Cert::from_packets(packets.into_iter()).map_err(|_| CertificateError::NotACertificate)?;
        Self::writable(cert)
    }
}

/// How much of one part is kept.
#[derive(Clone, Copy)]
struct Keep {
    signatures: usize,
    revocations: usize,
}

const MANY: Keep = Keep { signatures: MAX_SELF_SIGNATURES, revocations: MAX_REVOCATIONS };
const SOME: Keep = Keep { signatures: 4, revocations: 2 };
const FEW: Keep = Keep { signatures: 1, revocations: 1 };
/// The steps that are tried until the rest is small enough.
const STEPS: [(Keep, KeptParts); 4] =
    [(MANY, KeptParts::All), (SOME, KeptParts::All), (FEW, KeptParts::All), (FEW, KeptParts::Primary)];

/// Which parts of a certificate are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeptParts {
    All,
    Primary,
}

fn bound(component: Packet, signatures: Vec<Packet>, packets: &mut Vec<Packet>) {
    if !signatures.is_empty() {
        packets.push(component);
        packets.extend(signatures);
    }
}

/// Revocations come first, and hard ones before soft ones, so that no flood of self-signatures or soft
/// revocations hides one. Unsigned data is dropped, because anybody could have added it.
fn signatures_of<C>(component: &ComponentBundle<C>, keep: Keep) -> Vec<Packet> {
    let hard = |signature: &&Signature| Revocation::worst(&[*signature]) == Revocation::Hard;
    let (hard, soft): (Vec<&Signature>, Vec<&Signature>) = component.self_revocations().partition(hard);
    let revocations = hard.into_iter().chain(soft).take(keep.revocations);
    let signatures = component.self_signatures().take(keep.signatures);
    revocations.chain(signatures).map(|signature| bare(signature.clone()).into()).collect()
}

/// The signature with only the issuer and an embedded signature as unsigned data.
fn bare(mut signature: Signature) -> Signature {
    use SubpacketTag::{EmbeddedSignature, Issuer, IssuerFingerprint};
    let area = signature.unhashed_area().iter();
    let kept = area.filter(|one| matches!(one.tag(), Issuer | IssuerFingerprint | EmbeddedSignature));
    let kept: Vec<_> = kept.take(MAX_UNSIGNED).cloned().collect();
    if let Ok(area) = SubpacketArea::new(kept) {
        *signature.unhashed_area_mut() = area;
    }
    signature
}

/// The signatures in all pieces, up to the limit.
fn loose_signatures(pieces: &[Vec<u8>]) -> Result<Vec<Signature>, MergeError> {
    let mut found: Vec<Signature> = Vec::new();
    for packet in pieces.iter().flat_map(|piece| Packets::new(piece)) {
        let packet = packet.map_err(|_| CertificateError::NotACertificate)?;
        if found.len() == MAX_LOOSE_SIGNATURES {
            return Err(CertificateError::TooLarge.into());
        }
        match Packet::from_bytes(packet.whole) {
            Ok(Packet::Signature(one)) if revokes(&one) && !found.contains(&one) => found.push(one),
            Ok(Packet::Signature(one)) if revokes(&one) => {}
            _ => return Err(CertificateError::NotACertificate.into()),
        }
    }
    Ok(found)
}

/// The cost in µs of one verification with the primary key.
fn verification_us_with(cert: &Cert) -> u64 {
    let packet = Packet::from(cert.primary_key().key().clone()).to_vec().unwrap_or_default();
    let first = Packets::new(&packet).next();
    first.and_then(Result::ok).map_or(MAX_US, |packet| verification_us(packet.body))
}

fn revokes(signature: &Signature) -> bool {
    use SignatureType::{CertificationRevocation, KeyRevocation, SubkeyRevocation};
    matches!(signature.typ(), KeyRevocation | SubkeyRevocation | CertificationRevocation)
}
