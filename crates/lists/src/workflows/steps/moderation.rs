//! Step `moderation-checks`: no settings. Asks all owners and moderators; the answer of one of them is
//! enough.

use super::super::run::{Question, WorkflowRun};
use super::super::step::{StepContext, StepResult};

pub(super) fn evaluate(run: &WorkflowRun, _: &StepContext<'_>) -> StepResult {
    if run.approved { StepResult::GoOn } else { StepResult::Ask(Question::Approval) }
}
