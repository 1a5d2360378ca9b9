//! One entry of the queue.

use sealist_lists::model::{BodyNo, EntryNo, ListNo, NodeNo, SubAddress};
use sealist_lists::names;
use sealist_lists::rules::Reason;
use sealist_mail::Timestamp;

use crate::StoreError;
use crate::nodes::Claimant;
use crate::sql::SqlRow;

const DAMAGED: StoreError = StoreError::Damaged { table: "queue" };
pub(crate) const COLUMNS: &str = "no, list_no, sub_address, body_no, arrival, received_at, attempts, reasons, approved, queue, claimed_by, detail, sender, held_at, author_told, seen_at, author, origin";

/// The state of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueName {
    /// Waiting for the incoming runner.
    In,
    /// Waiting until its held list is released.
    Paused,
    /// Waiting for a moderator.
    Hold,
    /// Set aside after it broke a runner three times.
    Shunt,
}

impl QueueName {
    /// The name in the database, on the command line and in `--json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Paused => "paused",
            Self::Hold => "hold",
            Self::Shunt => "shunt",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::In, Self::Paused, Self::Hold, Self::Shunt].into_iter().find(|place| place.name() == name)
    }
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryOrigin {
    /// A mail server handed it over by LMTP.
    Lmtp,
    /// Somebody on the command line put it into the queue.
    Inject,
}

names! { EntryOrigin { Lmtp = "lmtp", Inject = "inject" } }

/// One message at one sub-address.
#[derive(Clone, Debug)]
pub struct QueueEntry {
    /// Its number.
    pub no: EntryNo,
    /// The list.
    pub list: ListNo,
    /// The sub-address.
    pub sub_address: SubAddress,
    /// The message.
    pub body: BodyNo,
    /// The same for all rows of one LMTP transaction.
    pub arrival: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
    /// How often it was claimed.
    pub attempts: u32,
    /// Why it is held.
    pub reasons: Vec<Reason>,
    /// Whether a moderator accepted those reasons.
    pub approved: bool,
    /// Its state.
    pub place: QueueName,
    /// The node that claimed it.
    pub claimed_by: Option<NodeNo>,
    /// The text after the `+` of the address; may be empty.
    pub detail: String,
    /// The envelope sender, `<...>` without its brackets. Empty: the null sender, or unknown.
    pub sender: String,
    /// Since when it has been held.
    pub held_at: Option<Timestamp>,
    /// Whether its author was told that it waits.
    pub author_told: bool,
    /// That author; empty if nobody was told, or it is no longer known.
    pub author: String,
    /// When an owner saw its content, which notices do not show.
    pub seen_at: Option<Timestamp>,
    /// How it came: the name of a [`EntryOrigin`].
    pub origin: String,
}

/// A condition for entries that can be claimed at `$1`; its other placeholders begin at that number.
pub(crate) fn due(claimant: &Claimant, from: usize) -> String {
    format!("queue = 'in' AND claimed_by IS NULL AND next_at <= $1 {}", claimant.condition("list_no", from))
}

/// Reads a row of these columns.
pub(crate) fn entry(row: &SqlRow) -> Result<QueueEntry, StoreError> {
    let text = |at: usize| row.try_get::<String>(at);
    Ok(QueueEntry {
        no: EntryNo(row.try_get(0)?),
        list: ListNo(row.try_get(1)?),
        sub_address: SubAddress::from_name(&text(2)?).ok_or(DAMAGED)?,
        body: BodyNo(row.try_get(3)?),
        arrival: row.try_get(4)?,
        received_at: Timestamp(row.try_get(5)?),
        attempts: row.try_get(6)?,
        reasons: serde_json::from_str(&text(7)?).map_err(|_| DAMAGED)?,
        approved: row.try_get(8)?,
        place: QueueName::from_name(&text(9)?).ok_or(DAMAGED)?,
        claimed_by: row.try_get::<Option<i64>>(10)?.map(NodeNo),
        detail: text(11)?,
        sender: text(12)?,
        held_at: row.try_get::<Option<i64>>(13)?.map(Timestamp),
        author_told: row.try_get(14)?,
        seen_at: row.try_get::<Option<i64>>(15)?.map(Timestamp),
        author: text(16)?,
        origin: text(17)?,
    })
}
