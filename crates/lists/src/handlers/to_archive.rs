//! Handler `to-archive`: reads `archive`. The stored payload stays after the last delivery: sealed, on an
//! encrypting list.

use crate::draft::Draft;

pub(super) fn apply(draft: &mut Draft<'_>) {
    draft.archived = draft.list.settings.archive;
}
