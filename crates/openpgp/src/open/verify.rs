//! Verifies signatures with the few certificates of the author.

use memchr::memmem;
use sealist_mail::Timestamp;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationHelper, VerifierBuilder,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::{Cert, KeyHandle, Packet};

use super::budget::{MAX_SIGNATURES, OpeningBudget};
use super::signers::Signers;
use super::verdict::{self, SignatureVerdict};
use crate::cleartext::Cleartext;
use crate::framing::Packets;
use crate::{armor, dearmor};

const SIGNATURE: u8 = 2;
/// The most signatures by the author that are verified over one text. Each may hash all of it.
const MAX_BY_AUTHOR: usize = 4;
/// The most algorithms that a cleartext-signed text may announce. Each hashes all of it.
const MAX_HASH_LINES: usize = 4;
/// How much the library reads ahead. Its default of 25 MiB is zeroed for every message, however small. A
/// smaller buffer is safe, because output is dropped if the end does not prove the integrity.
pub(super) const READ_AHEAD_OCTETS: usize = 64 * 1024;
/// The largest detached signature in octets, without armor.
const MAX_SIGNATURE_OCTETS: usize = 64 * 1024;
/// The largest cleartext-signed block in octets. The library keeps seven copies of it, and people write no
/// larger ones.
const MAX_CLEARTEXT_SIGNED_OCTETS: usize = 4 * 1024 * 1024;

/// The time at which signatures are judged: a little ahead, because clocks differ. A signature or key that
/// expires within that time counts as expired.
pub(super) fn reference(now: Timestamp) -> std::time::SystemTime {
    now.plus_ms(verdict::MAX_AHEAD_MS).to_system_time()
}

/// The verdicts on all signature parts over exactly those bytes.
pub(super) fn all_detached(
    signed: &[u8],
    signatures: &[Vec<u8>],
    signers: &Signers<'_>,
    budget: &mut OpeningBudget,
) -> Vec<SignatureVerdict> {
    let mut packets = Vec::new();
    for signature in signatures {
        let small = Some(signature).filter(|armored| armored.len() <= 2 * MAX_SIGNATURE_OCTETS);
        match small.and_then(|armored| dearmor::to_binary(armored, MAX_SIGNATURE_OCTETS)) {
            Some(binary) => packets.extend_from_slice(&binary),
            None => return vec![SignatureVerdict::Bad],
        }
    }
    verdicts(signed, &packets, signers, budget)
}

/// The verdicts on signature packets over exactly those bytes, in order. Data without a readable signature,
/// or with too many, yields one bad verdict.
pub(super) fn verdicts(
    signed: &[u8],
    packets: &[u8],
    signers: &Signers<'_>,
    budget: &mut OpeningBudget,
) -> Vec<SignatureVerdict> {
    let sorted = sort(packets, signers, budget);
    let mut by_author = if sorted.by_author.is_empty() {
        Vec::new()
    } else {
        over(signed, &sorted.by_author, signers).unwrap_or_default()
    }
    .into_iter();
    let fill = |verdict: Option<_>| verdict.or_else(|| by_author.next()).unwrap_or(SignatureVerdict::Bad);
    let verdicts: Vec<_> = sorted.verdicts.into_iter().map(fill).collect();
    if verdicts.is_empty() { vec![SignatureVerdict::Bad] } else { verdicts }
}

/// Signature packets, sorted by how they are processed.
#[derive(Default)]
struct Sorted {
    /// The verdicts in order. `None`: the signed text must be verified.
    verdicts: Vec<Option<SignatureVerdict>>,
    /// The packets for `None`: those that claim to be by the author.
    by_author: Vec<u8>,
}

