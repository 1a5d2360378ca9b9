//! The queue of messages that are not done. There is one row per list and sub-address.

use sealist_lists::budgets::{Amount, WaitingMail};
use sealist_lists::model::{BodyNo, EntryNo, ListNo, SubAddress};
use sealist_lists::rules::Reason;
use sealist_mail::Timestamp;

use crate::bodies::{self, StoredBody};
use crate::nodes::Claimant;
use crate::queue_entry::{COLUMNS, KNOWN, due, entry};
pub use crate::queue_entry::{EntryOrigin, QueueEntry, QueueName};
use crate::sql::{Query, query};
use crate::traces::{self, MessageFate};
use crate::turns::Turns;
use crate::{Conn, StoreError};

const DAMAGED: StoreError = StoreError::Damaged { table: "queue" };

/// Stores a message for one sub-address, to be judged at once or when its list is released.
pub async fn push(
    db: &mut Conn,
    list: ListNo,
    sub_address: SubAddress,
    body: &StoredBody,
    arrival: &[u8],
    now: Timestamp,
) -> Result<EntryNo, StoreError> {
    let body = bodies::insert(&mut *db, body).await?;
    let origin = EntryOrigin::Lmtp;
    let new = NewEntry { list, sub_address, detail: "", body, arrival, sender: "", source: 0, origin };
    enter(db, &new, now).await
}

/// A message for one sub-address, whose body is stored.
pub struct NewEntry<'a> {
    /// The list.
    pub list: ListNo,
    /// The sub-address.
    pub sub_address: SubAddress,
    /// The text after the `+` of the address; may be empty.
    pub detail: &'a str,
    /// The message.
    pub body: BodyNo,
    /// The same for all rows of one LMTP transaction.
    pub arrival: &'a [u8],
    /// The envelope sender; empty: the null sender, or unknown.
    pub sender: &'a str,
    /// Entries with the same source share a turn.
    pub source: u16,
    /// How it came.
    pub origin: EntryOrigin,
}

/// Like [`push`], for a stored body with its envelope sender.
pub async fn enter(db: &mut Conn, new: &NewEntry<'_>, now: Timestamp) -> Result<EntryNo, StoreError> {
    let insert = query(
        "INSERT INTO queue (queue, list_no, sub_address, body_no, arrival, received_at, next_at, detail, sender, source, origin)
         VALUES (CASE WHEN (SELECT held_at FROM lists WHERE no = $1) IS NULL THEN 'in' ELSE 'paused' END,
         $1, $2, $3, $4, $5, $5, $6, $7, $8, $9)",
    )
    .bind(new.list.0)
    .bind(new.sub_address.name())
    .bind(new.body.0)
    .bind(new.arrival)
    .bind(now.0)
    .bind(new.detail)
    .bind(new.sender)
    .bind(i64::from(new.source))
    .bind(new.origin.name());
    if db.is_alone() {
        return insert.insert(db).await.map(EntryNo);
    }
    let row = insert.returning("no, queue").fetch_one(&mut *db).await?;
    let no = row.try_get("no")?;
    if row.try_get::<String>("queue")? == QueueName::Paused.name() {
        look_again(&mut *db, no, new.list).await?;
    }
    db.notify("incoming").await?;
    Ok(EntryNo(no))
}

/// Another node that releases the list does not see uncommitted entries. This statement locks the row of the
/// list, so the list is either released by now, or the release will see these entries.
async fn look_again(db: &mut Conn, no: i64, list: ListNo) -> Result<(), StoreError> {
    let sql = format!("SELECT 1 FROM lists WHERE no = $1 AND held_at IS NOT NULL {}", db.shared());
    if query(sql).bind(list.0).fetch_optional(&mut *db).await?.is_none() {
        query("UPDATE queue SET queue = 'in' WHERE no = $1").bind(no).execute(db).await?;
    }
    Ok(())
}

/// Whether there is something to claim. This read-only check costs no commit.
pub async fn is_due(db: &mut Conn, claimant: &Claimant, now: Timestamp) -> Result<bool, StoreError> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM queue WHERE {})", due(claimant, 2));
    claimant.bind(query(sql).bind(now.0)).fetch_one(db).await?.value()
}

