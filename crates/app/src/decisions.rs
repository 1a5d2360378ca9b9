//! Decisions of people in charge about what waits: what they are called, and how one about a message is recorded.

use sealist_lists::events::Actor;
use sealist_mail::{Address, Timestamp};
use sealist_store::queue::{self, QueueEntry};
use sealist_store::{Conn, replay, tokens};

use crate::error::AppError;

/// What becomes of a message that waits for a moderator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageDecision {
    /// It is opened and judged again, and passes for the reasons that were shown.
    Accept,
    /// It is deleted, and its author hears of it, with these words if there are any.
    Reject(String),
    /// It is deleted, and nobody hears of it.
    Discard,
}

impl MessageDecision {
    /// `accepted`, as it stands in the answer to whoever decides second.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accept => "accepted",
            Self::Reject(_) => "rejected",
            Self::Discard => "discarded",
        }
    }
}

/// Who decided, for whoever decides second: the address of a person, or `admin`.
pub(crate) fn name_of(by: &Actor) -> String {
    by.address().map_or("admin".to_owned(), Address::to_string)
}

/// A decision as it is recorded.
pub(crate) struct RecordedDecision {
    pub(crate) entry: QueueEntry,
    pub(crate) decision: MessageDecision,
    pub(crate) by: Actor,
}

impl RecordedDecision {
    /// What it takes a step further.
    pub(crate) fn entry(&self) -> &QueueEntry {
        &self.entry
    }

    /// Records it: the message goes on or goes, and whoever else has a token hears who decided.
    pub(crate) async fn record(&self, db: &mut Conn, now: Timestamp) -> Result<(), AppError> {
        let Self { entry, decision, by } = self;
        let name = name_of(by);
        tokens::decided(&mut *db, entry.no, decision.name(), &name, now).await?;
        match decision {
            MessageDecision::Accept => {
                if !queue::resume(&mut *db, entry.no, now).await? {
                    return Err(AppError::Overtaken);
                }
            }
            MessageDecision::Reject(_) | MessageDecision::Discard => {
                let refused_by = by.address().map_or("", |_| &name);
                replay::refuse(&mut *db, entry.no, refused_by, now).await?;
                queue::finish(&mut *db, entry).await?;
            }
        }
        Ok(())
    }
}
