//! Handler `dmarc`: reads `reply_goes_to`.
//!
//! The copy comes from the list's address, in the author's name: mail from the author's own address would
//! fail the author's domain policy ([RFC 7489]), and readers take a list's signature under another From
//! for a mismatch. Reply-To points to the list or the author, as the list says; on an encrypting list always to
//! the list, because the author's address never stands outside the encryption.

use sealist_mail::{Field, Mailbox};

use crate::draft::Draft;
use crate::model::ReplyTo;

pub(super) fn apply(draft: &mut Draft<'_>) {
    let list = draft.list;
    let author = draft.author.mailbox;
    let claimed = if list.settings.pgp.is_none() { author.name.as_deref() } else { None };
    let name = draft.author.known_name().or(claimed).unwrap_or(author.address.local());
    let from =
        Mailbox { name: Some(format!("{name} via {}", list.display_name())), address: list.name.posting() };
    draft.headers.remove("from");
    draft.headers.remove("sender");
    draft.headers.prepend(Field::mailboxes("From", &[from]));

    let reply_to = match list.settings.reply_goes_to {
        ReplyTo::Author if !list.settings.encrypting() => author.clone(),
        _ => list.mailbox(),
    };
    draft.headers.remove("reply-to");
    draft.headers.push(Field::mailboxes("Reply-To", &[reply_to]));
}
