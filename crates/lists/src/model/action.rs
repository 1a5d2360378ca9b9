//! What happens to a message after a rule hit it.

use serde::{Deserialize, Serialize};

/// The five answers of mailman-pgp and Mailman, by the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Ends the chain: the message is posted. Never skips a ban, the replay record or sealing.
    Accept,
    /// Goes on with the next rule.
    Defer,
    /// Waits for a moderator.
    Hold,
    /// Refused, with a content-free notice to a verified member.
    Reject,
    /// Dropped, with a log line and an entry in the list's counters.
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
