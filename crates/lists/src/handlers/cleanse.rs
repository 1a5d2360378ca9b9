//! Handler `cleanse`: reads whether the list encrypts.
//!
//! Starts the copies' header from the author's: the fields that readers need and nothing else. On an
//! encrypting list that is a short list of fields that the author signed; on the others the fields that would lie about the
//! copy (old list fields, signatures of the old header, receipts, trace) are taken away.

use sealist_mail::{Field, Headers, Timestamp};

use crate::draft::PostDraft;
use crate::threading::{self, THREADING};

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

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    if draft.list.settings.encrypting() {
        draft.headers = kept(draft);
    } else {
        relay(draft);
    }
    if draft.headers.count("date") != 1 {
        draft.headers.remove("date");
        draft.headers.push(date(draft.now));
    }
}

/// Of what the author signed: Subject, date and threading. All else may tell of the author's program, network or addresses.
/// What nothing covers may be the words of whoever carried the message here: the Subject is marked later, and references
/// count only to what lists here have posted.
fn kept(draft: &PostDraft<'_>) -> Headers {
    let signed = |name: &str| draft.signed.filter(|signed| signed.count(name) == 1);
    let signed_date = signed("date").and_then(|signed| Timestamp::parse_rfc5322(&signed.text("date")?));
    let subject = signed("subject").unwrap_or(draft.original).all("subject").next().cloned();
    let host = draft.list.name.mail_host();
    let threads = THREADING.into_iter().filter_map(|name| match signed(name) {
        Some(signed) => threading::field(signed, name, |_| true),
        None => threading::field(draft.original, name, |id| threading::is_own(id, host)),
    });
    // Written anew: a comment in it is no date.
    signed_date.map(date).into_iter().chain(threads).chain(subject).collect()
}

fn relay(draft: &mut PostDraft<'_>) {
    for field in draft.original.fields() {
        let name = field.name().to_ascii_lowercase();
        let keep = !DROPPED.contains(&name.as_str())
            && !name.starts_with("list-")
            && !name.starts_with("content-")
            && !name.starts_with("x-sealist-")
            && !field.is_malformed();
        if keep {
            draft.headers.push(field.clone());
        }
    }
}

fn date(at: Timestamp) -> Field {
    Field::raw("Date", &at.rfc5322()).expect("a date has no line end")
}
