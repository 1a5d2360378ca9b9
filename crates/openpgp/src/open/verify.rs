//! Verification against the few certificates that may speak for the author.

use sealist_mail::Timestamp;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::{Cert, KeyHandle};

use super::verdict::{self, SignatureVerdict};
use crate::armor;
use crate::certificate::Certificate;

/// Signatures that are looked at on one message.
pub(super) const MAX_SIGNATURES: usize = 16;
/// Octets of a detached signature, armor removed.
const MAX_SIGNATURE_OCTETS: usize = 64 * 1024;

/// The certificates that count, and the time.
pub(super) struct Signers<'a> {
    certificates: &'a [Certificate],
    now: Timestamp,
}

impl<'a> Signers<'a> {
    pub(super) fn new(certificates: &'a [Certificate], now: Timestamp) -> Self {
        Self { certificates, now }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Those that hold a key of one of the handles.
    pub(super) fn named(&self, handles: &[KeyHandle]) -> Vec<Cert> {
        self.certificates
            .iter()
            .map(Certificate::cert)
            .filter(|cert| {
                cert.keys().any(|key| handles.iter().any(|handle| key.key().key_handle().aliases(handle)))
            })
            .cloned()
            .collect()
    }
}

/// The verdicts on a detached signature over exactly those bytes. Data without a readable signature gives
/// one that is bad.
pub(super) fn detached(
    signed: &[u8],
    signature: &[u8],
    signers: &[Certificate],
    now: Timestamp,
) -> Vec<SignatureVerdict> {
    let bad = || vec![SignatureVerdict::Bad];
    let Some(binary) = armor::to_binary(signature, MAX_SIGNATURE_OCTETS) else {
        return bad();
    };
    let policy = StandardPolicy::new();
    let helper = Helper { signers: Signers::new(signers, now), verdicts: Vec::new() };
    let verifier = DetachedVerifierBuilder::from_bytes(&binary)
        .and_then(|builder| builder.with_policy(&policy, now.to_system_time(), helper));
    let Ok(mut verifier) = verifier else {
        return bad();
    };
    if verifier.verify_bytes(signed).is_err() {
        return bad();
    }
    let verdicts = verifier.into_helper().verdicts;
    if verdicts.is_empty() { bad() } else { verdicts }
}

struct Helper<'a> {
    signers: Signers<'a>,
    verdicts: Vec<SignatureVerdict>,
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(self.signers.named(ids))
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            if let MessageLayer::SignatureGroup { results } = layer {
                let now = self.signers.now();
                self.verdicts
                    .extend(results.into_iter().take(MAX_SIGNATURES).map(|result| verdict::of(result, now)));
            }
        }
        Ok(())
    }
}
