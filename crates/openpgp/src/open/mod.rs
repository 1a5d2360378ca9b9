//! Opens messages: what a message says, who signed it, and how it was encrypted. Opening never fails, because
//! bad mail is data.
//!
//! A layer counts only if it is the root of the message. Decryption returns nothing before the integrity is
//! proven, and after the first use of a secret key all failures look the same.

mod budget;
mod contents;
mod covered;
mod decrypt;
mod inline;
mod opened;
mod signers;
mod verdict;
mod verify;

#[cfg(test)]
mod tests;

use sealist_mail::inline::InlineKind;
use sealist_mail::rfc3156::{Shape, classify, classify_inside};
use sealist_mail::scan::{self, LineEnds};
use sealist_mail::{Entity, Timestamp, has_doubtful_lines, holds_encrypted};

use crate::certificate::Certificate;
use crate::keys::ListKey;
use budget::OpeningBudget;
pub use budget::{TakeRoom, TakenRoom};
use covered::{Covered, in_wire_form};
pub use decrypt::Unreadable;
pub(crate) use decrypt::decrypt_seipd;
pub use opened::{KeepSignature, Opened};
use signers::Signers;
pub use verdict::{SignatureVerdict, ValidSignature};

/// How a message was encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It was not encrypted, or not at its root.
    None,
    /// The root was encrypted to the list and was decrypted.
    Whole,
    /// The message can be read in two ways, so neither counts.
    Ambiguous,
    /// It was encrypted but cannot be decrypted.
    Unreadable(Unreadable),
}

/// Limits on the work for one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most octets that all compressed data of the message may yield together.
    pub max_output_octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_output_octets: 64 * 1024 * 1024 }
    }
}

/// Opens a whole message. `keys` are the list's posting keys, current and retired. `signers` are the
/// certificates of the address in the only outer From field; signatures by other keys count as unknown.
pub fn open(
    message: &[u8],
    keys: &[&ListKey],
    signers: &[Certificate],
    now: Timestamp,
    limits: Limits,
) -> Opened {
    open_in_room(message, keys, signers, now, limits, budget::unbounded())
}

/// Like [`open`]. `take_room` is called before large data is decompressed.
pub fn open_in_room(
    message: &[u8],
    keys: &[&ListKey],
    signers: &[Certificate],
    now: Timestamp,
    limits: Limits,
    take_room: TakeRoom,
) -> Opened {
    let budget = &mut OpeningBudget::new(limits.max_output_octets, take_room);
    let opened = opened(message, &Signers::new(signers, keys, now), budget);
    opened.within(budget.taken())
}

fn opened(message: &[u8], signers: &Signers<'_>, budget: &mut OpeningBudget) -> Opened {
    match classify(message) {
        Shape::Encrypted(data) => match decrypt::decrypt(data, signers, budget) {
            Ok(decrypted) => inside(decrypted, signers, budget),
            Err(unreadable) => Opened::closed(message, Encryption::Unreadable(unreadable)),
        },
        Shape::Mangled => Opened::closed(message, Encryption::Unreadable(Unreadable::Mangled)),
        Shape::Inline { kind: InlineKind::Encrypted, leaves } => {
            inline::encrypted(message, &leaves, signers, budget)
        }
        Shape::Inline { kind: InlineKind::Signed, leaves } => {
            inline::signed(message, &leaves, signers, budget)
        }
        Shape::Ambiguous(_) => Opened::closed(message, Encryption::Ambiguous),
        Shape::Plain if holds_encrypted(&Entity::parse(message)) => {
            Opened::closed(message, Encryption::Unreadable(Unreadable::NotAlone))
        }
        Shape::Plain => Opened::closed(message, Encryption::None),
        Shape::Signed { signed, signatures } => {
            match Covered::detached(signed, &signatures, signers, budget) {
                Some(covered) => Opened::signed(covered, Encryption::None),
                None => Opened::closed(message, Encryption::Ambiguous),
            }
        }
    }
}

/// Whether a message contains encrypted data, whole or broken, judged by public data only: no key is used.
/// Data that is only signed does not count, even if it has the same armor.
pub fn is_encrypted(message: &[u8]) -> bool {
    match classify(message) {
        Shape::Inline { kind: InlineKind::Encrypted, leaves } => !inline::all_in_the_clear(&leaves),
        _ => holds_encrypted(&Entity::parse(message)),
    }
}

/// Opens the content of an encrypted root: an entity, which may be signed in the OpenPGP layer or as MIME.
/// Its line ends are normalised before it is judged. If they are ambiguous, the entity is not read, which
/// looks like every other failure.
fn inside(decrypted: decrypt::Decrypted, signers: &Signers<'_>, budget: &mut OpeningBudget) -> Opened {
    let failed = || Opened::closed(b"", Encryption::Unreadable(Unreadable::Failed));
    let limits = scan::MessageLimits { line_ends: LineEnds::Lenient, ..scan::MessageLimits::default() };
    if has_doubtful_lines(&decrypted.content) || scan::scan(&decrypted.content, limits).is_err() {
        return failed();
    }
    if !decrypted.verdicts.is_empty() {
        let covered = Covered::combined(decrypted, signers, budget);
        let covered = covered.filter(|covered| !is_second_layer(covered.part()));
        return covered.map_or_else(failed, |covered| Opened::signed(covered, Encryption::Whole));
    }
    let content = in_wire_form(decrypted.content);
    if is_second_layer(&content) {
        return failed();
    }
    let covered = match classify_inside(&content) {
        Shape::Signed { signed, signatures } => Covered::detached(signed, &signatures, signers, budget),
        _ => None,
    };
    match covered {
        Some(covered) if is_second_layer(covered.part()) => failed(),
        Some(covered) => Opened::signed(covered, Encryption::Whole),
        None => Opened::unsigned(content),
    }
}

/// Whether a decrypted entity is encrypted once more. Then it may be somebody's ciphertext that another
/// person wrapped.
fn is_second_layer(entity: &[u8]) -> bool {
    matches!(classify(entity), Shape::Encrypted(_) | Shape::Inline { kind: InlineKind::Encrypted, .. })
}
