//! Decisions of owners and moderators: their names, and how a decision about a message is recorded.

use sealist_lists::events::Actor;
use sealist_mail::{Address, Timestamp};
use sealist_store::queue::{self, QueueEntry};
use sealist_store::traces::MessageFate;
use sealist_store::{Conn, replay, tokens};

use crate::error::AppError;

/// A decision about a held message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageDecision {
    /// It is opened and judged again, and passes despite the reasons shown.
    Accept,
    /// It is deleted, and its author is told, with the given reason.
    Reject(String),
    /// It is deleted, and nobody is told.
    Discard,
}

impl MessageDecision {
    /// The name for later deciders, for instance `accepted`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accept => "accepted",
            Self::Reject(_) => "rejected",
            Self::Discard => "discarded",
        }
    }
}

/// The name of the decider for later deciders: the address of a person, or `admin`.
pub(crate) fn name_of(by: &Actor) -> String {
    by.address().map_or("admin".to_owned(), Address::to_string)
}

/// A decision to be recorded.
pub(crate) struct RecordedDecision {
    pub(crate) entry: QueueEntry,
    pub(crate) decision: MessageDecision,
    pub(crate) by: Actor,
}

impl RecordedDecision {
    /// Records the decision, moves or deletes the message, and ends the other tokens.
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
                let fate = match decision {
                    MessageDecision::Discard => MessageFate::DiscardedByModerator,
                    _ => MessageFate::RejectedByModerator,
                };
                let refused_by = by.address().map_or("", |_| &name);
                replay::refuse(&mut *db, entry.no, refused_by, now).await?;
                queue::finish(&mut *db, entry, fate, &entry.reasons, now).await?;
            }
        }
        Ok(())
    }
}
