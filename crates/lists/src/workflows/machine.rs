//! Takes steps until one of them asks, refuses, or it is done.

use super::run::{Case, Question, Run};
use super::steps::{self, Change, Next};
use crate::commands::Problem;

/// How far a workflow came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Somebody is asked.
    Waits(Question),
    /// It is to be done now.
    Done(Change),
}

/// Takes the next steps. A step that asks stays the next one: it looks again when the answer is there. Errs if a step
/// refuses, or if there is none of that name any more.
pub fn advance(run: &mut Run, case: &Case<'_>) -> Result<Progress, Problem> {
    while let Some(name) = run.steps.last() {
        let step = steps::named(name).ok_or(Problem::Outdated)?;
        match (step.take)(run, case) {
            Next::GoOn => {
                run.steps.pop();
            }
            Next::Ask(question) => return Ok(Progress::Waits(question)),
            Next::Refuse(problem) => return Err(problem),
            Next::Do(change) => {
                run.steps.pop();
                return Ok(Progress::Done(change));
            }
        }
    }
    Err(Problem::Outdated)
}
