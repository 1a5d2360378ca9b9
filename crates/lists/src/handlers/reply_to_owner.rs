//! Handler `reply-to-owner`: reads whether the list encrypts.
//!
//! Mail for the owners comes from the owner address and goes to it. It lacks the fields by which programs
//! offer a reply to the whole list, so that nobody sends a reply there by habit. A reply goes to the author
//! or, if no address may stand outside the encryption, to the owners; then a line in the author block says
//! how to reach the author.

use sealist_mail::{Field, Mailbox};

use crate::draft::PostDraft;
use crate::model::SubAddress;
use crate::texts::{Text, context};

/// Fields that lead to the members or out of the list.
const NOT_FOR_OWNERS: &[&str] = &["list-post", "list-unsubscribe", "list-unsubscribe-post", "list-subscribe"];

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let owner = draft.list.name.address(SubAddress::Owner);
    let encrypting = draft.list.settings.encrypting();
    for name in NOT_FOR_OWNERS {
        draft.headers.remove(name);
    }
    let shown = draft.headers.mailboxes("from").into_iter().next().and_then(|from| from.name);
    let from = Mailbox { name: shown, address: owner.clone() };
    draft.headers.set(Field::mailboxes("From", &[from]));
    draft.headers.remove("cc");
    let to = Mailbox { name: Some(draft.list.display_name()), address: owner.clone() };
    draft.headers.set(Field::mailboxes("To", &[to]));
    let reply_to = match encrypting {
        true => Mailbox { name: None, address: owner.clone() },
        false => draft.author.mailbox.clone(),
    };
    draft.headers.remove("reply-to");
    draft.headers.push(Field::mailboxes("Reply-To", &[reply_to]));
    if let Some(block) = draft.author_block.as_mut().filter(|_| encrypting) {
        let values = context! {
            owner => owner.to_string(),
            email => draft.author.mailbox.address.to_string(),
        };
        let place = draft.texts.place(draft.list, None);
        let line = draft.texts.lines(Text::OwnerMail, &place, values);
        *block = format!("{}\n{}", block.trim_end_matches('\n'), line.trim_start_matches('\n'));
    }
}