/// Claims up to `limit` waiting entries, in turns, continuing after the last turn, while `judged` entries are
/// being judged. No other node gets them as long as this node lives. An entry that was claimed earlier but
/// never judged may have crashed its runner. It is claimed alone, when nothing else is being judged, the
/// least tried first, so that if it crashes again no other entry is blamed.
pub async fn claim(
    db: &mut Conn,
    claimant: &Claimant,
    limit: u32,
    judged: usize,
    turns: &mut Turns,
    now: Timestamp,
) -> Result<Vec<QueueEntry>, StoreError> {
    let sql = format!(
        "SELECT attempts FROM queue WHERE {} ORDER BY next_at, attempts, no LIMIT 1",
        due(claimant, 2)
    );
    let Some(oldest) = claimant.bind(query(sql).bind(now.0)).fetch_optional(&mut *db).await? else {
        return Ok(Vec::new());
    };
    if oldest.value::<u32>()? == 0 {
        return turns.claim(db, claimant, limit, now).await;
    }
    if judged > 0 {
        return Ok(Vec::new());
    }
    let sql = format!(
        "UPDATE queue SET attempts = attempts + 1, claimed_by = $2 WHERE no IN
         (SELECT no FROM queue WHERE {} AND attempts > 0 ORDER BY next_at, attempts, no LIMIT 1 {})
         RETURNING {COLUMNS}",
        due(claimant, 3),
        db.skip_locked()
    );
    let claim = query(sql).bind(now.0).bind(claimant.node.0);
    claimant.bind(claim).fetch_all(db).await?.iter().map(entry).collect()
}

/// Gives a claimed entry back without counting a try, to be judged from `from` on.
pub async fn give_back(db: &mut Conn, entry: &QueueEntry, from: Timestamp) -> Result<(), StoreError> {
    let back = where_still_claimed(
        "UPDATE queue SET attempts = attempts - 1, next_at = $4, claimed_by = NULL",
        entry,
    );
    back.bind(from.0).execute(db).await?;
    Ok(())
}

/// Gives a claimed entry back that could not be judged, to be retried at that time.
pub async fn put_off(db: &mut Conn, entry: &QueueEntry, until: Timestamp) -> Result<(), StoreError> {
    where_still_claimed("UPDATE queue SET next_at = $4, claimed_by = NULL", entry)
        .bind(until.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Pauses the waiting entries of a list until its release, or resumes them.
pub(crate) async fn pause(
    db: &mut Conn,
    list: ListNo,
    from: QueueName,
    to: QueueName,
) -> Result<(), StoreError> {
    query("UPDATE queue SET queue = $3 WHERE list_no = $1 AND queue = $2 AND claimed_by IS NULL")
        .bind(list.0)
        .bind(from.name())
        .bind(to.name())
        .execute(db)
        .await?;
    Ok(())
}

/// Holds a waiting entry for a person. Returns whether it was waiting.
pub async fn hold(db: &mut Conn, no: EntryNo, reason: Reason) -> Result<bool, StoreError> {
    let reasons = serde_json::to_string(&[reason]).map_err(|_| DAMAGED)?;
    let held = query(
        "UPDATE queue SET queue = 'hold', reasons = $2, approved = 0 WHERE no = $1 AND queue IN ('in', 'paused') AND claimed_by IS NULL",
    );
    Ok(held.bind(no.0).bind(reasons).execute(db).await?.rows_affected() > 0)
}

/// All entries of a queue, the oldest first.
pub async fn listed(db: &mut Conn, place: QueueName) -> Result<Vec<QueueEntry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM queue WHERE queue = $1 AND {} ORDER BY no", *KNOWN);
    query(sql).bind(place.name()).fetch_all(db).await?.iter().map(entry).collect()
}

/// How many entries wait to be judged.
pub async fn waiting(db: &mut Conn) -> Result<u64, StoreError> {
    let row = query("SELECT COUNT(*) FROM queue WHERE queue IN ('in', 'paused')").fetch_one(db).await?;
    Ok(u64::try_from(row.value::<i64>()?).unwrap_or_default())
}

/// The amount of mail with commands that waits to be judged.
pub async fn commands_waiting(db: &mut Conn, source: u16) -> Result<WaitingMail, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS messages, CAST(COALESCE(SUM(b.octets), 0) AS BIGINT) AS octets,
             CAST(COALESCE(SUM(CASE WHEN q.source = $1 THEN 1 ELSE 0 END), 0) AS BIGINT) AS messages_of_source,
             CAST(COALESCE(SUM(CASE WHEN q.source = $1 THEN b.octets ELSE 0 END), 0) AS BIGINT) AS octets_of_source
         FROM queue q JOIN bodies b ON b.no = q.body_no
         WHERE q.queue = 'in' AND q.sub_address IN ('request', 'join', 'leave', 'confirm', 'sendkey')",
    );
    let row = row.bind(i64::from(source)).fetch_one(db).await?;
    let count =
        |name: &str| Ok::<_, StoreError>(u64::try_from(row.try_get::<i64>(name)?).unwrap_or_default());
    Ok(WaitingMail {
        of_all: Amount { messages: count("messages")?, octets: count("octets")? },
        of_source: Amount { messages: count("messages_of_source")?, octets: count("octets_of_source")? },
    })
}

