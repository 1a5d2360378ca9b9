//! Rule `banned-address`: reads the bans of the list and the site. Mail by a banned author or envelope sender
//! is discarded.

use super::{Reason, RuleHit};
use crate::facts::MessageFacts;
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    if facts.banned { RuleHit::new(Reason::Banned, Action::Discard) } else { None }
}
