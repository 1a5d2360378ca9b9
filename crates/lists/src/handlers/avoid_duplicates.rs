//! Handler `avoid-duplicates`: reads the addressees' `receive_list_copy`. A member who stands in To or Cc
//! and wants no second copy is left out.

use crate::draft::PostDraft;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let satisfied = draft.addressees.iter().filter(|member| !member.preferences.receive_list_copy);
    draft.recipients.except.extend(satisfied.map(|member| member.no));
}
