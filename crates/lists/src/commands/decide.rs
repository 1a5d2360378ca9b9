//! Commands `approve TOKEN`, `reject TOKEN` and `discard TOKEN`: a moderator's answer to the letter about a request, or a
//! message that waits. No settings.

use super::{Command, Decision, Problem, token};

pub(super) fn approve(arguments: &[&str]) -> Result<Command, Problem> {
    token(arguments).map(|token| Command::Decide(Decision::Approve, token))
}

pub(super) fn reject(arguments: &[&str]) -> Result<Command, Problem> {
    token(arguments).map(|token| Command::Decide(Decision::Reject, token))
}

pub(super) fn discard(arguments: &[&str]) -> Result<Command, Problem> {
    token(arguments).map(|token| Command::Decide(Decision::Discard, token))
}
