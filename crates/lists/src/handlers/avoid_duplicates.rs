//! Handler `avoid-duplicates`: reads the addressees' `receive_list_copy`. Members who are named in To or Cc
//! and want no second copy get none.

use crate::draft::PostDraft;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let satisfied = draft.addressees.iter().filter(|member| !member.preferences.receive_list_copy);
    draft.recipients.except.extend(satisfied.map(|member| member.no));
}
