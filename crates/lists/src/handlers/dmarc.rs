//! Handler `dmarc`: reads `reply_goes_to`.
//!
//! Sets From to the list's address with the author's name. Mail from the author's own address would fail the
//! DMARC policy of the author's domain ([RFC 7489]), and mail programs warn if a list's signature does not
//! match From. Reply-To names the list or the author, as configured; on an encrypting list always the list.
//! Such a list shows neither the author's address nor an unproven name outside the encryption.

use sealist_mail::{Field, Mailbox};

use crate::draft::PostDraft;
use crate::facts::Signature;
use crate::model::ReplyTo;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let list = draft.list;
    let author = draft.author.mailbox;
    let name = match draft.author.known_name() {
        Some(known) => Some(known),
        None if list.settings.encrypting() => None,
        None => author.name.as_deref().or(Some(author.address.local())),
    };
    // On a list with OpenPGP people take the name for proven. So an unproven name is marked.
    let is_signed = draft.facts.signature == Signature::Good && !draft.facts.is_stale();
    let proven = !list.settings.has_openpgp() || is_signed;
    let shown = match name {
        Some(name) if !proven => format!("{name} {} via {}", draft.unsigned_mark(), list.display_name()),
        Some(name) => format!("{name} via {}", list.display_name()),
        None => list.display_name(),
    };
    let from = Mailbox { name: Some(shown), address: list.name.posting() };
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
