//! The gate: rules about the outside of a message, which are asked before anything is decrypted.

use sealist_lists::facts::OuterFacts;
use sealist_lists::model::Action;
use sealist_lists::routes::Route;
use sealist_lists::rules::{Reason, RuleHit};
use sealist_mail::{Mailbox, sole_author};

use super::list_mail::ListMail;

/// Returns the author of a message that passes, or why the message stops here. A message that a moderator
/// accepted always passes.
pub(super) fn pass_gate(mail: &ListMail<'_>) -> Result<Mailbox, RuleHit> {
    let outer = OuterFacts {
        sub_address: mail.entry.sub_address,
        origin: mail.outside.origin,
        answerable: mail.outside.answerable,
        author: sole_author(&mail.outside.headers),
    };
    let route = Route::of(mail.entry.sub_address);
    let stopped = mail
        .app
        .registry
        .gate
        .all()
        .find_map(|rule| (rule.check)(&outer))
        .or_else(|| route.refuses(&mail.list.settings, mail.received.len() as u64))
        .filter(|hit| !mail.approved().contains(&hit.reason));
    match (stopped, outer.author) {
        (Some(hit), _) => Err(hit),
        (None, Ok(author)) => Ok(author),
        (None, Err(_)) => Err(RuleHit { reason: Reason::NoSoleAuthor, action: Action::Hold }),
    }
}
