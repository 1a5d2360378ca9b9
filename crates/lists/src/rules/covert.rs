//! Rule `covert-content`: no settings.
//!
//! Somebody who captured a message to the list may send it in again. What was encrypted leaves the
//! server only when a member's good signature lies over it, inside (design promise 3); else a moderator looks.

use super::{Finding, Reason};
use crate::facts::{Encryption, Facts, Signature};
use crate::model::Action;

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    let proven = facts.signature == Signature::Good && facts.author_role.is_some();
    if facts.encryption != Encryption::Whole || proven {
        return None;
    }
    Finding::new(Reason::CovertContent, Action::Hold)
}
