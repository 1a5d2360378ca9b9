//! Inline OpenPGP: every leaf is a block, and each is replaced by exactly what it protects.

use sealist_mail::inline::{Leaf, rebuild};
use sealist_mail::{Boundary, Timestamp};

use super::decrypt::decrypt;
use super::verdict::SignatureVerdict;
use super::{Encryption, Limits, Opened, Unreadable, verify};
use crate::certificate::Certificate;
use crate::cleartext::Cleartext;
use crate::dearmor;
use crate::framing::Packets;
use crate::keys::ListKey;

/// Armor removed.
const MAX_BLOCK_OCTETS: usize = 64 * 1024 * 1024;

/// Decrypts all leaves, or the message is unreadable. Leaves that are signed and not encrypted stand in the same
/// armor.
pub(super) fn encrypted(
    message: &[u8],
    leaves: &[Leaf],
    keys: &[&ListKey],
    signers: &[Certificate],
    now: Timestamp,
    limits: Limits,
) -> Opened {
    if leaves.iter().all(|leaf| begins_in_the_clear(&leaf.block)) {
        return signed(message, leaves, signers, now, limits);
    }
    let mut room = limits.max_output_octets;
    let (mut contents, mut verdicts) = (Vec::with_capacity(leaves.len()), Vec::with_capacity(leaves.len()));
    for leaf in leaves {
        let opened = decrypt(leaf.block.clone(), keys, signers, now, Limits { max_output_octets: room });
        let opened = match opened {
            Ok(opened) => opened,
            Err(unreadable) => return Opened::closed(message, Encryption::Unreadable(unreadable)),
        };
        room -= opened.content.len().min(room);
        contents.push(opened.content);
        verdicts.push(opened.verdicts);
    }
    Opened::inline(entity(leaves, &contents), None, Encryption::Whole, of_all(verdicts))
}

/// Verifies all leaves. The blocks stay as they are; what they protect stands beside them.
pub(super) fn signed(
    message: &[u8],
    leaves: &[Leaf],
    signers: &[Certificate],
    now: Timestamp,
    limits: Limits,
) -> Opened {
    let mut room = limits.max_output_octets;
    let (mut contents, mut verdicts) = (Vec::with_capacity(leaves.len()), Vec::with_capacity(leaves.len()));
    for leaf in leaves {
        let Some((text, of_leaf)) = verify::signed_text(&leaf.block, signers, now, room) else {
            return Opened::closed(message, Encryption::Unreadable(Unreadable::NotOpenPgp));
        };
        room -= text.len().min(room);
        contents.push(text);
        verdicts.push(of_leaf);
    }
    let bare = entity(leaves, &contents);
    Opened::inline(Cleartext::new(message.to_vec()), Some(bare), Encryption::None, of_all(verdicts))
}

/// Whether the first packet is a signature, announces one, or is compressed or literal data.
fn begins_in_the_clear(block: &[u8]) -> bool {
    let first = dearmor::to_binary(block, MAX_BLOCK_OCTETS);
    let first = first.and_then(|binary| Packets::new(&binary).next()?.ok().map(|packet| packet.tag));
    matches!(first, Some(2 | 4 | 8 | 11))
}

/// A leaf without a signature leaves the message without one.
fn of_all(verdicts: Vec<Vec<SignatureVerdict>>) -> Vec<SignatureVerdict> {
    if verdicts.iter().any(Vec::is_empty) { Vec::new() } else { verdicts.concat() }
}

fn entity(leaves: &[Leaf], contents: &[Cleartext]) -> Cleartext {
    let contents: Vec<&[u8]> = contents.iter().map(|content| &content[..]).collect();
    Cleartext::new(rebuild(leaves, &contents, &Boundary::from_entropy(crate::random())))
}
