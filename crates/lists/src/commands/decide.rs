//! Commands `approve TOKEN`, `reject TOKEN [REASON]` and `discard TOKEN`: a moderator's answer to the notice
//! about a request or a held message. No settings.

use super::{MailCommand, Problem, RequestDecision, token};

pub(super) fn approve(arguments: &[&str]) -> Result<MailCommand, Problem> {
    decide(RequestDecision::Approve, arguments, String::new())
}

pub(super) fn reject(arguments: &[&str]) -> Result<MailCommand, Problem> {
    let (first, reason) = arguments.split_at(arguments.len().min(1));
    decide(RequestDecision::Reject, first, reason.join(" "))
}

pub(super) fn discard(arguments: &[&str]) -> Result<MailCommand, Problem> {
    decide(RequestDecision::Discard, arguments, String::new())
}

fn decide(decision: RequestDecision, arguments: &[&str], reason: String) -> Result<MailCommand, Problem> {
    Ok(MailCommand::Decide { decision, token: token(arguments)?, reason })
}
