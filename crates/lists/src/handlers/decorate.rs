//! Handler `decorate`: reads `footer`; `{list}` and `{address}` in it are filled in. The footer is a part
//! of its own, inside signature and encryption, so that no part of the author's is changed.

use crate::draft::Draft;

pub(super) fn apply(draft: &mut Draft<'_>) {
    let footer = &draft.list.settings.footer;
    if footer.is_empty() {
        return;
    }
    let posting = draft.list.name.posting().to_string();
    draft.footer = Some(footer.replace("{list}", &draft.list.display_name()).replace("{address}", &posting));
}
