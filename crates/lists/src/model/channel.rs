//! How a message travels from the server to its recipients.

use crate::names;

/// How a message travels to its recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Encrypted to each recipient.
    Sealed,
    /// Not encrypted, perhaps signed. Every mail server on the way can read it.
    Open,
}

names! { Channel { Sealed = "sealed", Open = "open" } }
