//! One entry of the queue.

use std::sync::LazyLock;

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

names! { QueueName { In = "in", Paused = "paused", Hold = "hold", Shunt = "shunt" } }

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
    /// How it came: the name of an [`EntryOrigin`].
    pub origin: String,
}

/// A condition for the entries of sub-addresses that this version has: others wait for the newer version that
/// wrote them.
pub(crate) static KNOWN: LazyLock<String> =
    LazyLock::new(|| format!("sub_address IN ('{}')", SubAddress::NAMES.join("', '")));

/// A condition for entries that can be claimed at `$1`; its other placeholders begin at that number.
pub(crate) fn due(claimant: &Claimant, from: usize) -> String {
    let lists = claimant.condition("list_no", from);
    format!("queue = 'in' AND claimed_by IS NULL AND next_at <= $1 AND {} {lists}", *KNOWN)
}

/// Reads a row of these columns, of a sub-address that is [`KNOWN`].
pub(crate) fn entry(row: &SqlRow) -> Result<QueueEntry, StoreError> {
    let text = |name: &str| row.try_get::<String>(name);
    Ok(QueueEntry {
        no: EntryNo(row.try_get("no")?),
        list: ListNo(row.try_get("list_no")?),
        sub_address: SubAddress::from_name(&text("sub_address")?).ok_or(DAMAGED)?,
        body: BodyNo(row.try_get("body_no")?),
        arrival: row.try_get("arrival")?,
        received_at: Timestamp(row.try_get("received_at")?),
        attempts: row.try_get("attempts")?,
        reasons: serde_json::from_str(&text("reasons")?).map_err(|_| DAMAGED)?,
        approved: row.try_get("approved")?,
        place: QueueName::from_name(&text("queue")?).ok_or(DAMAGED)?,
        claimed_by: row.try_get::<Option<i64>>("claimed_by")?.map(NodeNo),
        detail: text("detail")?,
        sender: text("sender")?,
        held_at: row.try_get::<Option<i64>>("held_at")?.map(Timestamp),
        author_told: row.try_get("author_told")?,
        seen_at: row.try_get::<Option<i64>>("seen_at")?.map(Timestamp),
        author: text("author")?,
        origin: text("origin")?,
    })
}
