//! Rule `max-size`: reads `max_message_kib` (0: no limit). Larger posts are held.

use super::{Finding, Reason};
use crate::facts::Facts;
use crate::model::Action;

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    let limit = u64::from(facts.settings.max_message_kib) * 1024;
    if limit == 0 || facts.octets <= limit {
        return None;
    }
    Finding::new(Reason::TooLarge, Action::Hold)
}
