//! Rule `unaddressed`: reads `unaddressed_msg_action`, `unaddressed_max_age_h`.
//!
//! A signed message whose signature names no recipient may have been written to anybody and sent here by
//! another person. While the signature is young the setting decides; later the message is held. Many programs
//! do not sign To, so a list that refused all such mail would exclude their users.

use super::{Reason, RuleHit};
use crate::facts::{Addressed, MessageFacts, Signature};
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    let pgp = facts.pgp()?;
    if facts.signature != Signature::Good || facts.addressed != Addressed::NotSaid {
        return None;
    }
    match pgp.unaddressed_msg_action {
        // An accept would skip the later rules, which ask other questions.
        Action::Accept | Action::Defer if facts.is_stale() => RuleHit::new(Reason::Unaddressed, Action::Hold),
        Action::Accept => None,
        action => RuleHit::new(Reason::Unaddressed, action),
    }
}
