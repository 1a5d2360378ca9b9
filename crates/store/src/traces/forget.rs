//! Deletes what is kept of done messages and copies: what is too old, and the oldest of what is too much.

use sealist_mail::Timestamp;

use crate::sql::query;
use crate::{Conn, StoreError};

/// Whether there may be more to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// As many rows as allowed were deleted.
    Some,
    /// Nothing is left to delete.
    All,
}

/// Deletes at most `limit` messages and at most `limit` sendings, with their copies, that were done before
/// their times.
pub async fn forget(db: &mut Conn, before: TraceLimits, limit: u32) -> Result<Forgotten, StoreError> {
    let messages = query(
        "DELETE FROM done_messages WHERE entry_no IN
         (SELECT entry_no FROM done_messages WHERE done_at < $1 ORDER BY done_at LIMIT $2)",
    );
    let messages = messages.bind(before.messages.0).bind(limit).execute(&mut *db).await?.rows_affected();
    // The rows of copies go first, because only the sending knows how old they are.
    query(
        "DELETE FROM done_copies WHERE sending_no IN
         (SELECT no FROM done_sendings WHERE done_at < $1 ORDER BY done_at, no LIMIT $2)",
    )
    .bind(before.sendings.0)
    .bind(limit)
    .execute(&mut *db)
    .await?;
    let sendings = query(
        "DELETE FROM done_sendings WHERE no IN
         (SELECT no FROM done_sendings WHERE done_at < $1 ORDER BY done_at, no LIMIT $2)",
    );
    let sendings = sendings.bind(before.sendings.0).bind(limit).execute(db).await?.rows_affected();
    Ok(if messages.max(sendings) < u64::from(limit) { Forgotten::All } else { Forgotten::Some })
}

/// Before when messages and sendings go. Each has its own time: a flood of forged mail must not delete what
/// was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceLimits {
    /// Messages that were done before.
    pub messages: Timestamp,
    /// Sendings that were done before, with their copies.
    pub sendings: Timestamp,
}

/// What is older than `before`, and of messages and of sendings the oldest beyond `most`.
pub async fn limits(db: &mut Conn, before: Timestamp, most: u32) -> Result<TraceLimits, StoreError> {
    let messages = before.max(beyond(&mut *db, "done_messages", most).await?);
    Ok(TraceLimits { messages, sendings: before.max(beyond(db, "done_sendings", most).await?) })
}

/// The time before which the rows of a table are more than `most`.
async fn beyond(db: &mut Conn, table: &str, most: u32) -> Result<Timestamp, StoreError> {
    let newest = query(format!("SELECT done_at FROM {table} ORDER BY done_at DESC LIMIT 1 OFFSET $1"));
    let row = newest.bind(i64::from(most)).fetch_optional(db).await?;
    let at = row.map(|row| row.value::<i64>()).transpose()?;
    Ok(at.map_or(Timestamp(0), |at| Timestamp(at + 1)))
}
