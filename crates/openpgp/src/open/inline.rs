//! Inline OpenPGP: every leaf is a block, and each is replaced by exactly what it protects.

use sealist_mail::inline::{Leaf, rebuild};
use sealist_mail::{Boundary, Timestamp};

use super::budget::Budget;
use super::decrypt::Decrypted;
use super::verdict::SignatureVerdict;
use super::{Encryption, Opened, Unreadable, contents, decrypt, verify};
use crate::certificate::Certificate;
use crate::cleartext::Cleartext;
use crate::dearmor;
use crate::framing::Packets;
use crate::keys::ListKey;

/// Decrypts all leaves, or the message is unreadable. Leaves that are signed and not encrypted stand in the same
/// armor.
pub(super) fn encrypted(
    message: &[u8],
    leaves: &[Leaf],
    keys: &[&ListKey],
    signers: &[Certificate],
    now: Timestamp,
    budget: &mut Budget,
) -> Opened {
    let packets = leaves.iter().map(|leaf| dearmor::to_binary(&leaf.block, decrypt::MAX_OCTETS));
    let Some(packets) = packets.collect::<Option<Vec<_>>>() else {
        return Opened::closed_inline(message, Unreadable::NotOpenPgp);
    };
    if packets.iter().all(|packets| begins_in_the_clear(packets)) {
        let signed = packets.into_iter().map(|packets| {
            let found = contents::contents(Cleartext::new(packets), budget)?;
            let verdicts = verify::verdicts(&found.content, &found.signatures, signers, now, budget);
            Some((found.content, verdicts))
        });
        return beside(message, leaves, signed.collect());
    }
    // What anybody sees, of all leaves, before a secret key is used; then all are tried, so that one answer tells
    // nothing of another.
    let framing: Result<(), _> =
        packets.iter().try_for_each(|packets| decrypt::check_framing(packets, keys, budget));
    if let Err(framing) = framing {
        return Opened::closed_inline(message, framing);
    }
    let opened: Vec<Result<Decrypted, Unreadable>> = packets
        .into_iter()
        .map(|packets| decrypt::decrypt_packets(packets, keys, signers, now, budget))
        .collect();
    let Ok(opened) = opened.into_iter().collect::<Result<Vec<_>, _>>() else {
        return Opened::closed_inline(message, Unreadable::Failed);
    };
    let (contents, verdicts): (Vec<_>, Vec<_>) =
        opened.into_iter().map(|opened| (opened.content, opened.verdicts)).unzip();
    Opened::inline(entity(leaves, &contents), None, Encryption::Whole, verdicts)
}

/// Verifies all leaves, which are cleartext-signed.
pub(super) fn signed(
    message: &[u8],
    leaves: &[Leaf],
    signers: &[Certificate],
    now: Timestamp,
    budget: &mut Budget,
) -> Opened {
    let texts = leaves.iter().map(|leaf| verify::cleartext_signed(&leaf.block, signers, now, budget));
    beside(message, leaves, texts.collect())
}

/// The blocks stay as they are; what they protect stands beside them.
fn beside(message: &[u8], leaves: &[Leaf], texts: Option<Vec<(Cleartext, Vec<SignatureVerdict>)>>) -> Opened {
    let Some(texts) = texts else {
        return Opened::closed_inline(message, Unreadable::NotOpenPgp);
    };
    let (contents, verdicts): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
    let bare = entity(leaves, &contents);
    Opened::inline(Cleartext::new(message.to_vec()), Some(bare), Encryption::None, verdicts)
}

/// Whether the first packet is a signature, announces one, or is compressed or literal data.
fn begins_in_the_clear(packets: &[u8]) -> bool {
    let first = Packets::new(packets).next().and_then(Result::ok).map(|packet| packet.tag);
    matches!(first, Some(2 | 4 | 8 | 11))
}

fn entity(leaves: &[Leaf], contents: &[Cleartext]) -> Cleartext {
    let contents: Vec<&[u8]> = contents.iter().map(|content| &content[..]).collect();
    Cleartext::new(rebuild(leaves, &contents, &Boundary::from_entropy(crate::random())))
}
