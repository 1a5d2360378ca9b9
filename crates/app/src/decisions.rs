//! Decisions of people in charge about what waits: what they are called, and how one about a message is recorded.

use sealist_mail::{Address, Timestamp};
use sealist_store::queue::{self, QueueEntry};
use sealist_store::{Conn, audit, replay, tokens};

use crate::error::AppError;
use crate::site::App;

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
    /// `accepted`, as it stands in the audit and in the answer to whoever decides second.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accept => "accepted",
            Self::Reject(_) => "rejected",
            Self::Discard => "discarded",
        }
    }
}

/// Who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// Whoever runs commands on the server.
    Admin,
    /// An owner or moderator, by mail.
    Person(Address),
}

impl DecidedBy {
    /// The address, or `admin`.
    pub fn name(&self) -> String {
        match self {
            Self::Admin => "admin".to_owned(),
            Self::Person(address) => address.to_string(),
        }
    }

    /// Whom the audit names.
    pub(crate) fn audited(&self, app: &App) -> String {
        match self {
            Self::Admin => app.operator.clone(),
            Self::Person(address) => address.key(),
        }
    }
}

/// A decision as it is recorded.
pub(crate) struct RecordedDecision {
    pub(crate) entry: QueueEntry,
    pub(crate) decision: MessageDecision,
    pub(crate) by: DecidedBy,
    /// Who it was, in the words of the audit.
    pub(crate) audited: String,
}

impl RecordedDecision {
    /// What it takes a step further.
    pub(crate) fn entry(&self) -> &QueueEntry {
        &self.entry
    }

    /// Records it: the message goes on or goes, whoever else has a token hears who decided, and the audit names them.
    pub(crate) async fn record(&self, db: &mut Conn, now: Timestamp) -> Result<(), AppError> {
        let Self { entry, decision, by, audited } = self;
        let name = by.name();
        tokens::decided(&mut *db, entry.no, decision.name(), &name, now).await?;
        match decision {
            MessageDecision::Accept => {
                if !queue::resume(&mut *db, entry.no, now).await? {
                    return Err(AppError::Overtaken);
                }
            }
            MessageDecision::Reject(_) | MessageDecision::Discard => {
                let refused_by = if *by == DecidedBy::Admin { "" } else { &name };
                replay::refuse(&mut *db, entry.no, refused_by, now).await?;
                queue::finish(&mut *db, entry).await?;
            }
        }
        let event = match decision {
            MessageDecision::Accept => "hold-accepted",
            MessageDecision::Reject(_) => "hold-rejected",
            MessageDecision::Discard => "hold-discarded",
        };
        let detail = described(entry);
        Ok(audit::record(db, entry.list, audited, event, &detail, now).await?)
    }
}

/// A held message for the audit: number, envelope sender, reasons.
pub(crate) fn described(entry: &QueueEntry) -> String {
    let reasons: Vec<String> = entry.reasons.iter().map(|reason| reason.name()).collect();
    format!("entry {} from <{}>, {}", entry.no, entry.sender, reasons.join(" "))
}
