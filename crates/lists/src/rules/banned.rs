//! Rule `banned-address`: reads the bans of list and site. A banned author or envelope sender is discarded.

use super::{Finding, Reason};
use crate::facts::Facts;
use crate::model::Action;

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    if facts.banned { Finding::new(Reason::Banned, Action::Discard) } else { None }
}
