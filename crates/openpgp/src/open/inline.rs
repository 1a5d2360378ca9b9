//! Inline OpenPGP: every leaf is a block, and each is replaced by exactly what it protects.

use sealist_mail::inline::{Leaf, rebuild};
use sealist_mail::{Boundary, Timestamp};

use super::decrypt::Decrypted;
use super::{Encryption, Limits, Opened, Unreadable, decrypt, verify};
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
    limits: Limits,
) -> Opened {
    if leaves.iter().all(|leaf| begins_in_the_clear(&leaf.block, limits)) {
        return signed(message, leaves, signers, now, limits);
    }
    // What anybody sees, of all leaves, before a secret key is used; then all are tried, so that one answer tells
    // nothing of another.
    let packets = leaves.iter().map(|leaf| decrypt::packets(&leaf.block, keys, limits));
    let packets = match packets.collect::<Result<Vec<_>, _>>() {
        Ok(packets) => packets,
        Err(framing) => return Opened::closed_inline(message, framing),
    };
    let mut room = limits.max_output_octets;
    let opened: Vec<Result<Decrypted, Unreadable>> = packets
        .iter()
        .map(|packets| {
            let limits = Limits { max_output_octets: room };
            let opened = decrypt::decrypt_packets(packets, keys, signers, now, limits);
            room -= opened.as_ref().map_or(0, |opened| opened.content.len()).min(room);
            opened
        })
        .collect();
    let Ok(opened) = opened.into_iter().collect::<Result<Vec<_>, _>>() else {
        return Opened::closed_inline(message, Unreadable::Failed);
    };
    let (contents, verdicts): (Vec<_>, Vec<_>) =
        opened.into_iter().map(|opened| (opened.content, opened.verdicts)).unzip();
    Opened::inline(entity(leaves, &contents), None, Encryption::Whole, verdicts)
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
            return Opened::closed_inline(message, Unreadable::NotOpenPgp);
        };
        room -= text.len().min(room);
        contents.push(text);
        verdicts.push(of_leaf);
    }
    let bare = entity(leaves, &contents);
    Opened::inline(Cleartext::new(message.to_vec()), Some(bare), Encryption::None, verdicts)
}

/// Whether the first packet is a signature, announces one, or is compressed or literal data.
fn begins_in_the_clear(block: &[u8], limits: Limits) -> bool {
    let first = dearmor::to_binary(block, limits.max_output_octets);
    let first = first.and_then(|binary| Packets::new(&binary).next()?.ok().map(|packet| packet.tag));
    matches!(first, Some(2 | 4 | 8 | 11))
}

fn entity(leaves: &[Leaf], contents: &[Cleartext]) -> Cleartext {
    let contents: Vec<&[u8]> = contents.iter().map(|content| &content[..]).collect();
    Cleartext::new(rebuild(leaves, &contents, &Boundary::from_entropy(crate::random())))
}
