//! Rule `inner-author`: no settings.
//!
//! Some mail programs show the From field inside the signature or encryption. If that field names another
//! author than the outer one, or several, recipients would take the message for theirs. So it is held.

use super::{Reason, RuleHit};
use crate::facts::{InnerAuthor, MessageFacts};
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    let other = facts.inner_author == InnerAuthor::Other;
    if other { RuleHit::new(Reason::InnerAuthor, Action::Hold) } else { None }
}
