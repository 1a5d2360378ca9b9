//! Step `verification-checks`: no settings.
//!
//! From fields are forged: who did not answer to this request is asked, so that nobody is subscribed, and nobody gets more
//! than one letter, because somebody else wrote in their name. What an address answered before, or on another list, was
//! no wish to be here.

use super::super::run::{Case, Question, Run};
use super::Next;

pub(super) fn take(run: &Run, _: &Case<'_>) -> Next {
    if run.verified { Next::GoOn } else { Next::Ask(Question::Confirmation) }
}