/// One entry.
pub async fn find(db: &mut Conn, no: EntryNo) -> Result<Option<QueueEntry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM queue WHERE no = $1 AND {}", *KNOWN);
    query(sql).bind(no.0).fetch_optional(db).await?.as_ref().map(entry).transpose()
}

/// Deletes a finished entry, and its body unless another row names it. What became of it is kept for some
/// days. Errs with [`StoreError::Lost`] if another node has taken the entry over; then nothing that was made
/// of it may be committed.
pub async fn finish(
    db: &mut Conn,
    entry: &QueueEntry,
    fate: MessageFate,
    reasons: &[Reason],
    now: Timestamp,
) -> Result<(), StoreError> {
    let gone = where_still_claimed("DELETE FROM queue", entry).execute(&mut *db).await?;
    if gone.rows_affected() == 0 {
        return Err(StoreError::Lost);
    }
    bodies::delete(&mut *db, entry.body).await?;
    traces::keep_message(db, entry, fate, reasons, now).await
}

/// Moves an entry to hold or shunt with its reasons. Errs as [`finish`] does.
pub async fn set_aside(
    db: &mut Conn,
    entry: &QueueEntry,
    place: QueueName,
    reasons: &[Reason],
) -> Result<(), StoreError> {
    let reasons = serde_json::to_string(reasons).map_err(|_| DAMAGED)?;
    let change = "UPDATE queue SET queue = $4, reasons = $5, approved = 0, claimed_by = NULL";
    let moved = where_still_claimed(change, entry).bind(place.name()).bind(reasons).execute(db).await?;
    if moved.rows_affected() == 0 { Err(StoreError::Lost) } else { Ok(()) }
}

/// Limits a change to the entry in the state in which it was claimed or read.
fn where_still_claimed(change: &str, entry: &QueueEntry) -> Query<'static> {
    query(format!("{change} WHERE no = $1 AND attempts = $2 AND COALESCE(claimed_by, 0) = $3"))
        .bind(entry.no.0)
        .bind(entry.attempts)
        .bind(entry.claimed_by.map_or(0, |node| node.0))
}

/// Puts an entry back into the queue: after a moderator accepted it (`approved`), or to retry a shunted one.
/// Its tokens become invalid, because it may be held again for other reasons. Returns `false` if somebody
/// else did so first.
pub async fn resume(db: &mut Conn, no: EntryNo, now: Timestamp) -> Result<bool, StoreError> {
    let resumed = query("UPDATE queue SET approved = CASE WHEN queue = 'hold' THEN 1 ELSE 0 END, queue = 'in', attempts = 0, next_at = $2 WHERE no = $1 AND queue IN ('hold', 'shunt')")
        .bind(no.0)
        .bind(now.0)
        .execute(&mut *db)
        .await?;
    query("DELETE FROM tokens WHERE entry_no = $1").bind(no.0).execute(db).await?;
    Ok(resumed.rows_affected() > 0)
}
