//! Rules `member-moderation` and `nonmember-moderation`: read the member's own action,
//! `default_member_action`, `default_nonmember_action`. Owners and moderators of the list count as members.

use super::{Reason, RuleHit};
use crate::facts::MessageFacts;
use crate::model::Role;

pub(super) fn member(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    if !matches!(facts.author_role, Some(Role::Member)) {
        return None;
    }
    let action = facts.moderation_action.unwrap_or(facts.settings.default_member_action);
    RuleHit::new(Reason::ModeratedMember, action)
}

pub(super) fn nonmember(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    if !matches!(facts.author_role, None | Some(Role::Nonmember)) {
        return None;
    }
    let action = facts.moderation_action.unwrap_or(facts.settings.default_nonmember_action);
    RuleHit::new(Reason::Nonmember, action)
}
