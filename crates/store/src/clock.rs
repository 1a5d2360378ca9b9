//! The clock of a site, and what one that is set back would make wait: times of next tries that no pause reaches.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use fail::fail_point;
use sealist_mail::Timestamp;

use crate::sql::query;
use crate::{Conn, StoreError};

/// The database's clock as it was seen last, and as it goes since. Clones share it. Without a look it is this machine's.
#[derive(Clone, Default)]
pub(crate) struct SiteClock(Arc<Mutex<Option<(Instant, Timestamp)>>>);

impl SiteClock {
    pub(crate) fn now(&self) -> Timestamp {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((seen, at)) => at.plus_ms(i64::try_from(seen.elapsed().as_millis()).unwrap_or(i64::MAX)),
            None => of_machine(),
        }
    }

    /// Looks at the database's clock; says how many milliseconds this machine's is ahead of it.
    pub(crate) async fn heed(&self, db: &mut Conn) -> Result<i64, StoreError> {
        let began = Instant::now();
        let sql = format!("SELECT {}", db.clock());
        let at: i64 = query(sql).fetch_one(db).await?.try_get(0)?;
        // The answer is of the middle of the way.
        let seen = began + began.elapsed() / 2;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((seen, Timestamp(at)));
        Ok(of_machine().0 - self.now().0)
    }
}

/// This machine's clock. In test builds: so many milliseconds ahead as the fail-point is given.
fn of_machine() -> Timestamp {
    fail_point!("clock", |ahead_ms| {
        Timestamp::now().plus_ms(ahead_ms.and_then(|ms| ms.parse().ok()).unwrap_or_default())
    });
    Timestamp::now()
}

/// The newest time that anything in the database bears: a clock that says less goes behind.
pub async fn newest(db: &mut Conn) -> Result<Option<Timestamp>, StoreError> {
    let columns = [
        ("queue", "received_at"),
        ("sendings", "accepted_at"),
        ("lists", "created_at"),
        ("addresses", "created_at"),
        ("members", "subscribed_at"),
        ("certificates", "updated_at"),
    ];
    let mut newest: Option<i64> = None;
    for (table, column) in columns {
        let sql = format!("SELECT MAX({column}) FROM {table}");
        newest = newest.max(query(sql).fetch_one(&mut *db).await?.try_get(0)?);
    }
    Ok(newest.map(Timestamp))
}

const TABLES: [(&str, &str); 2] = [
    ("queue", "queue = 'in' AND claimed_by IS NULL"),
    ("deliveries", "state = 'due' AND claimed_by IS NULL"),
];

/// Whether something waits until later than `latest`. A look ahead: it costs no commit.
pub async fn was_set_back(db: &mut Conn, latest: Timestamp) -> Result<bool, StoreError> {
    for (table, waits) in TABLES {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {waits} AND next_at > $1)");
        if query(sql).bind(latest.0).fetch_one(&mut *db).await?.try_get(0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes due what waits until later than `latest`: it was put off by a clock that has been set back since. Says how much.
pub async fn mend(db: &mut Conn, now: Timestamp, latest: Timestamp) -> Result<u64, StoreError> {
    let mut mended = 0;
    for (table, waits) in TABLES {
        let sql = format!("UPDATE {table} SET next_at = $2 WHERE {waits} AND next_at > $1");
        mended += query(sql).bind(latest.0).bind(now.0).execute(&mut *db).await?.rows_affected();
    }
    Ok(mended)
}
