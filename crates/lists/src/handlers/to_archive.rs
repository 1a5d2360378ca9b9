//! Handler `to-archive`: reads `archive`. The stored payload is kept after the last delivery; on an
//! encrypting list it is sealed.

use crate::draft::PostDraft;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    draft.archived = draft.list.settings.archive;
}
