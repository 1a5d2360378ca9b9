//! Opening: what a message says, who signed it, and how it was encrypted. Never fails: bad mail is data.
//!
//! A layer counts only when it is the root of the message. Decryption releases nothing before integrity is
//! proven, and after the first secret-key operation every failure looks the same.

mod budget;
mod contents;
mod decrypt;
mod inline;
mod opened;
mod verdict;
mod verify;

#[cfg(test)]
mod tests;

use sealist_mail::inline::InlineKind;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::scan::{self, LineEnds};
use sealist_mail::{Entity, Timestamp, holds_encrypted};

use crate::certificate::Certificate;
use crate::cleartext::Cleartext;
use crate::keys::ListKey;
use budget::Budget;
pub use decrypt::Unreadable;
pub(crate) use decrypt::decrypt_seipd;
pub use opened::{KeepSignature, Opened};
pub use verdict::{SignatureVerdict, ValidSignature};

/// How a message was encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all, or not at its root.
    None,
    /// The root was encrypted to the list and is open.
    Whole,
    /// Two readings are possible; neither counts.
    Ambiguous,
    /// Encrypted, and not to be opened.
    Unreadable(Unreadable),
}

/// What bounds the work on one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets that all compressed data of the message together may yield.
    pub max_output_octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_output_octets: 64 * 1024 * 1024 }
    }
}

/// Opens a whole message. `keys`: the list's posting keys, current and retired. `signers`: the certificates
/// bound to the address in the one outer From field; signatures by others are of unknown keys.
pub fn open(
    message: &[u8],
    keys: &[&ListKey],
    signers: &[Certificate],
    now: Timestamp,
    limits: Limits,
) -> Opened {
    let budget = &mut Budget::new(limits.max_output_octets);
    match classify(message) {
        Shape::Encrypted(data) => match decrypt::decrypt(data, keys, signers, now, budget) {
            Ok(decrypted) => inside(decrypted, signers, now, budget),
            Err(unreadable) => Opened::closed(message, Encryption::Unreadable(unreadable)),
        },
        Shape::Mangled => Opened::closed(message, Encryption::Unreadable(Unreadable::Mangled)),
        Shape::Inline { kind: InlineKind::Encrypted, leaves } => {
            inline::encrypted(message, &leaves, keys, signers, now, budget)
        }
        Shape::Inline { kind: InlineKind::Signed, leaves } => {
            inline::signed(message, &leaves, signers, now, budget)
        }
        Shape::Ambiguous(_) => Opened::closed(message, Encryption::Ambiguous),
        Shape::Plain if holds_encrypted(&Entity::parse(message)) => {
            Opened::closed(message, Encryption::Unreadable(Unreadable::NotAlone))
        }
        Shape::Plain => Opened::closed(message, Encryption::None),
        Shape::Signed { signed, signatures } => {
            let verdicts = verify::all_detached(signed, &signatures, signers, now, budget);
            Opened::signed(Cleartext::new(message.to_vec()), Encryption::None, verdicts)
        }
    }
}

/// What lay inside an encrypted root: an entity, perhaps signed in the OpenPGP layer, perhaps as MIME.
fn inside(
    decrypted: decrypt::Decrypted,
    signers: &[Certificate],
    now: Timestamp,
    budget: &mut Budget,
) -> Opened {
    let limits = scan::Limits { line_ends: LineEnds::Lenient, ..scan::Limits::default() };
    if scan::scan(&decrypted.content, limits).is_err() {
        return Opened::closed(b"", Encryption::Unreadable(Unreadable::Failed));
    }
    if !decrypted.verdicts.is_empty() {
        return Opened::combined(decrypted, signers, now, budget);
    }
    let nested = match classify(&decrypted.content) {
        Shape::Signed { signed, signatures } => {
            Some(verify::all_detached(signed, &signatures, signers, now, budget))
        }
        _ => None,
    };
    match nested {
        Some(verdicts) => Opened::signed(decrypted.content, Encryption::Whole, verdicts),
        None => Opened::unsigned(decrypted.content),
    }
}
