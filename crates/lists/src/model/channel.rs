//! How a message travels from the server to its recipients.

use serde::{Deserialize, Serialize};

/// How a message travels to its recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Encrypted to each recipient.
    Sealed,
    /// Not encrypted, perhaps signed. Every mail server on the way can read it.
    Open,
}

impl Channel {
    /// The name used in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Open => "open",
        }
    }

    /// The channel of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sealed, Self::Open].into_iter().find(|channel| channel.name() == name)
    }
}
