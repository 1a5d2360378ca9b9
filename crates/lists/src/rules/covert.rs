//! Rule `covert-content`: no settings.
//!
//! Somebody who captured a message to the list may send it in again. What was encrypted leaves the
//! server only when a member's good signature lies over it, inside (design promise 3); else a moderator looks.

use super::{Reason, RuleHit};
use crate::facts::{EncryptionFact, MessageFacts, Signature};
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    let proven = facts.signature == Signature::Good && facts.author_role.is_some();
    if facts.encryption != EncryptionFact::Whole || proven {
        return None;
    }
    RuleHit::new(Reason::CovertContent, Action::Hold)
}
