//! The action that a rule's hit leads to.

use crate::names;

/// The five actions of mailman-pgp and Mailman, with the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Posts the message and ends the chain. Never skips a ban, the replay record or sealing.
    Accept,
    /// Continues with the next rule.
    Defer,
    /// Holds the message for a moderator.
    Hold,
    /// Refuses the message. A verified member gets a notice without content.
    Reject,
    /// Drops the message, with a log line and a count in the list's statistics.
    Discard,
}

names! { Action { Accept = "accept", Defer = "defer", Hold = "hold", Reject = "reject", Discard = "discard" } }
