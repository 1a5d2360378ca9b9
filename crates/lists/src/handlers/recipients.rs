//! Handlers `member-recipients` and `owner-recipients`: read whether the list has OpenPGP. Who receives, by role; the roster
//! itself is walked at delivery.

use crate::draft::PostDraft;
use crate::model::Role;

pub(super) fn members(draft: &mut PostDraft<'_>) {
    draft.recipients.roles = vec![Role::Member];
    // The author's own copy, unless the author wants none. Who is named as the author of what may have been carried here
    // gets it in any case: nobody else would notice.
    let told = draft.list.settings.pgp.is_some() && !draft.facts.is_addressed();
    if let Some(member) = draft.author.member
        && !member.preferences.receive_own_postings
        && !told
    {
        draft.recipients.except.push(member.no);
    }
}

pub(super) fn owners(draft: &mut PostDraft<'_>) {
    draft.recipients.roles = vec![Role::Owner, Role::Moderator];
}
