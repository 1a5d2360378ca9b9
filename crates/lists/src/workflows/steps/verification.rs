//! Step `verification-checks`: no settings.
//!
//! From fields can be forged, so a person who has not answered to this request is asked. Otherwise a third
//! party could subscribe the person, or make the list send more than one notice. An answer that the address
//! gave earlier or on another list does not count, because it was not a wish to be on this list.

use super::super::run::{Question, WorkflowRun};
use super::super::step::{StepContext, StepResult};

pub(super) fn evaluate(run: &WorkflowRun, _: &StepContext<'_>) -> StepResult {
    if run.verified { StepResult::GoOn } else { StepResult::Ask(Question::Confirmation) }
}
