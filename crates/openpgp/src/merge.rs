//! Updates of a certificate: new self-signatures, subkeys, user ids and revocations, from anywhere.
//!
//! Nothing is taken that the primary key did not sign: who brings an update proves nothing and needs not.

use sequoia_openpgp::cert::bundle::ComponentBundle;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::types::SignatureType;
use sequoia_openpgp::{Cert, Packet};

use crate::certificate::{Certificate, CertificateError, MAX_INPUT_OCTETS, MAX_OCTETS};
use crate::dearmor;
use crate::framing::Packets;

/// Self-signatures kept on one component, newest first, and revocations.
const MAX_SELF_SIGNATURES: usize = 32;
const MAX_REVOCATIONS: usize = 8;
/// Revocation certificates in one input.
const MAX_LOOSE_SIGNATURES: usize = 64;

/// Why an update cannot be merged. Each is one plain sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The data is no certificate and no revocation.
    #[error(transparent)]
    Unreadable(#[from] CertificateError),
    /// It is about another key.
    #[error("this belongs to another key")]
    OtherKey,
    /// A revocation that this key did not sign.
    #[error("the revocation was not made by this key")]
    Unverified,
}

impl Certificate {
    /// This certificate with what the data adds: the same certificate again, or revocation certificates for it
    /// or its parts. Only what the primary key signed is taken; the newest self-signatures and all that revoke
    /// stay.
    pub fn merge(&self, data: &[u8]) -> Result<Self, MergeError> {
        let binary = dearmor::to_binary(data, MAX_INPUT_OCTETS).ok_or(CertificateError::NotACertificate)?;
        let loose = matches!(Packets::new(&binary).next(), Some(Ok(packet)) if packet.tag == 2);
        let merged = if loose { self.revoked_by(&binary)? } else { self.updated_by(&binary)? };
        if merged.to_bytes().len() > MAX_OCTETS {
            return Err(CertificateError::TooLarge.into());
        }
        Ok(merged)
    }

    fn updated_by(&self, binary: &[u8]) -> Result<Self, MergeError> {
        let update = Self::read_one(binary)?;
        if update.fingerprint() != self.fingerprint() {
            return Err(MergeError::OtherKey);
        }
        let merged = self.cert().clone().merge_public(update.cert().clone());
        Ok(Self::own(&merged.map_err(|_| MergeError::OtherKey)?)?)
    }

    fn revoked_by(&self, binary: &[u8]) -> Result<Self, MergeError> {
        let revocations = loose_signatures(binary)?;
        let inserted = self.cert().clone().insert_packets(revocations.iter().cloned());
        let (cert, _) = inserted.map_err(|_| MergeError::Unverified)?;
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

    /// The certificate without anything that its primary key did not sign.
    pub(crate) fn own(cert: &Cert) -> Result<Self, CertificateError> {
        let mut packets: Vec<Packet> = vec![cert.primary_key().key().clone().into()];
        packets.extend(signatures_of(cert.primary_key().bundle()));
        for user_id in cert.userids() {
            bound(user_id.userid().clone().into(), signatures_of(user_id.bundle()), &mut packets);
        }
        for subkey in cert.keys().subkeys() {
            bound(subkey.key().clone().into(), signatures_of(subkey.bundle()), &mut packets);
        }
        let cert = Cert::from_packets(packets.into_iter()).map_err(|_| CertificateError::NotACertificate)?;
        Self::writable(cert)
    }
}

fn bound(component: Packet, signatures: Vec<Packet>, packets: &mut Vec<Packet>) {
    if !signatures.is_empty() {
        packets.push(component);
        packets.extend(signatures);
    }
}

/// Revocations by themselves, so that no flood of self-signatures hides them.
fn signatures_of<C>(component: &ComponentBundle<C>) -> Vec<Packet> {
    let revocations = component.self_revocations().take(MAX_REVOCATIONS);
    let signatures = component.self_signatures().take(MAX_SELF_SIGNATURES);
    revocations.chain(signatures).cloned().map(Packet::from).collect()
}

fn loose_signatures(binary: &[u8]) -> Result<Vec<Signature>, MergeError> {
    let mut found = Vec::new();
    for packet in Packets::new(binary) {
        let packet = packet.map_err(|_| CertificateError::NotACertificate)?;
        if found.len() == MAX_LOOSE_SIGNATURES {
            return Err(CertificateError::TooLarge.into());
        }
        match Packet::from_bytes(packet.whole) {
            Ok(Packet::Signature(signature)) if revokes(&signature) => found.push(signature),
            _ => return Err(CertificateError::NotACertificate.into()),
        }
    }
    Ok(found)
}

fn revokes(signature: &Signature) -> bool {
    use SignatureType::{CertificationRevocation, KeyRevocation, SubkeyRevocation};
    matches!(signature.typ(), KeyRevocation | SubkeyRevocation | CertificationRevocation)
}
