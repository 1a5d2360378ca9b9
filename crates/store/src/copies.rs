//! What became of copies, for people to look at.

use sealist_lists::model::{DeliveryNo, ListNo, PostNo};
use sealist_mail::Timestamp;

use crate::sql::query;
use crate::{Conn, StoreError};

/// A copy that is not out.
#[derive(Clone, Debug)]
pub struct Unsent {
    /// Its number.
    pub no: DeliveryNo,
    /// Of which post.
    pub post: PostNo,
    /// The list.
    pub list: ListNo,
    /// To whom.
    pub email: String,
    /// `due`, `failed` or `held_for_key`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before.
    pub next_at: Timestamp,
    /// The next hop's last words, or our reason.
    pub reply: String,
    /// When its post was accepted.
    pub accepted_at: Timestamp,
}

/// The first `limit` copies behind `after` that are not out.
pub async fn unsent(db: &mut Conn, after: DeliveryNo, limit: u32) -> Result<Vec<Unsent>, StoreError> {
    let rows = query(
        "SELECT d.no, d.post_no, p.list_no, d.email, d.state, d.attempts, d.next_at, d.reply, p.accepted_at
         FROM deliveries d JOIN posts p ON p.no = d.post_no WHERE d.state != 'sent' AND d.no > $1 ORDER BY d.no LIMIT $2",
    )
    .bind(after.0)
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Unsent {
                no: DeliveryNo(row.try_get(0)?),
                post: PostNo(row.try_get(1)?),
                list: ListNo(row.try_get(2)?),
                email: row.try_get(3)?,
                state: row.try_get(4)?,
                attempts: row.try_get(5)?,
                next_at: Timestamp(row.try_get(6)?),
                reply: row.try_get(7)?,
                accepted_at: Timestamp(row.try_get(8)?),
            })
        })
        .collect()
}

/// Makes copies due at once: that one, or all that wait for their next try. One that failed begins anew. Says how many.
pub async fn retry(db: &mut Conn, copy: Option<DeliveryNo>, now: Timestamp) -> Result<u64, StoreError> {
    let retried = match copy {
        Some(copy) => {
            query("UPDATE deliveries SET state = 'due', attempts = 0, next_at = $1 WHERE no = $2 AND state IN ('due', 'failed') AND claimed_by IS NULL")
                .bind(now.0)
                .bind(copy.0)
        }
        None => query("UPDATE deliveries SET next_at = $1 WHERE state = 'due' AND next_at > $1 AND claimed_by IS NULL").bind(now.0),
    };
    let done = retried.execute(&mut *db).await?;
    db.call("outgoing").await?;
    Ok(done.rows_affected())
}

/// Gives a copy up; says whether it waited.
pub async fn give_up(db: &mut Conn, copy: DeliveryNo) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE deliveries SET state = 'failed', reply = 'given up by an admin' WHERE no = $1 AND state IN ('due', 'held_for_key') AND claimed_by IS NULL",
    )
    .bind(copy.0)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
