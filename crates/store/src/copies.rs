//! The state of copies, for people.

use std::collections::BTreeMap;

use sealist_lists::model::{DeliveryNo, ListNo, SendingNo};
use sealist_mail::Timestamp;

use crate::sql::query;
use crate::{Conn, StoreError, sendings};

/// A copy that is not delivered.
#[derive(Clone, Debug)]
pub struct Unsent {
    /// Its number.
    pub no: DeliveryNo,
    /// Of which post.
    pub post: SendingNo,
    /// The list.
    pub list: ListNo,
    /// The recipient.
    pub email: String,
    /// `due`, `failed`, `held_for_key` or `held`.
    pub state: String,
    /// How often delivery was tried.
    pub attempts: u32,
    /// The time before which it is not tried again.
    pub next_at: Timestamp,
    /// The next hop's last reply, or our reason.
    pub reply: String,
    /// When its post was accepted.
    pub accepted_at: Timestamp,
}

/// The first `limit` undelivered copies after `after`.
pub async fn unsent(db: &mut Conn, after: DeliveryNo, limit: u32) -> Result<Vec<Unsent>, StoreError> {
    let rows = query(
        "SELECT d.no, d.sending_no, s.list_no, d.email, d.state, d.attempts, d.next_at, d.reply, s.accepted_at
         FROM deliveries d JOIN sendings s ON s.no = d.sending_no WHERE d.state != 'sent' AND d.no > $1 ORDER BY d.no LIMIT $2",
    )
    .bind(after.0)
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Unsent {
                no: DeliveryNo(row.try_get("no")?),
                post: SendingNo(row.try_get("sending_no")?),
                list: ListNo(row.try_get("list_no")?),
                email: row.try_get("email")?,
                state: row.try_get("state")?,
                attempts: row.try_get("attempts")?,
                next_at: Timestamp(row.try_get("next_at")?),
                reply: row.try_get("reply")?,
                accepted_at: Timestamp(row.try_get("accepted_at")?),
            })
        })
        .collect()
}

/// Posts with undelivered copies, and the states of their copies.
pub async fn on_their_way(db: &mut Conn) -> Result<Vec<OnItsWay>, StoreError> {
    let rows = query(
        "SELECT s.no, s.list_no, s.kind, s.accepted_at, s.fan_out_done, d.state, COUNT(d.no) AS copies FROM sendings s
         LEFT JOIN deliveries d ON d.sending_no = s.no WHERE s.fan_out_done = 0 OR EXISTS
         (SELECT 1 FROM deliveries e WHERE e.sending_no = s.no AND e.state NOT IN ('sent', 'failed'))
         GROUP BY s.no, s.list_no, s.kind, s.accepted_at, s.fan_out_done, d.state ORDER BY s.no, d.state",
    )
    .fetch_all(db)
    .await?;
    let mut posts: Vec<OnItsWay> = Vec::new();
    for row in &rows {
        let no = SendingNo(row.try_get("no")?);
        if posts.last().is_none_or(|post| post.no != no) {
            posts.push(OnItsWay {
                no,
                list: ListNo(row.try_get("list_no")?),
                kind: row.try_get("kind")?,
                accepted_at: Timestamp(row.try_get("accepted_at")?),
                whole_roster: row.try_get("fan_out_done")?,
                copies: BTreeMap::new(),
            });
        }
        if let (Some(post), Some(state)) = (posts.last_mut(), row.try_get::<Option<String>>("state")?) {
            post.copies.insert(state, row.try_get("copies")?);
        }
    }
    Ok(posts)
}

/// A post with undelivered copies.
#[derive(Clone, Debug)]
pub struct OnItsWay {
    /// Its number.
    pub no: SendingNo,
    /// The list.
    pub list: ListNo,
    /// `posting` or `notice`.
    pub kind: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Whether rows for all its recipients exist.
    pub whole_roster: bool,
    /// How many copies are in each state.
    pub copies: BTreeMap<String, i64>,
}

/// Which copies a command is for.
#[derive(Clone, Copy, Debug)]
pub enum CopySelection {
    /// One copy.
    One(DeliveryNo),
    /// All copies of a post.
    Of(SendingNo),
}

impl CopySelection {
    fn condition(self) -> (&'static str, i64) {
        match self {
            Self::One(copy) => ("no = $1", copy.0),
            Self::Of(post) => ("sending_no = $1", post.0),
        }
    }
}

/// The list of a copy or of a post; `None` if there is no such copy or post.
pub async fn list_of(db: &mut Conn, which: CopySelection) -> Result<Option<ListNo>, StoreError> {
    let (sql, number) = match which {
        CopySelection::One(copy) => (
            "SELECT s.list_no FROM sendings s JOIN deliveries d ON d.sending_no = s.no WHERE d.no = $1",
            copy.0,
        ),
        CopySelection::Of(post) => ("SELECT list_no FROM sendings WHERE no = $1", post.0),
    };
    let row = query(sql).bind(number).fetch_optional(db).await?;
    row.map(|row| row.value().map(ListNo)).transpose()
}

/// Makes copies due at once, including failed and held ones, and starts their retries anew. Returns how many.
pub async fn retry(db: &mut Conn, which: CopySelection, now: Timestamp) -> Result<u64, StoreError> {
    let (condition, number) = which.condition();
    let retried = query(format!(
        "UPDATE deliveries SET state = 'due', attempts = 0, next_at = $2 WHERE {condition}
         AND state IN ('due', 'failed', 'held') AND claimed_by IS NULL"
    ));
    let done = retried.bind(number).bind(now.0).execute(&mut *db).await?;
    db.notify("outgoing").await?;
    Ok(done.rows_affected())
}

/// Makes all copies due that wait for their next try. Returns how many.
pub async fn retry_all(db: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    let done = query(
        "UPDATE deliveries SET next_at = $1 WHERE state = 'due' AND next_at > $1 AND claimed_by IS NULL",
    )
    .bind(now.0)
    .execute(&mut *db)
    .await?;
    db.notify("outgoing").await?;
    Ok(done.rows_affected())
}

/// Holds copies that wait for their next try; of a post also those that were not made yet. [`retry`] releases
/// them. Returns how many.
pub async fn hold(db: &mut Conn, which: CopySelection) -> Result<u64, StoreError> {
    end_wait(db, which, "state = 'held', reply = 'held by an admin'", "'due'").await
}

/// Drops copies and returns how many waited.
pub async fn give_up(db: &mut Conn, which: CopySelection) -> Result<u64, StoreError> {
    let waits = "'due', 'held_for_key', 'held'";
    end_wait(db, which, "state = 'failed', reply = 'dropped by an admin'", waits).await
}

async fn end_wait(db: &mut Conn, which: CopySelection, change: &str, waits: &str) -> Result<u64, StoreError> {
    if let CopySelection::Of(post) = which {
        sendings::fan_out_whole(&mut *db, post).await?;
    }
    let (condition, number) = which.condition();
    let sql = format!(
        "UPDATE deliveries SET {change} WHERE {condition} AND state IN ({waits}) AND claimed_by IS NULL"
    );
    Ok(query(sql).bind(number).execute(db).await?.rows_affected())
}
