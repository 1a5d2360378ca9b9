//! Handlers `member-recipients` and `owner-recipients`: read whether the list has OpenPGP. They set the roles
//! that receive the post; the roster itself is read at delivery.

use crate::draft::PostDraft;
use crate::model::Role;

pub(super) fn members(draft: &mut PostDraft<'_>) {
    draft.recipients.roles = vec![Role::Member];
    // Authors get their own copy unless they do not want it. But if the message may have been sent here by
    // somebody else, the author gets a copy in any case, because nobody else would notice.
    let told = draft.list.settings.has_openpgp() && !draft.facts.is_addressed();
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
