//! Inline OpenPGP: every leaf is a block, and each is replaced by exactly what it protects.

use sealist_mail::inline::{Leaf, rebuild};
use sealist_mail::{Boundary, Timestamp};

use super::decrypt::decrypt;
use super::verdict::SignatureVerdict;
use super::{Encryption, Limits, Opened, Unreadable, verify};
use crate::certificate::Certificate;
use crate::cleartext::Cleartext;
use crate::keys::ListKey;

/// Decrypts all leaves, or the message is unreadable.
pub(super) fn encrypted(
    message: &[u8],
    leaves: &[Leaf],
    keys: &[&ListKey],
    signers: &[Certificate],
    now: Timestamp,
    limits: Limits,
) -> Opened {
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
pub(super) fn signed(message: &[u8], leaves: &[Leaf], signers: &[Certificate], now: Timestamp) -> Opened {
    let (mut contents, mut verdicts) = (Vec::with_capacity(leaves.len()), Vec::with_capacity(leaves.len()));
    for leaf in leaves {
        let Some((text, of_leaf)) = verify::cleartext_signed(&leaf.block, signers, now) else {
            return Opened::closed(message, Encryption::Unreadable(Unreadable::NotOpenPgp));
        };
        contents.push(text);
        verdicts.push(of_leaf);
    }
    let bare = entity(leaves, &contents);
    Opened::inline(Cleartext::new(message.to_vec()), Some(bare), Encryption::None, of_all(verdicts))
}

/// A leaf without a signature leaves the message without one.
fn of_all(verdicts: Vec<Vec<SignatureVerdict>>) -> Vec<SignatureVerdict> {
    if verdicts.iter().any(Vec::is_empty) { Vec::new() } else { verdicts.concat() }
}

fn entity(leaves: &[Leaf], contents: &[Cleartext]) -> Cleartext {
    let contents: Vec<&[u8]> = contents.iter().map(|content| &content[..]).collect();
    Cleartext::new(rebuild(leaves, &contents, &Boundary::from_entropy(crate::random())))
}
