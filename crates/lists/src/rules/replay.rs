//! Rule `replay`: reads `duplicate_sig_action`.
//!
//! The replay record knows what became of a signed text at each address of the site. A text that was posted at this
//! address is not posted again. A text that a person refused here waits for a person. A text that was posted at another
//! address is up to the setting, unless the protected To/Cc names this address or one transaction brought both.

use super::{Finding, Reason};
use crate::facts::{Addressed, Facts, Replay};
use crate::model::Action;

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    match facts.replay {
        Replay::Fresh | Replay::SameArrival => None,
        Replay::PostedHere => Finding::new(Reason::PostedHere, Action::Discard),
        Replay::RefusedHere => Finding::new(Reason::RefusedBefore, Action::Hold),
        Replay::SeenHere => Finding::new(Reason::SeenHere, Action::Hold),
        Replay::PostedElsewhere if facts.addressed == Addressed::Here => None,
        Replay::PostedElsewhere => Finding::new(Reason::SeenElsewhere, facts.pgp()?.duplicate_sig_action),
    }
}
