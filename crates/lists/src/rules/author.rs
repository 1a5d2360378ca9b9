//! Rule `author`: gate, no settings.
//!
//! Exactly one From field with exactly one address ([RFC 5322, section 3.6.2]), else nobody's words:
//! held, because software that writes such mail may still carry something a person wants to say.

use super::{Finding, Reason};
use crate::facts::Arrival;
use crate::model::{Action, Door};

pub(super) fn check(arrival: &Arrival) -> Option<Finding> {
    if arrival.author.is_ok() || arrival.door == Door::Bounces {
        return None;
    }
    Finding::new(Reason::NoSoleAuthor, Action::Hold)
}
