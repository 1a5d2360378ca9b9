//! Step `pubkey-checks`: no settings.
//!
//! An address has one key on the whole site: who comes with a usable one is not asked for another. A key that does not
//! name the address is taken only if a moderator will see its whole fingerprint.

use super::super::run::{Case, Goal, Question, Run};
use super::Next;
use crate::commands::Problem;

pub(super) fn take(run: &Run, case: &Case<'_>) -> Next {
    match &case.offered {
        Some(key) if !key.names_address && !run.approved && !run.will_be_moderated() => {
            Next::Refuse(Problem::NamesOther)
        }
        Some(_) => Next::GoOn,
        None if run.goal == Goal::Subscribe && case.known.as_ref().is_some_and(|key| key.usable) => {
            Next::GoOn
        }
        None => Next::Ask(Question::Key),
    }
}
