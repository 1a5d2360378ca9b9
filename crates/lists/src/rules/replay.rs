//! Rule `replay`: reads `duplicate_sig_action`.
//!
//! The replay record is kept per site, at every door and with every verdict. The same signed text at the
//! same address is discarded. Elsewhere the setting decides, unless the protected To/Cc names this address
//! or one transaction brought both.

use super::{Finding, Reason};
use crate::facts::{Addressed, Facts, Replay};
use crate::model::Action;

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    match facts.replay {
        Replay::Fresh | Replay::SameArrival => None,
        Replay::SeenHere => Finding::new(Reason::SeenHere, Action::Discard),
        Replay::SeenElsewhere if facts.addressed == Addressed::Here => None,
        Replay::SeenElsewhere => Finding::new(Reason::SeenElsewhere, facts.pgp()?.duplicate_sig_action),
    }
}
