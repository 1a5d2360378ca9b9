//! Step `sanity-checks`: no settings.
//!
//! Who joins must be no member and not banned; another key is for those who have a role on the list, and by the word of
//! the old key only while that one can sign, or once a moderator approved it. A command says itself for whom it is.

use super::super::run::{Goal, StepContext, WorkflowRun};
use super::StepResult;
use crate::commands::Problem;
use crate::model::Role;

pub(super) fn take(run: &WorkflowRun, case: &StepContext<'_>) -> StepResult {
    let is_member = case.roles.contains(&Role::Member);
    let problem = match run.goal {
        Goal::Subscribe if case.banned => Problem::Banned,
        Goal::Subscribe if is_member => Problem::AlreadyMember,
        Goal::Unsubscribe if !is_member => Problem::NotMember,
        Goal::ChangeKey if case.known.is_none() => Problem::NoOwnKey,
        Goal::ChangeKey if !run.approved && !case.known.as_ref().is_some_and(|key| key.usable) => {
            Problem::ResetInstead
        }
        Goal::ChangeKey | Goal::ResetKey if case.roles.is_empty() => Problem::NotMember,
        _ => return StepResult::GoOn,
    };
    StepResult::Refuse(problem)
}
