//! Handler `mark-subject`: reads `unsigned_subject`, and whether the list encrypts. On an encrypting list a Subject that the
//! author did not sign stands behind a mark, or is left out: whoever carried the message here may have written it.

use sealist_mail::{Field, one_line};

use crate::draft::PostDraft;
use crate::model::UnsignedSubject;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let Some(pgp) = draft.list.settings.pgp.as_ref().filter(|_| draft.list.settings.encrypting()) else {
        return;
    };
    let came = draft.original.text("subject").unwrap_or_default();
    if draft.subject_is_signed() || came.trim().is_empty() {
        return;
    }
    let subject = match pgp.unsigned_subject {
        UnsignedSubject::Drop => "(no subject)".to_owned(),
        UnsignedSubject::Mark => {
            let mark = draft.unsigned_mark();
            // Nothing in it turns or hides the mark.
            let subject = one_line(&draft.headers.text("subject").unwrap_or_default());
            // Once, at the beginning, also in answers to what was marked.
            format!("{mark} {}", subject.replace(&format!("{mark} "), ""))
        }
    };
    draft.headers.set(Field::text("Subject", &subject));
}