fn sort(packets: &[u8], signers: &Signers<'_>, budget: &mut OpeningBudget) -> Sorted {
    let mut sorted = Sorted::default();
    let mut by_author = 0;
    for packet in Packets::new(packets) {
        let signature = match packet {
            Ok(packet) if packet.tag == SIGNATURE && budget.signature().is_ok() => packet.whole,
            _ => {
                sorted.verdicts.push(Some(SignatureVerdict::Bad));
                break;
            }
        };
        sorted.verdicts.push(match Packet::from_bytes(signature) {
            Ok(Packet::Signature(read)) if signers.named(&read.get_issuers()).is_empty() => {
                Some(SignatureVerdict::UnknownKey)
            }
            Ok(Packet::Signature(_)) if by_author < MAX_BY_AUTHOR => {
                by_author += 1;
                sorted.by_author.extend_from_slice(signature);
                None
            }
            _ => Some(SignatureVerdict::Bad),
        });
    }
    sorted
}

fn over(signed: &[u8], packets: &[u8], signers: &Signers<'_>) -> Option<Vec<SignatureVerdict>> {
    let policy = StandardPolicy::new();
    let time = reference(signers.now());
    let helper = Helper { signers, verdicts: Vec::new() };
    let builder = DetachedVerifierBuilder::from_bytes(packets).ok()?;
    let mut verifier = builder.with_policy(&policy, time, helper).ok()?;
    verifier.verify_bytes(signed).ok()?;
    Some(verifier.into_helper().verdicts)
}

/// The text of a cleartext-signed block ([RFC 9580, section 7]) and the verdicts on it. `None` if it is not
/// such a block, or is too large.
pub(super) fn cleartext_signed(
    block: &[u8],
    signers: &Signers<'_>,
    budget: &mut OpeningBudget,
) -> Option<(Cleartext, Vec<SignatureVerdict>)> {
    if block.len() > MAX_CLEARTEXT_SIGNED_OCTETS {
        return None;
    }
    let behind = memmem::rfind(block, b"-----BEGIN PGP SIGNATURE-----")?;
    let (text, armored) = block.split_at(behind);
    let packets = dearmor::to_binary(armored, MAX_SIGNATURE_OCTETS)?;
    let hashes = text.split(|octet| *octet == b'\n').take_while(|line| !line.trim_ascii().is_empty());
    if hashes.take(MAX_HASH_LINES + 2).count() > MAX_HASH_LINES + 1 {
        return None;
    }
    let sorted = sort(&packets, signers, budget);
    if sorted.verdicts.contains(&Some(SignatureVerdict::Bad)) {
        return None;
    }
    // The block is written with the signatures that were parsed, so that the library reads the same ones.
    let block = [text, &armor::block("SIGNATURE", &packets)].concat();
    let policy = StandardPolicy::new();
    let builder = VerifierBuilder::from_bytes(&block).ok()?.buffer_size(READ_AHEAD_OCTETS);
    let time = reference(signers.now());
    let mut verifier = builder.with_policy(&policy, time, Helper { signers, verdicts: Vec::new() }).ok()?;
    let text = read_all(&mut verifier, block.len(), block.len())?;
    let mut verdicts = verifier.into_helper().verdicts;
    if verdicts.is_empty() {
        verdicts.push(SignatureVerdict::Bad);
    }
    Some((text, verdicts))
}

/// Reads to the end, where the integrity is proven. Returns nothing if it is not proven, or beyond the limit.
/// `about_octets` is the expected size.
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

/// Reads to the end without keeping anything, and returns the size. `None` beyond the limit.
pub(super) fn count_all(reader: &mut impl std::io::Read, max_octets: usize) -> Option<usize> {
    let mut piece = Cleartext::with_capacity(READ_AHEAD_OCTETS);
    let mut octets = 0;
    loop {
        match piece.read_from(reader, READ_AHEAD_OCTETS).ok()? {
            0 => return Some(octets),
            read => octets += read,
        }
        if octets > max_octets {
            return None;
        }
        piece.clear();
    }
}

struct Helper<'a> {
    signers: &'a Signers<'a>,
    verdicts: Vec<SignatureVerdict>,
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(self.signers.named(ids))
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            if let MessageLayer::SignatureGroup { results } = layer {
                let signers = self.signers;
                let results = results.into_iter().take(MAX_SIGNATURES);
                self.verdicts.extend(results.map(|result| verdict::of(result, signers)));
            }
        }
        Ok(())
    }
}
