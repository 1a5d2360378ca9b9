//! Rule `decrypted-for-unproven-sender`: no settings.
//!
//! An attacker who captured a message to the list may send it in again, and the list would decrypt and post
//! it. So the content of an encrypted message is posted only if it carries a good signature by a member
//! inside the encryption (design promise 3). Otherwise the message is held for a moderator.

use super::{Reason, RuleHit};
use crate::facts::{EncryptionFact, MessageFacts, Signature};
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    let proven = facts.signature == Signature::Good && facts.author_role.is_some();
    if facts.encryption != EncryptionFact::Whole || proven {
        return None;
    }
    RuleHit::new(Reason::DecryptedForUnprovenSender, Action::Hold)
}
