//! Handler `cook-headers`: reads whether the list encrypts, `sign_outgoing`, `encrypt_outgoing`.
//!
//! A copy that is only signed has the date of its signature: Thunderbird takes one that is more than an hour
//! older for a forgery.
//!
//! An encrypting list shows no address but its own: To is the list and Message-ID is ours; answers to
//! copies thread by it. Other lists keep both. X-Loop and Precedence keep machines from answering
//! ([RFC 3834]).

use sealist_mail::Field;

use crate::draft::PostDraft;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let list = &draft.list.name;
    if draft.list.settings.encrypting() {
        draft.headers.remove("to");
        draft.headers.remove("cc");
        draft.headers.push(Field::mailboxes("To", &[draft.list.mailbox()]));
        draft.headers.remove("message-id");
    }
    if draft.headers.count("message-id") != 1 {
        draft.headers.remove("message-id");
        let id = format!("<{}@{}>", draft.message_id, list.mail_host());
        draft.headers.push(Field::raw("Message-ID", &id).expect("hexadecimal digits and a host name"));
    }
    if draft.list.settings.pgp.as_ref().is_some_and(|pgp| pgp.sign_outgoing && !pgp.encrypt_outgoing) {
        draft.headers.set(Field::raw("Date", &draft.now.rfc5322()).expect("a date has no line end"));
    }
    draft.headers.remove("x-loop");
    let posting = list.posting().to_string();
    draft.headers.push(Field::raw("X-Loop", &posting).expect("an address has no line end"));
    draft.headers.push(Field::raw("Precedence", "list").expect("a constant"));
}
