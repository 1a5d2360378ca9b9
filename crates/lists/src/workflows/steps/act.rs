//! Step `do-it`: no settings. The end of every workflow.
//!
//! However a workflow is composed, a key that did not sign for itself is given to nobody, and what cannot be done any more
//! when all is answered is not done.

use super::super::run::{Case, Goal, Run};
use super::{Change, Next, sanity};
use crate::commands::Problem;

pub(super) fn take(run: &Run, case: &Case<'_>) -> Next {
    if let Next::Refuse(problem) = sanity::take(run, case) {
        return Next::Refuse(problem);
    }
    if run.key.as_ref().is_some_and(|key| !run.signed_by.contains(key)) {
        return Next::Refuse(Problem::NotSigned);
    }
    Next::Do(match &run.goal {
        Goal::Subscribe => Change::Subscribe,
        Goal::Unsubscribe => Change::Unsubscribe,
        Goal::ChangeKey | Goal::ResetKey => Change::SetKey,
        Goal::ApproveKey => Change::ApproveKey,
        Goal::Command(line) => Change::Command(line.clone()),
    })
}
