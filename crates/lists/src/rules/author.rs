//! Rule `author`: gate, no settings.
//!
//! Hits unless there is exactly one From field with exactly one address ([RFC 5322, section 3.6.2]). Such a
//! message is held and not discarded, because a person may have written it with broken software.

use super::{Reason, RuleHit};
use crate::facts::OuterFacts;
use crate::model::{Action, SubAddress};

pub(super) fn check(arrival: &OuterFacts) -> Option<RuleHit> {
    if arrival.author.is_ok() || arrival.sub_address == SubAddress::Bounces {
        return None;
    }
    RuleHit::new(Reason::NoSoleAuthor, Action::Hold)
}
