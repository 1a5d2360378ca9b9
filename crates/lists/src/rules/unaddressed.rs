//! Rule `unaddressed`: reads `unaddressed_msg_action`, `unaddressed_max_age_h`.
//!
//! A signed message that names no recipient within its signature may have been written to anybody, and carried here. While
//! the signature is young the setting decides; then it is held. Many programs sign no To, so that a list that takes none
//! of them would shut them out.

use super::{Reason, RuleHit};
use crate::facts::{Addressed, MessageFacts, Signature};
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts) -> Option<RuleHit> {
    let pgp = facts.pgp()?;
    if facts.signature != Signature::Good || facts.addressed != Addressed::NotSaid {
        return None;
    }
    match pgp.unaddressed_msg_action {
        // An accept would skip the rules behind this one, which ask other things.
        Action::Accept | Action::Defer if facts.is_stale() => RuleHit::new(Reason::Unaddressed, Action::Hold),
        Action::Accept => None,
        action => RuleHit::new(Reason::Unaddressed, action),
    }
}
