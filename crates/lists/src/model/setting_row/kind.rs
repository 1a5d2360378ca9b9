//! Kinds of settings: which values a setting takes.

use super::super::Action;
use crate::names;

/// What an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// Yes or no.
    Bool,
    /// A whole number.
    Int {
        /// The smallest that is taken.
        least: u32,
        /// The greatest that is taken.
        most: u32,
    },
    /// A time: a whole number of that unit.
    Duration {
        /// What is counted.
        unit: TimeUnit,
        /// The shortest that is taken.
        least: u32,
        /// The longest that is taken.
        most: u32,
    },
    /// One line.
    Line {
        /// Of at most so many octets.
        most_octets: usize,
    },
    /// Lines.
    Text {
        /// Of at most so many octets.
        most_octets: usize,
    },
    /// One of these names.
    OneOf(&'static [&'static str]),
    /// Any of these names.
    Set(&'static [&'static str]),
    /// The name of a chain.
    Chain,
    /// The name of a pipeline.
    Pipeline,
    /// The name of a workflow: of all sites, of the site, or of the list itself. Only who has all of them at
    /// hand knows whether there is one of that name.
    Workflow,
    /// Workflows by their names, each with the names of its steps.
    Workflows,
    /// A language in which the texts are there, or none.
    Language,
}

pub(crate) const BOOL: AttributeKind = AttributeKind::Bool;
pub(crate) const WORKFLOW: AttributeKind = AttributeKind::Workflow;
/// What becomes of a message.
pub(crate) const ACTION: AttributeKind = AttributeKind::OneOf(Action::NAMES);

/// A whole number up to `most`.
pub(crate) const fn number(most: u32) -> AttributeKind {
    AttributeKind::Int { least: 0, most }
}

/// Days from `least` up to ten years.
pub(crate) const fn days(least: u32) -> AttributeKind {
    AttributeKind::Duration { unit: TimeUnit::Days, least, most: 3650 }
}

/// Hours from `least` to `most`.
pub(crate) const fn hours(least: u32, most: u32) -> AttributeKind {
    AttributeKind::Duration { unit: TimeUnit::Hours, least, most }
}

/// What a duration counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
}

// The names are the words behind a number.
names! { TimeUnit { Minutes = "minutes", Hours = "hours", Days = "days" } }
