//! Step `sanity-checks`: no settings.
//!
//! A person who joins must not be a member or banned. A new key is for people who have a role on the list. It
//! is authorised by the old key only while the old key can sign, or after a moderator approved it. A command
//! checks itself who may send it.

use super::super::run::{Goal, WorkflowRun};
use super::super::step::{StepContext, StepResult};
use crate::commands::Problem;
use crate::model::Role;

pub(super) fn evaluate(run: &WorkflowRun, case: &StepContext<'_>) -> StepResult {
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
