//! Rule `max-size`: reads `max_message_kib` (0: no limit). Larger posts are held.

use super::{Reason, RuleHit};
use crate::facts::MessageFacts;
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    let limit = u64::from(facts.settings.max_message_kib) * 1024;
    if limit == 0 || facts.octets <= limit {
        return None;
    }
    RuleHit::new(Reason::TooLarge, Action::Hold)
}
