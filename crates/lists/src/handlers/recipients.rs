//! Handlers `member-recipients` and `owner-recipients`: no settings. Who receives, by role; the roster
//! itself is walked at delivery.

use crate::draft::Draft;
use crate::model::Role;

pub(super) fn members(draft: &mut Draft<'_>) {
    draft.recipients.roles = vec![Role::Member];
    // The author's own copy, unless the author wants none.
    if let Some(member) = draft.author.member
        && !member.preferences.receive_own_postings
    {
        draft.recipients.except.push(member.no);
    }
}

pub(super) fn owners(draft: &mut Draft<'_>) {
    draft.recipients.roles = vec![Role::Owner, Role::Moderator];
}
