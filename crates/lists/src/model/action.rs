//! The action that a rule's hit leads to.

use serde::{Deserialize, Serialize};

/// The five actions of mailman-pgp and Mailman, with the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

impl Action {
    /// The name used in settings, on the command line and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Defer => "defer",
            Self::Hold => "hold",
            Self::Reject => "reject",
            Self::Discard => "discard",
        }
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
