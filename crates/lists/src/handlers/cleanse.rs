//! Handler `cleanse`: reads whether the list encrypts.
//!
//! Starts the copies' header from the author's: the fields that readers need and nothing else. On an
//! encrypting list that is a short list of kept fields; on the others the fields that would lie about the
//! copy (old list fields, signatures of the old header, receipts, trace) are taken away.

use sealist_mail::Field;

use crate::draft::Draft;

/// What an encrypting list keeps: all else may tell of the author's program, network or addresses.
const KEPT: &[&str] = &["subject", "in-reply-to", "references", "date"];

/// What no list passes on ([RFC 6376], [RFC 8617], [RFC 8098], passwords of Mailman's).
const DROPPED: &[&str] = &[
    "return-path",
    "received",
    "delivered-to",
    "x-original-to",
    "dkim-signature",
    "authentication-results",
    "arc-seal",
    "arc-message-signature",
    "arc-authentication-results",
    "autocrypt",
    "autocrypt-gossip",
    "disposition-notification-to",
    "return-receipt-to",
    "x-confirm-reading-to",
    "approved",
    "approve",
    "x-approved",
    "x-approve",
    "errors-to",
    "precedence",
    "bcc",
    "resent-bcc",
    "mime-version",
];

pub(super) fn apply(draft: &mut Draft<'_>) {
    let encrypting = draft.list.settings.encrypting();
    for field in draft.original.fields() {
        let name = field.name().to_ascii_lowercase();
        let keep = if encrypting {
            KEPT.contains(&name.as_str())
        } else {
            !DROPPED.contains(&name.as_str())
                && !name.starts_with("list-")
                && !name.starts_with("content-")
                && !name.starts_with("x-sealist-")
                && !field.is_malformed()
        };
        if keep {
            draft.headers.push(field.clone());
        }
    }
    if draft.headers.count("date") != 1 {
        draft.headers.remove("date");
        draft.headers.push(Field::raw("Date", &draft.now.rfc5322()).expect("a date has no line end"));
    }
}
