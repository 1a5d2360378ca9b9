//! Choices that settings offer, and that nothing else has.

use serde::{Deserialize, Serialize};

/// Who may ask who the members are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RosterVisibility {
    /// Owners and moderators.
    Moderators,
    /// Members too.
    Members,
    /// Everybody.
    Public,
}

/// Where Reply-To points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyTo {
    /// To the author (and the list stays reachable by List-Post).
    Author,
    /// To the list.
    List,
}

/// What becomes of a Subject that no signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnsignedSubject {
    /// It stands behind a mark that says so.
    Mark,
    /// It is left out.
    Drop,
}
