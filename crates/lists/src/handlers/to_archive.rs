//! Handler `to-archive`: reads `archive`. The stored payload stays after the last delivery: sealed, on an
//! encrypting list.

use crate::draft::PostDraft;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    draft.archived = draft.list.settings.archive;
}
