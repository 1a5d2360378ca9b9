//! Commands `approve TOKEN`, `reject TOKEN [REASON]` and `discard TOKEN`: a moderator's answer to the notice about a
//! request, or a message that waits. No settings.

use super::{Command, Decision, Problem, token};

pub(super) fn approve(arguments: &[&str]) -> Result<Command, Problem> {
    decide(Decision::Approve, arguments, String::new())
}

pub(super) fn reject(arguments: &[&str]) -> Result<Command, Problem> {
    let (first, reason) = arguments.split_at(arguments.len().min(1));
    decide(Decision::Reject, first, reason.join(" "))
}

pub(super) fn discard(arguments: &[&str]) -> Result<Command, Problem> {
    decide(Decision::Discard, arguments, String::new())
}

fn decide(decision: Decision, arguments: &[&str], reason: String) -> Result<Command, Problem> {
    Ok(Command::Decide { decision, token: token(arguments)?, reason })
}
