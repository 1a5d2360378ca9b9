//! Rule `author`: gate, no settings.
//!
//! Exactly one From field with exactly one address ([RFC 5322, section 3.6.2]), else nobody's words:
//! held, because software that writes such mail may still carry something a person wants to say.

use super::{Reason, RuleHit};
use crate::facts::OuterFacts;
use crate::model::{Action, SubAddress};

pub(super) fn check(arrival: &OuterFacts) -> Option<RuleHit> {
    if arrival.author.is_ok() || arrival.sub_address == SubAddress::Bounces {
        return None;
    }
    RuleHit::new(Reason::NoSoleAuthor, Action::Hold)
}
