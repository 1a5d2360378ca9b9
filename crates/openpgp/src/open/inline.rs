//! Inline OpenPGP: every leaf is a block, and each block is replaced by exactly what it protects.

use sealist_mail::Boundary;
use sealist_mail::inline::{InlineBlock, rebuild};

use super::budget::OpeningBudget;
use super::decrypt::Decrypted;
use super::signers::Signers;
use super::verdict::SignatureVerdict;
use super::{Encryption, Opened, Unreadable, contents, decrypt, verify};
use crate::cleartext::Cleartext;
use crate::dearmor;
use crate::framing::Packets;

/// Decrypts the only leaf. Leaves that are signed but not encrypted have the same armor; of those there may
/// be several.
pub(super) fn encrypted(
    message: &[u8],
    leaves: &[InlineBlock],
    signers: &Signers<'_>,
    budget: &mut OpeningBudget,
) -> Opened {
    budget.inline(leaves.len());
    let packets = leaves.iter().map(|leaf| dearmor::to_binary(&leaf.block, decrypt::MAX_OCTETS));
    let Some(packets) = packets.collect::<Option<Vec<_>>>() else {
        return Opened::closed_inline(message, Unreadable::NotOpenPgp);
    };
    if packets.iter().all(|packets| begins_in_the_clear(packets)) {
        let signed = packets.into_iter().map(|packets| {
            let found = contents::contents(Cleartext::new(packets), budget)?;
            let verdicts = verify::verdicts(&found.content, &found.signatures, signers, budget);
            Some((found.content, verdicts))
        });
        return beside(message, leaves, signed.collect());
    }
    // Two messages in one mail may be by two people, and the list's reaction to one would reveal something
    // about the other.
    let Ok([packets]) = <[_; 1]>::try_from(packets) else {
        return Opened::closed_inline(message, Unreadable::NotAlone);
    };
    // Public data is checked before a secret key is used.
    if let Err(framing) = decrypt::check_framing(&packets, signers.keys(), budget) {
        return Opened::closed_inline(message, framing);
    }
    match decrypt::decrypt_packets(packets, signers, budget) {
        Ok(Decrypted { content, verdicts }) => {
            Opened::inline(entity(leaves, &[content]), Encryption::Whole, vec![verdicts])
        }
        Err(_) => Opened::closed_inline(message, Unreadable::Failed),
    }
}

/// Verifies all leaves, which are cleartext-signed.
pub(super) fn signed(
    message: &[u8],
    leaves: &[InlineBlock],
    signers: &Signers<'_>,
    budget: &mut OpeningBudget,
) -> Opened {
    let texts = leaves.iter().map(|leaf| verify::cleartext_signed(&leaf.block, signers, budget));
    beside(message, leaves, texts.collect())
}

/// Keeps only what the blocks protect.
fn beside(
    message: &[u8],
    leaves: &[InlineBlock],
    texts: Option<Vec<(Cleartext, Vec<SignatureVerdict>)>>,
) -> Opened {
    let Some(texts) = texts else {
        return Opened::closed_inline(message, Unreadable::NotOpenPgp);
    };
    let (contents, verdicts): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
    Opened::inline(entity(leaves, &contents), Encryption::None, verdicts)
}

/// Whether no leaf is encrypted.
pub(super) fn all_in_the_clear(leaves: &[InlineBlock]) -> bool {
    let packets = |leaf: &InlineBlock| dearmor::to_binary(&leaf.block, decrypt::MAX_OCTETS);
    leaves.iter().all(|leaf| packets(leaf).is_some_and(|packets| begins_in_the_clear(&packets)))
}

/// Whether the first packet is a signature or announces one, or is compressed or literal data.
fn begins_in_the_clear(packets: &[u8]) -> bool {
    let first = Packets::new(packets).next().and_then(Result::ok).map(|packet| packet.tag);
    matches!(first, Some(2 | 4 | 8 | 11))
}

fn entity(leaves: &[InlineBlock], contents: &[Cleartext]) -> Cleartext {
    let contents: Vec<&[u8]> = contents.iter().map(|content| &content[..]).collect();
    Cleartext::new(rebuild(leaves, &contents, &Boundary::from_entropy(crate::random())))
}
