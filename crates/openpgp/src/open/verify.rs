//! Verification against the few certificates that may speak for the author.

use std::io::Read as _;

use sealist_mail::Timestamp;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationHelper, VerifierBuilder,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::{Cert, KeyHandle};

use super::verdict::{self, SignatureVerdict};
use crate::armor;
use crate::certificate::Certificate;
use crate::cleartext::Cleartext;

/// Signatures that are looked at on one message.
pub(super) const MAX_SIGNATURES: usize = 16;
/// Octets of a detached signature, armor removed.
const MAX_SIGNATURE_OCTETS: usize = 64 * 1024;

/// The time at which signatures are judged: a little ahead, because clocks differ. What ends within that little
/// has ended.
pub(super) fn reference(now: Timestamp) -> std::time::SystemTime {
    now.plus_ms(verdict::MAX_AHEAD_MS).to_system_time()
}

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

/// The verdicts on all signature parts over exactly those bytes.
pub(super) fn all_detached(
    signed: &[u8],
    signatures: &[Vec<u8>],
    signers: &[Certificate],
    now: Timestamp,
) -> Vec<SignatureVerdict> {
    let verdicts = signatures.iter().flat_map(|signature| detached(signed, signature, signers, now));
    verdicts.take(MAX_SIGNATURES).collect()
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
        .and_then(|builder| builder.with_policy(&policy, reference(now), helper));
    let Ok(mut verifier) = verifier else {
        return bad();
    };
    if verifier.verify_bytes(signed).is_err() {
        return bad();
    }
    let verdicts = verifier.into_helper().verdicts;
    if verdicts.is_empty() { bad() } else { verdicts }
}

/// The text of a cleartext-signed block ([RFC 9580, section 7]) and the verdicts on it; `None` if it is none.
pub(super) fn cleartext_signed(
    block: &[u8],
    signers: &[Certificate],
    now: Timestamp,
) -> Option<(Cleartext, Vec<SignatureVerdict>)> {
    let policy = StandardPolicy::new();
    let helper = Helper { signers: Signers::new(signers, now), verdicts: Vec::new() };
    let mut verifier =
        VerifierBuilder::from_bytes(block).ok()?.with_policy(&policy, reference(now), helper).ok()?;
    // Never longer than the block, which is bounded.
    let mut text = zeroize::Zeroizing::new(Vec::new());
    verifier.read_to_end(&mut text).ok()?;
    let mut verdicts = verifier.into_helper().verdicts;
    if verdicts.is_empty() {
        verdicts.push(SignatureVerdict::Bad);
    }
    Some((Cleartext::new(std::mem::take(&mut *text)), verdicts))
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
