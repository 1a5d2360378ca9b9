//! Choices that settings offer, and that nothing else has.

use crate::names;

/// Who may ask who the members are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterVisibility {
    /// Owners and moderators.
    Moderators,
    /// Members too.
    Members,
    /// Everybody.
    Public,
}

names! { RosterVisibility { Moderators = "moderators", Members = "members", Public = "public" } }

/// Where Reply-To points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyTo {
    /// To the author (and the list stays reachable by List-Post).
    Author,
    /// To the list.
    List,
}

names! { ReplyTo { Author = "author", List = "list" } }

/// What becomes of a Subject that no signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsignedSubject {
    /// It stands behind a mark that says so.
    Mark,
    /// It is left out.
    Drop,
}

names! { UnsignedSubject { Mark = "mark", Drop = "drop" } }
