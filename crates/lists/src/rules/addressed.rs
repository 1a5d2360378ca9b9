//! Rule `addressed-here`: reads `misdirected_msg_action`.
//!
//! Hits if a signed, protected To or Cc lacks this address. Then the mail was meant for somebody else and was
//! sent here by another person (surreptitious forwarding, [RFC 9580, section 13.12]).

use super::{Reason, RuleHit};
use crate::facts::{Addressed, MessageFacts};

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    if facts.addressed != Addressed::Elsewhere {
        return None;
    }
    RuleHit::new(Reason::NotMeantForHere, facts.pgp()?.misdirected_msg_action)
}
