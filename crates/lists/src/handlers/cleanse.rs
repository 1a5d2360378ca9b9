//! Handler `cleanse`: reads whether the list encrypts.
//!
//! Starts the header of the copies from the author's header. On an encrypting list only a short list of
//! fields that the author signed is kept. On other lists the fields that would be wrong in the copy are
//! removed: old list fields, signatures of the old header, requests for receipts, trace fields.

use sealist_mail::{Field, Headers, Timestamp};

use crate::draft::PostDraft;
use crate::threading::{self, THREADING};

/// Fields that no list passes on ([RFC 6376], [RFC 8617], [RFC 8098], and Mailman's passwords).
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

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    if draft.list.settings.encrypting() {
        draft.headers = kept_fields(draft);
    } else {
        relay(draft);
    }
    if draft.headers.count("date") != 1 {
        draft.headers.remove("date");
        draft.headers.push(date(draft.now));
    }
}

/// Keeps the signed Subject, date and threading. Other fields may reveal the author's program, network or
/// addresses. Fields that no signature covers may be written by whoever sent the message here: an unsigned
/// Subject is marked later, and unsigned references count only if they name posts of lists of this host.
fn kept_fields(draft: &PostDraft<'_>) -> Headers {
    let signed = |name: &str| draft.signed.filter(|signed| signed.count(name) == 1);
    let signed_date = signed("date").and_then(|signed| Timestamp::parse_rfc5322(&signed.text("date")?));
    let subject = signed("subject").unwrap_or(draft.original()).all("subject").next().cloned();
    let host = draft.list.name.mail_host();
    let threads = THREADING.into_iter().filter_map(|name| match signed(name) {
        Some(signed) => threading::field(signed, name, |_| true),
        None => threading::field(draft.original(), name, |id| threading::is_own(id, host)),
    });
    // The date is written anew, because a comment in it could hold text.
    signed_date.map(date).into_iter().chain(threads).chain(subject).collect()
}

fn relay(draft: &mut PostDraft<'_>) {
    for field in draft.original().fields() {
        if is_passed_on(&field.name().to_ascii_lowercase()) && !field.is_malformed() {
            draft.headers.push(field.clone());
        }
    }
}

/// Whether lists pass a field of that name on, in lower case.
pub(super) fn is_passed_on(name: &str) -> bool {
    let is_own = ["list-", "content-", "x-sealist-"].iter().any(|own| name.starts_with(own));
    !is_own && !DROPPED.contains(&name)
}

fn date(at: Timestamp) -> Field {
    Field::raw("Date", &at.rfc5322()).expect("a date has no line end")
}
