//! Verification against the few certificates that may speak for the author.

use sealist_mail::Timestamp;
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationHelper, VerifierBuilder,
};
use sequoia_openpgp::parse::{PacketParser, Parse as _};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::{Cert, KeyHandle, Packet};

use super::verdict::{self, SignatureVerdict};
use crate::certificate::Certificate;
use crate::cleartext::Cleartext;
use crate::dearmor;

/// Signatures that are looked at on one message.
pub(super) const MAX_SIGNATURES: usize = 16;
/// Signature packets in one message, those that announce a signature included; with more it is not read.
const MAX_SIGNATURE_PACKETS: usize = 2 * MAX_SIGNATURES;
/// Packets in one message, those before the encryption included.
const MAX_PACKETS: usize = 4_096;
/// What the library reads ahead. Its own choice of 25 MiB is zeroed for each message, however small. Nothing is
/// lost by less: what comes out before the end is dropped when the end does not prove its integrity.
pub(super) const READ_AHEAD_OCTETS: usize = 64 * 1024;
/// Octets of a detached signature, armor removed.
const MAX_SIGNATURE_OCTETS: usize = 64 * 1024;

/// The time at which signatures are judged: a little ahead, because clocks differ. What ends within that little
/// has ended.
pub(super) fn reference(now: Timestamp) -> std::time::SystemTime {
    now.plus_ms(verdict::MAX_AHEAD_MS).to_system_time()
}

/// Counts what costs: the library's work grows with the square of the signatures on a message, also of those that it
/// cannot read.
#[derive(Default)]
pub(super) struct Flood {
    packets: usize,
    signatures: usize,
}

impl Flood {
    /// Looks at the next packet; errs beyond the limits.
    pub(super) fn meet(&mut self, packet: &Packet) -> sequoia_openpgp::Result<()> {
        self.packets += 1;
        self.signatures += usize::from(matches!(packet.tag(), Tag::Signature | Tag::OnePassSig));
        if self.packets > MAX_PACKETS || self.signatures > MAX_SIGNATURE_PACKETS {
            return Err(sequoia_openpgp::Error::MalformedMessage("too many packets".into()).into());
        }
        Ok(())
    }
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
    let Some(binary) = dearmor::to_binary(signature, MAX_SIGNATURE_OCTETS) else {
        return bad();
    };
    let policy = StandardPolicy::new();
    let helper =
        Helper { signers: Signers::new(signers, now), flood: Flood::default(), verdicts: Vec::new() };
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

/// The text of a signed block, cleartext-signed ([RFC 9580, section 7]) or a signed message, and the verdicts on it;
/// `None` if it is none, or longer than `max_octets`.
pub(super) fn signed_text(
    block: &[u8],
    signers: &[Certificate],
    now: Timestamp,
    max_octets: usize,
) -> Option<(Cleartext, Vec<SignatureVerdict>)> {
    let policy = StandardPolicy::new();
    let helper =
        Helper { signers: Signers::new(signers, now), flood: Flood::default(), verdicts: Vec::new() };
    let builder = VerifierBuilder::from_bytes(block).ok()?.buffer_size(READ_AHEAD_OCTETS);
    let mut verifier = builder.with_policy(&policy, reference(now), helper).ok()?;
    let text = read_all(&mut verifier, block.len(), max_octets)?;
    let mut verdicts = verifier.into_helper().verdicts;
    if verdicts.is_empty() {
        verdicts.push(SignatureVerdict::Bad);
    }
    Some((text, verdicts))
}

/// Reads to the end, where integrity is proven; nothing comes out otherwise, or beyond the limit. `about_octets`: what
/// can be expected.
pub(super) fn read_all(
    reader: &mut impl std::io::Read,
    about_octets: usize,
    max_octets: usize,
) -> Option<Cleartext> {
    let mut content = Cleartext::with_capacity(about_octets.min(max_octets) + READ_AHEAD_OCTETS);
    while content.read_from(reader, READ_AHEAD_OCTETS).ok()? > 0 {
        if content.len() > max_octets {
            return None;
        }
    }
    Some(content)
}

struct Helper<'a> {
    signers: Signers<'a>,
    flood: Flood,
    verdicts: Vec<SignatureVerdict>,
}

impl VerificationHelper for Helper<'_> {
    fn inspect(&mut self, parser: &PacketParser<'_>) -> sequoia_openpgp::Result<()> {
        self.flood.meet(&parser.packet)
    }

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
