//! Rules `loop` and `automatic`: gate, no settings.
//!
//! A message that this list sent (its List-Id or X-Loop), or with more than 50 Received fields, is
//! discarded ([RFC 5321, section 6.3]). A delivery report or an automatic answer that reached an address for people is
//! discarded and never answered ([RFC 3834]); at `-owner` it is held, because people read that address. What a program
//! writes on its own account is a post like any other. It is never a command: the answer would reach nobody.
//! Whatever is discarded is counted (`sealist doctor`).

use sealist_mail::{Answerable, Origin};

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
    let for_commands =
        matches!(arrival.door, Door::Request | Door::Join | Door::Leave | Door::Confirm | Door::Sendkey);
    let reason = match (arrival.origin, arrival.answerable) {
        (Origin::Bounce, _) => Reason::Bounce,
        (Origin::AutoReply, _) => Reason::AutoReply,
        (_, Answerable::Never) if for_commands => Reason::ByProgram,
        _ => return None,
    };
    let action = if arrival.door == Door::Owner { Action::Hold } else { Action::Discard };
    Finding::new(reason, action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealist_mail::Mailbox;

    fn check(door: Door, origin: Origin, answerable: Answerable, expected: Option<(Reason, Action)>) {
        let author = Ok(Mailbox { name: None, address: "anne@example.org".parse().unwrap() });
        let found = automatic(&Arrival { door, origin, answerable, author });
        assert_eq!(found.map(|found| (found.reason, found.action)), expected, "{door:?} {origin:?}");
    }

    #[test]
    fn answers_are_put_aside_and_programs_post() {
        use Answerable::{Never, Yes};
        for door in [Door::Posting, Door::Request, Door::Join, Door::Leave, Door::Confirm, Door::Sendkey] {
            check(door, Origin::Bounce, Never, Some((Reason::Bounce, Action::Discard)));
            check(door, Origin::AutoReply, Never, Some((Reason::AutoReply, Action::Discard)));
            check(door, Origin::Message, Yes, None);
            let command = (door != Door::Posting).then_some((Reason::ByProgram, Action::Discard));
            check(door, Origin::Message, Never, command);
        }
        check(Door::Owner, Origin::Bounce, Never, Some((Reason::Bounce, Action::Hold)));
        check(Door::Owner, Origin::AutoReply, Never, Some((Reason::AutoReply, Action::Hold)));
        check(Door::Owner, Origin::Message, Never, None);
    }
}
