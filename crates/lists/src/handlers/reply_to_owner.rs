//! Handler `reply-to-owner`: reads whether the list encrypts.
//!
//! Answers to mail for the people in charge never go to the whole list. They go to the author, or, where no
//! address may stand outside the encryption, to the people in charge.

use sealist_mail::{Field, Mailbox};

use crate::draft::Draft;
use crate::model::Door;

pub(super) fn apply(draft: &mut Draft<'_>) {
    let reply_to = match draft.list.settings.encrypting() {
        true => Mailbox { name: None, address: draft.list.name.address(Door::Owner) },
        false => draft.author.mailbox.clone(),
    };
    draft.headers.remove("reply-to");
    draft.headers.push(Field::mailboxes("Reply-To", &[reply_to]));
}
