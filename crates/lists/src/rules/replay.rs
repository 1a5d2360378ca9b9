//! Rule `replay`: reads `duplicate_sig_action`.
//!
//! The replay record stores the outcome of each signed text at each address of the site. A text that was
//! posted at this address is not posted again. A text that a person refused here is held. For a text that was
//! posted at another address the setting decides, unless the protected To or Cc names this address, or one
//! transaction brought the text to both addresses.

use super::{Reason, RuleHit};
use crate::facts::{Addressed, MessageFacts, Replay};
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    match facts.replay {
        Replay::Fresh | Replay::SameArrival => None,
        Replay::PostedHere => RuleHit::new(Reason::PostedHere, Action::Discard),
        Replay::RefusedHere => RuleHit::new(Reason::RefusedBefore, Action::Hold),
        Replay::SeenHere => RuleHit::new(Reason::SeenHere, Action::Hold),
        Replay::PostedElsewhere if facts.addressed == Addressed::Here => None,
        Replay::PostedElsewhere => RuleHit::new(Reason::SeenElsewhere, facts.pgp()?.duplicate_sig_action),
    }
}
