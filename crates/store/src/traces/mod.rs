//! What became of messages and copies, for some days after they are done: numbers, states and replies,
//! nothing of a message.
//!
//! A message is followed by the number of its queue entry. As long as it waits, the queue has everything.
//! When it leaves the queue, one row is kept of it, in the same transaction. Copies keep their rows as long
//! as one copy of their sending is under way. The upkeep then packs many copies into one row, so that neither
//! accepting mail nor sending copies costs more.

mod forget;
mod forget_person;
mod read;

use std::collections::BTreeMap;

use sealist_lists::model::{ListNo, SendingNo};
use sealist_lists::names;
use sealist_lists::rules::Reason;
use sealist_mail::{Address, Timestamp};
use serde::{Deserialize, Serialize};

use crate::events::person_no;
use crate::queue_entry::QueueEntry;
use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError};
pub use forget::{Forgotten, TraceLimits, forget, limits};
pub(crate) use forget_person::forget_person;
pub use read::{
    TracedCopy, TracedMessage, TracedReceipt, TracedSending, copies_of, message, messages_from, receipts_of,
    sendings_of,
};

const DAMAGED: StoreError = StoreError::Damaged { table: "done_copies" };
/// How much of a reply of the next hop is kept.
const MAX_REPLY_CHARS: usize = 200;

/// How a message left the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFate {
    /// The rules accepted it.
    Accepted,
    /// A moderator accepted it, and the rules found nothing else.
    AcceptedByModerator,
    /// The rules rejected it, and its author was told.
    Rejected,
    /// A moderator rejected it.
    RejectedByModerator,
    /// The rules discarded it.
    Discarded,
    /// A moderator discarded it.
    DiscardedByModerator,
    /// It asked something of the list, which was done or refused.
    Answered,
    /// It was a delivery report or another automatic message to the address for bounces.
    Bounce,
    /// Nobody decided about it in time.
    HoldExpired,
    /// It gave way to messages that came later, because too many waited.
    HoldDropped,
}

names! { MessageFate {
    Accepted = "accepted",
    AcceptedByModerator = "accepted-by-moderator",
    Rejected = "rejected",
    RejectedByModerator = "rejected-by-moderator",
    Discarded = "discarded",
    DiscardedByModerator = "discarded-by-moderator",
    Answered = "answered",
    Bounce = "bounce",
    HoldExpired = "hold-expired",
    HoldDropped = "hold-dropped",
} }

/// Copies with the same state and reply, and the numbers of the addresses that they went to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CopyGroup(String, String, Vec<i64>);

/// Keeps what became of a message that leaves the queue.
pub(crate) async fn keep_message(
    db: &mut Conn,
    entry: &QueueEntry,
    fate: MessageFate,
    reasons: &[Reason],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sender = match Address::from_stored(&entry.sender) {
        Some(sender) => Some(person_no(&mut *db, &sender).await?),
        None => None,
    };
    let reasons =
        serde_json::to_string(reasons).map_err(|_| StoreError::Damaged { table: "done_messages" })?;
    query(
        "INSERT INTO done_messages (entry_no, list_no, sub_address, origin, sender_no, received_at, held_at, done_at, fate, reasons)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (entry_no) DO NOTHING",
    )
    .bind(entry.no.0)
    .bind(entry.list.0)
    .bind(entry.sub_address.name())
    .bind(&entry.origin)
    .bind(sender)
    .bind(entry.received_at.0)
    .bind(entry.held_at.map(|at| at.0))
    .bind(now.0)
    .bind(fate.name())
    .bind(reasons)
    .execute(db)
    .await?;
    Ok(())
}

/// Packs at most `limit` copies of a sending into few rows, and deletes their own rows. Returns how many.
pub(crate) async fn pack_copies(
    db: &mut Conn,
    sending: SendingNo,
    list: ListNo,
    limit: u32,
) -> Result<u64, StoreError> {
    let rows = query(
        "DELETE FROM deliveries WHERE no IN (SELECT no FROM deliveries WHERE sending_no = $1 LIMIT $2)
         RETURNING state, reply, address_no, email",
    );
    let rows = rows.bind(sending.0).bind(limit).fetch_all(&mut *db).await?;
    let mut groups: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
    for row in &rows {
        let (state, reply) = (row.try_get::<String>("state")?, short(&row.try_get::<String>("reply")?));
        match row.try_get::<Option<i64>>("address_no")? {
            Some(address) => groups.entry((state, reply)).or_default().push(address),
            None => {
                let copy = CopyGroup(state, reply, Vec::new());
                let Some(person) = stranger(&mut *db, row).await? else { continue };
                insert(&mut *db, sending, list, Some(person), &[copy]).await?;
            }
        }
    }
    let groups = groups.into_iter().map(|((state, reply), to)| CopyGroup(state, reply, to));
    let groups: Vec<CopyGroup> = groups.collect();
    if !groups.is_empty() {
        insert(db, sending, list, None, &groups).await?;
    }
    Ok(rows.len() as u64)
}

/// The number of a recipient of whom the site has no address.
async fn stranger(db: &mut Conn, row: &SqlRow) -> Result<Option<i64>, StoreError> {
    match Address::from_stored(&row.try_get::<String>("email")?) {
        Some(address) => person_no(db, &address).await.map(Some),
        None => Ok(None),
    }
}

async fn insert(
    db: &mut Conn,
    sending: SendingNo,
    list: ListNo,
    person: Option<i64>,
    copies: &[CopyGroup],
) -> Result<(), StoreError> {
    let copies = serde_json::to_string(copies).map_err(|_| DAMAGED)?;
    query("INSERT INTO done_copies (sending_no, list_no, person_no, copies) VALUES ($1, $2, $3, $4)")
        .bind(sending.0)
        .bind(list.0)
        .bind(person)
        .bind(copies)
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps what is left of a sending whose copies are packed, before its row is deleted.
pub(crate) async fn keep_sending(
    db: &mut Conn,
    sending: SendingNo,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO done_sendings (no, list_no, entry_no, post_number, kind, accepted_at, done_at)
         SELECT s.no, s.list_no, s.entry_no, (SELECT p.number FROM posts p WHERE p.no = s.post_no), s.kind, s.accepted_at, $2
         FROM sendings s WHERE s.no = $1",
    )
    .bind(sending.0)
    .bind(now.0)
    .execute(db)
    .await?;
    Ok(())
}

/// The first line of a reply, bounded and without characters that could change a terminal.
fn short(reply: &str) -> String {
    let line = reply.lines().next().unwrap_or_default();
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_REPLY_CHARS).collect()
}
