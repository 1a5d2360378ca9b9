//! Rules `loop` and `automatic`: gate, no settings.
//!
//! A message that this list sent (with its List-Id or X-Loop), or that has more than 50 Received fields, is
//! discarded ([RFC 5321, section 6.3]). A delivery report or an automatic answer to an address for people is
//! discarded and never answered ([RFC 3834]). At `-owner` it is held, because people read that address. A
//! message that a program writes by itself is a post like any other, but never a command, because nobody
//! would read the answer. Discarded messages are counted (`sealist doctor`).

use sealist_mail::{Answerable, MessageOrigin};

use super::{Reason, RuleHit};
use crate::facts::OuterFacts;
use crate::model::{Action, SubAddress};

pub(super) fn check(arrival: &OuterFacts) -> Option<RuleHit> {
    let reason = match arrival.origin {
        MessageOrigin::OwnLoop => Reason::OwnLoop,
        MessageOrigin::TooManyHops => Reason::TooManyHops,
        _ => return None,
    };
    RuleHit::new(reason, Action::Discard)
}

pub(super) fn automatic(arrival: &OuterFacts) -> Option<RuleHit> {
    let for_commands = matches!(
        arrival.sub_address,
        SubAddress::Request
            | SubAddress::Join
            | SubAddress::Leave
            | SubAddress::Confirm
            | SubAddress::Sendkey
    );
    let reason = match (arrival.origin, arrival.answerable) {
        (MessageOrigin::Bounce, _) => Reason::Bounce,
        (MessageOrigin::AutoReply, _) => Reason::AutoReply,
        (_, Answerable::Never) if for_commands => Reason::ByProgram,
        _ => return None,
    };
    let action = if arrival.sub_address == SubAddress::Owner { Action::Hold } else { Action::Discard };
    RuleHit::new(reason, action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealist_mail::Mailbox;

    fn check(
        sub_address: SubAddress,
        origin: MessageOrigin,
        answerable: Answerable,
        expected: Option<(Reason, Action)>,
    ) {
        let author = Ok(Mailbox { name: None, address: "anne@example.org".parse().unwrap() });
        let found = automatic(&OuterFacts { sub_address, origin, answerable, author });
        assert_eq!(found.map(|found| (found.reason, found.action)), expected, "{sub_address:?} {origin:?}");
    }

    #[test]
    fn answers_are_put_aside_and_programs_post() {
        use Answerable::{Never, Yes};
        for sub_address in [
            SubAddress::Posting,
            SubAddress::Request,
            SubAddress::Join,
            SubAddress::Leave,
            SubAddress::Confirm,
            SubAddress::Sendkey,
        ] {
            check(sub_address, MessageOrigin::Bounce, Never, Some((Reason::Bounce, Action::Discard)));
            check(sub_address, MessageOrigin::AutoReply, Never, Some((Reason::AutoReply, Action::Discard)));
            check(sub_address, MessageOrigin::Message, Yes, None);
            let command =
                (sub_address != SubAddress::Posting).then_some((Reason::ByProgram, Action::Discard));
            check(sub_address, MessageOrigin::Message, Never, command);
        }
        check(SubAddress::Owner, MessageOrigin::Bounce, Never, Some((Reason::Bounce, Action::Hold)));
        check(SubAddress::Owner, MessageOrigin::AutoReply, Never, Some((Reason::AutoReply, Action::Hold)));
        check(SubAddress::Owner, MessageOrigin::Message, Never, None);
    }
}
