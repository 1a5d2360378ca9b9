//! Step `verification-checks`: no settings.
//!
//! From fields are forged: who did not answer to this request is asked, so that nobody is subscribed, and nobody gets more
//! than one notice, because somebody else wrote in their name. What an address answered before, or on another list, was
//! no wish to be here.

use super::super::run::{Question, StepContext, WorkflowRun};
use super::StepResult;

pub(super) fn take(run: &WorkflowRun, _: &StepContext<'_>) -> StepResult {
    if run.verified { StepResult::GoOn } else { StepResult::Ask(Question::Confirmation) }
}
