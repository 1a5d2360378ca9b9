//! Rule `unaddressed`: reads `unaddressed_msg_action`, `unaddressed_max_age_h`.
//!
//! A signed message that names no recipient within its signature may have been written to anybody, and carried here. While
//! the signature is young the setting decides; then it is held. Many programs sign no To, so that a list that takes none
//! of them would shut them out.

use super::{Finding, Reason};
use crate::facts::{Addressed, Facts, Signature};
use crate::model::Action;

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    let pgp = facts.pgp()?;
    if facts.signature != Signature::Good || facts.addressed != Addressed::NotSaid {
        return None;
    }
    match pgp.unaddressed_msg_action {
        // An accept would skip the rules behind this one, which ask other things.
        Action::Accept | Action::Defer if facts.is_stale() => Finding::new(Reason::Unaddressed, Action::Hold),
        Action::Accept => None,
        action => Finding::new(Reason::Unaddressed, action),
    }
}
