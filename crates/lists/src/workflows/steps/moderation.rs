//! Step `moderation-checks`: no settings. Owners and moderators are asked; one of them is enough.

use super::super::run::{Case, Question, Run};
use super::Next;

pub(super) fn take(run: &Run, _: &Case<'_>) -> Next {
    if run.approved { Next::GoOn } else { Next::Ask(Question::Approval) }
}
