//! Events: every change of a site, with who caused it. The audit, the log of a list and whoever follows a
//! site from outside read the same events.
//!
//! An event holds no content of a message. It names people only by their addresses, which the store keeps
//! apart from the event, so that deleting a person changes one row.

mod actor;
mod kind;

use sealist_mail::Address;

use crate::model::ListNo;
pub use actor::{Actor, MailProof, ServerCause, StoredActor};
pub use kind::{EventKind, HeldEntry, in_words};

/// One event before it is stored. Who caused it and when is the same for all events of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The list on which it happened; `None` stands for the whole site.
    pub list: Option<ListNo>,
    /// The address of the person whom the event is about, if it is about one.
    pub subject: Option<Address>,
    /// What happened.
    pub kind: EventKind,
}

impl Event {
    /// An event of a list that is about no person.
    pub fn of_list(list: ListNo, kind: EventKind) -> Self {
        Self { list: Some(list), subject: None, kind }
    }

    /// An event of a list that is about a person.
    pub fn about(list: ListNo, subject: &Address, kind: EventKind) -> Self {
        Self { list: Some(list), subject: Some(subject.clone()), kind }
    }
}
