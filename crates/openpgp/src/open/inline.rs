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

/// Decrypts the one leaf. Leaves that are signed and not encrypted stand in the same armor: of those there may be several.
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
    // Two messages in one mail may be of two people. What the list does about the one would tell of the other.
    let Ok([packets]) = <[_; 1]>::try_from(packets) else {
        return Opened::closed_inline(message, Unreadable::NotAlone);
    };
    // What anybody sees is judged before a secret key is used.
    if let Err(framing) = decrypt::check_framing(&packets, keys, budget) {
        return Opened::closed_inline(message, framing);
    }
    match decrypt::decrypt_packets(packets, keys, signers, now, budget) {
        Ok(Decrypted { content, verdicts }) => {
            Opened::inline(entity(leaves, &[content]), None, Encryption::Whole, vec![verdicts])
        }
        Err(_) => Opened::closed_inline(message, Unreadable::Failed),
    }
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
