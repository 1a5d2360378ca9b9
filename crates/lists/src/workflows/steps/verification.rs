//! Step `verification-checks`: no settings.
//!
//! From fields are forged: an address that never answered is asked, so that nobody is subscribed, and nobody gets more
//! than one letter, because somebody else wrote in their name.

use super::super::run::{Case, Question, Run};
use super::Next;

pub(super) fn take(run: &Run, case: &Case<'_>) -> Next {
    if run.verified || case.verified { Next::GoOn } else { Next::Ask(Question::Confirmation) }
}
