//! The clock of a site, and the repair of timers after the clock was set back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use fail::fail_point;
use sealist_mail::Timestamp;

use crate::sql::query;
use crate::{Conn, StoreError};

/// The time of the database's clock when it was last read, and the time since then. Clones share it. Before
/// the first reading it is this machine's clock.
#[derive(Clone, Default)]
pub(crate) struct SiteClock(Arc<Mutex<Option<(Instant, Timestamp)>>>);

impl SiteClock {
    pub(crate) fn now(&self) -> Timestamp {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((seen, at)) => at.plus_ms(i64::try_from(seen.elapsed().as_millis()).unwrap_or(i64::MAX)),
            None => of_machine(),
        }
    }

    /// Reads the database's clock. Returns how many milliseconds this machine's clock is ahead.
    pub(crate) async fn read_clock(&self, db: &mut Conn) -> Result<i64, StoreError> {
        let began = Instant::now();
        let sql = format!("SELECT {}", db.clock());
        let at: i64 = query(sql).fetch_one(db).await?.value()?;
        // The database read its clock in the middle of the round trip.
        let seen = began + began.elapsed() / 2;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((seen, Timestamp(at)));
        Ok(of_machine().0 - self.now().0)
    }
}

/// This machine's clock; in test builds, moved ahead by the fail point.
fn of_machine() -> Timestamp {
    fail_point!("clock", |ahead_ms| {
        Timestamp::now().plus_ms(ahead_ms.and_then(|ms| ms.parse().ok()).unwrap_or_default())
    });
    Timestamp::now()
}

/// The newest time in the database. A clock with an earlier time is behind.
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
        newest = newest.max(query(sql).fetch_one(&mut *db).await?.value()?);
    }
    Ok(newest.map(Timestamp))
}

const TABLES: [(&str, &str); 2] = [
    ("queue", "queue = 'in' AND claimed_by IS NULL"),
    ("deliveries", "state = 'due' AND claimed_by IS NULL"),
];

/// Whether a timer is later than `latest`. This read-only check costs no commit.
pub async fn was_set_back(db: &mut Conn, latest: Timestamp) -> Result<bool, StoreError> {
    for (table, waits) in TABLES {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {waits} AND next_at > $1)");
        if query(sql).bind(latest.0).fetch_one(&mut *db).await?.value()? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes timers due that are later than `latest`, because they were set before the clock was set back.
/// Returns how many.
pub async fn reset_future_timers(
    db: &mut Conn,
    now: Timestamp,
    latest: Timestamp,
) -> Result<u64, StoreError> {
    let mut mended = 0;
    for (table, waits) in TABLES {
        let sql = format!("UPDATE {table} SET next_at = $2 WHERE {waits} AND next_at > $1");
        mended += query(sql).bind(latest.0).bind(now.0).execute(&mut *db).await?.rows_affected();
    }
    Ok(mended)
}
