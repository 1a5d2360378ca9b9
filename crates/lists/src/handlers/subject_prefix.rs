//! Handler `subject-prefix`: reads `subject_prefix`. The prefix appears once, even in replies.

use sealist_mail::{Field, subject};

use crate::draft::PostDraft;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let subject = draft.headers.text("subject").unwrap_or_default();
    let prefix = &draft.list.settings.subject_prefix;
    let subject = if prefix.is_empty() { subject } else { subject::with_prefix(prefix, &subject) };
    let subject = if subject.trim().is_empty() { "(no subject)".to_owned() } else { subject };
    draft.headers.remove("subject");
    draft.headers.push(Field::text("Subject", &subject));
}
