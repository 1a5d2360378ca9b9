//! The queue: what came in and is not done. One row per list and door.

use sealist_lists::model::{BodyNo, Door, EntryNo, ListNo};
use sealist_lists::rules::Reason;
use sealist_mail::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::bodies::{self, Body};
use crate::{Conn, StoreError};

const DAMAGED: StoreError = StoreError::Damaged { table: "queue" };
const COLUMNS: &str = "no, list_no, door, body_no, arrival, received_at, attempts, reasons, approved, queue";

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Waiting for the incoming runner.
    In,
    /// Waiting for a moderator.
    Hold,
    /// Set aside after it broke a runner three times.
    Shunt,
}

impl Place {
    /// The name in the database, on the command line and in `--json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Hold => "hold",
            Self::Shunt => "shunt",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::In, Self::Hold, Self::Shunt].into_iter().find(|place| place.name() == name)
    }
}

/// One message at one door.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub no: EntryNo,
    /// The list.
    pub list: ListNo,
    /// The door.
    pub door: Door,
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
    /// Where it is.
    pub place: Place,
}

/// Stores a message for one door; to be handled at once.
pub async fn push(
    db: &mut Conn,
    list: ListNo,
    door: Door,
    body: &Body,
    arrival: &[u8],
    now: Timestamp,
) -> Result<EntryNo, StoreError> {
    let body = bodies::insert(&mut *db, body).await?;
    let row = sqlx::query(
        "INSERT INTO queue (queue, list_no, door, body_no, arrival, received_at, next_at)
         VALUES ('in', $1, $2, $3, $4, $5, $5) RETURNING no",
    )
    .bind(list.0)
    .bind(door.name())
    .bind(body.0)
    .bind(arrival)
    .bind(now.0)
    .fetch_one(db)
    .await?;
    Ok(EntryNo(row.try_get(0)?))
}

/// Takes up to `limit` waiting entries for `lease_ms`; nobody else gets them until then.
pub async fn claim(
    db: &mut Conn,
    limit: u32,
    lease_ms: i64,
    now: Timestamp,
) -> Result<Vec<Entry>, StoreError> {
    let sql = format!(
        "UPDATE queue SET attempts = attempts + 1, next_at = $2 WHERE no IN
         (SELECT no FROM queue WHERE queue = 'in' AND next_at <= $1 ORDER BY next_at, no LIMIT $3) RETURNING {COLUMNS}"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(now.0)
        .bind(now.0 + lease_ms)
        .bind(limit)
        .fetch_all(db)
        .await?;
    rows.iter().map(entry).collect()
}

/// Frees what a process that died had claimed. Only at start, when no other process serves the database.
pub async fn release_claims(db: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE queue SET next_at = $1 WHERE queue = 'in' AND next_at > $1")
        .bind(now.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Everything at a place, oldest first.
pub async fn listed(db: &mut Conn, place: Place) -> Result<Vec<Entry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM queue WHERE queue = $1 ORDER BY no");
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(place.name()).fetch_all(db).await?.iter().map(entry).collect()
}

/// One entry.
pub async fn find(db: &mut Conn, no: EntryNo) -> Result<Option<Entry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM queue WHERE no = $1");
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(no.0).fetch_optional(db).await?.as_ref().map(entry).transpose()
}

/// The entry is done: it goes, and its body unless something else names it.
pub async fn finish(db: &mut Conn, entry: &Entry) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM queue WHERE no = $1").bind(entry.no.0).execute(&mut *db).await?;
    bodies::release(db, entry.body).await
}

/// Moves an entry to hold or shunt with its reasons.
pub async fn set_aside(
    db: &mut Conn,
    no: EntryNo,
    place: Place,
    reasons: &[Reason],
) -> Result<(), StoreError> {
    let reasons = serde_json::to_string(reasons).map_err(|_| DAMAGED)?;
    sqlx::query("UPDATE queue SET queue = $2, reasons = $3, approved = 0 WHERE no = $1")
        .bind(no.0)
        .bind(place.name())
        .bind(reasons)
        .execute(db)
        .await?;
    Ok(())
}

/// Back to the runner: after a moderator accepted a hold (`approved`), or to try a shunted one again.
pub async fn resume(db: &mut Conn, no: EntryNo, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE queue SET approved = (queue = 'hold'), queue = 'in', attempts = 0, next_at = $2 WHERE no = $1 AND queue != 'in'")
        .bind(no.0)
        .bind(now.0)
        .execute(db)
        .await?;
    Ok(())
}

/// The replay record of a signed text: `None` if it is new (and now recorded), else where it was first seen.
pub async fn record_digest(
    db: &mut Conn,
    digest: &[u8; 32],
    at: &Entry,
    now: Timestamp,
) -> Result<Option<Seen>, StoreError> {
    let made = sqlx::query(
        "INSERT INTO signature_digests (digest, list_no, door, arrival, outcome, seen_at)
         VALUES ($1, $2, $3, $4, '', $5) ON CONFLICT (digest) DO NOTHING",
    )
    .bind(&digest[..])
    .bind(at.list.0)
    .bind(at.door.name())
    .bind(&at.arrival)
    .bind(now.0)
    .execute(&mut *db)
    .await?;
    if made.rows_affected() == 1 {
        return Ok(None);
    }
    let row = sqlx::query("SELECT list_no, door, arrival FROM signature_digests WHERE digest = $1")
        .bind(&digest[..])
        .fetch_one(db)
        .await?;
    Ok(Some(Seen { list: ListNo(row.try_get(0)?), door: row.try_get(1)?, arrival: row.try_get(2)? }))
}

/// Forgets signed texts seen before `before`; says how many.
pub async fn forget_digests(db: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    let done =
        sqlx::query("DELETE FROM signature_digests WHERE seen_at < $1").bind(before.0).execute(db).await?;
    Ok(done.rows_affected())
}

/// Where a signed text was first seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The list.
    pub list: ListNo,
    /// The door's name.
    pub door: String,
    /// The transaction.
    pub arrival: Vec<u8>,
}

fn entry(row: &SqliteRow) -> Result<Entry, StoreError> {
    let text = |at: usize| row.try_get::<String, _>(at);
    Ok(Entry {
        no: EntryNo(row.try_get(0)?),
        list: ListNo(row.try_get(1)?),
        door: Door::from_name(&text(2)?).ok_or(DAMAGED)?,
        body: BodyNo(row.try_get(3)?),
        arrival: row.try_get(4)?,
        received_at: Timestamp(row.try_get(5)?),
        attempts: row.try_get(6)?,
        reasons: serde_json::from_str(&text(7)?).map_err(|_| DAMAGED)?,
        approved: row.try_get(8)?,
        place: Place::from_name(&text(9)?).ok_or(DAMAGED)?,
    })
}
