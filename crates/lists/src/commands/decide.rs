//! Commands `approve TOKEN` and `reject TOKEN`: a moderator's answer to the letter about a request. No settings.

use super::{Command, Decision, Problem, token};

pub(super) fn approve(arguments: &[&str]) -> Result<Command, Problem> {
    token(arguments).map(|token| Command::Decide(Decision::Approve, token))
}

pub(super) fn reject(arguments: &[&str]) -> Result<Command, Problem> {
    token(arguments).map(|token| Command::Decide(Decision::Reject, token))
}
