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

/// Deletes at most `limit` messages and at most `limit` sendings, with their copies, that were done before `before`.
pub async fn forget(db: &mut Conn, before: Timestamp, limit: u32) -> Result<Forgotten, StoreError> {
    let messages = query(
        "DELETE FROM done_messages WHERE entry_no IN
         (SELECT entry_no FROM done_messages WHERE done_at < $1 ORDER BY done_at LIMIT $2)",
    );
    let messages = messages.bind(before.0).bind(limit).execute(&mut *db).await?.rows_affected();
    // The rows of copies go first, because only the sending knows how old they are.
    query(
        "DELETE FROM done_copies WHERE sending_no IN
         (SELECT no FROM done_sendings WHERE done_at < $1 ORDER BY done_at, no LIMIT $2)",
    )
    .bind(before.0)
    .bind(limit)
    .execute(&mut *db)
    .await?;
    let sendings = query(
        "DELETE FROM done_sendings WHERE no IN
         (SELECT no FROM done_sendings WHERE done_at < $1 ORDER BY done_at, no LIMIT $2)",
    );
    let sendings = sendings.bind(before.0).bind(limit).execute(db).await?.rows_affected();
    Ok(if messages.max(sendings) < u64::from(limit) { Forgotten::All } else { Forgotten::Some })
}

/// The time before which messages or sendings are more than `most`, so that [`forget`] deletes the oldest; `None` if they are not more.
pub async fn forget_beyond(db: &mut Conn, most: u32) -> Result<Option<Timestamp>, StoreError> {
    let mut before = None;
    for table in ["done_messages", "done_sendings"] {
        let newest = query(format!("SELECT done_at FROM {table} ORDER BY done_at DESC LIMIT 1 OFFSET $1"));
        let row = newest.bind(i64::from(most)).fetch_optional(&mut *db).await?;
        let at = row.map(|row| row.value::<i64>()).transpose()?;
        before = before.max(at.map(|at| Timestamp(at + 1)));
    }
    Ok(before)
}
