//! Rules `loop` and `automatic`: gate, no settings.
//!
//! A message that this list sent (its List-Id or X-Loop), or with more than 50 Received fields, is
//! discarded ([RFC 5321, section 6.3]). A bounce or automatic answer that reached an address for people is
//! discarded too and never answered ([RFC 3834]); at `-bounces` it is what the door is for.

use sealist_mail::Origin;

use super::{Finding, Reason};
use crate::facts::Arrival;
use crate::model::{Action, Door};

pub(super) fn check(arrival: &Arrival) -> Option<Finding> {
    let reason = match arrival.origin {
        Origin::OwnLoop => Reason::OwnLoop,
        Origin::TooManyHops => Reason::TooManyHops,
        _ => return None,
    };
    Finding::new(reason, Action::Discard)
}

pub(super) fn automatic(arrival: &Arrival) -> Option<Finding> {
    let reason = match arrival.origin {
        Origin::Bounce => Reason::Bounce,
        Origin::AutoReply => Reason::AutoReply,
        _ => return None,
    };
    // A bounce sent to -owner is read by people; one that answers a post is not.
    let action = if arrival.door == Door::Owner { Action::Hold } else { Action::Discard };
    Finding::new(reason, action)
}
