//! Handler `cook-headers`: reads whether the list encrypts, `sign_outgoing`, `encrypt_outgoing`.
//!
//! A copy that is only signed gets the date of its signature, because Thunderbird reports a signature that
//! differs by more than an hour from the Date as forged.
//!
//! An encrypting list shows only its own addresses: To is the list, and the Message-ID is the list's own;
//! replies to copies are threaded by it. Other lists keep both fields. X-Loop and Precedence keep programs
//! from answering ([RFC 3834]).

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
    if draft.list.settings.signs() && !draft.list.settings.encrypts_copies() {
        draft.headers.set(Field::raw("Date", &draft.now.rfc5322()).expect("a date has no line end"));
    }
    draft.headers.remove("x-loop");
    let posting = list.posting().to_string();
    draft.headers.push(Field::raw("X-Loop", &posting).expect("an address has no line end"));
    draft.headers.push(Field::raw("Precedence", "list").expect("a constant"));
}
