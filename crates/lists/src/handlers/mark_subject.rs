//! Handler `mark-subject`: reads `unsigned_subject`, and whether the list encrypts. On an encrypting list an
//! unsigned Subject is marked or dropped, because whoever sent the message here may have written it.

use sealist_mail::{Field, one_line};

use crate::draft::PostDraft;
use crate::model::UnsignedSubject;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let Some(pgp) = draft.list.settings.pgp.as_ref().filter(|_| draft.list.settings.encrypting()) else {
        return;
    };
    let came = draft.original().text("subject").unwrap_or_default();
    if draft.subject_is_signed() || came.trim().is_empty() {
        return;
    }
    let subject = match pgp.unsigned_subject {
        UnsignedSubject::Drop => "(no subject)".to_owned(),
        UnsignedSubject::Mark => {
            let mark = draft.unsigned_mark();
            // One visible line cannot reverse or hide the mark.
            let subject = one_line(&draft.headers.text("subject").unwrap_or_default());
            // The mark is put once, at the beginning, even in replies to marked posts.
            format!("{mark} {}", subject.replace(&format!("{mark} "), ""))
        }
    };
    draft.headers.set(Field::text("Subject", &subject));
}
