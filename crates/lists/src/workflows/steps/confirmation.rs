//! Step `confirmation-checks`: no settings. Also who is known is asked whether this is wanted.

use super::super::run::{Case, Question, Run};
use super::Next;

pub(super) fn take(run: &Run, _: &Case<'_>) -> Next {
    if run.confirmed { Next::GoOn } else { Next::Ask(Question::Confirmation) }
}
