//! Who follows the events of a site, and how far each has come.
//!
//! A consumer reads behind its position. The number of a row cannot be that position: on PostgreSQL several
//! nodes write at once, and a row with a lower number may be committed after a row with a higher one, so that
//! a consumer would never see it. Positions are therefore given after the commit, in a short step of their
//! own that a reading consumer starts. The step sees committed rows only, and one lock makes the steps follow
//! each other. So all rows up to a position are there once a row with that position is there. Rows of a
//! transaction that is still open get a later position, and nobody waits for them. Whoever changes something
//! pays nothing for this.

use crate::transaction;
use sealist_mail::Timestamp;

use super::{RecordedEvent, SELECT, read};
use crate::sql::query;
use crate::{Conn, Store, StoreError};

/// Positions that one step gives.
const MOST_AT_ONCE: u32 = 1000;

/// Where a new consumer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// With the oldest event that is kept.
    Oldest,
    /// With the next event.
    Next,
}

/// Who follows the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventConsumer {
    /// The name.
    pub name: String,
    /// What it is, in a word.
    pub kind: String,
    /// The position of the last event that it acknowledged; 0 before the first.
    pub position: i64,
}

/// What became of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// It is recorded.
    Recorded,
    /// There is no such consumer. Nothing is recorded.
    NoConsumer,
    /// No event has that position. Nothing is recorded: the consumer would miss the events that get a
    /// position later.
    NotGiven {
        /// The last position that was given; 0: none was.
        last: i64,
    },
}

impl Store {
    /// Gives positions to all events that are there, so that a consumer can begin behind them.
    pub async fn give_all_positions(&self) -> Result<(), StoreError> {
        while self.give_positions().await? {}
        Ok(())
    }

    /// The first `most` events behind the position of a consumer, in their order. The same come again until
    /// they are acknowledged. `None` if there is no such consumer.
    pub async fn next_events(
        &self,
        consumer: &str,
        most: u32,
    ) -> Result<Option<Vec<RecordedEvent>>, StoreError> {
        loop {
            let mut db = self.reader().await?;
            let Some(position) = position_of(&mut db, consumer).await? else { return Ok(None) };
            let found = behind(&mut db, position, most).await?;
            drop(db);
            if found.len() as u64 >= u64::from(most) || !self.give_positions().await? {
                return Ok(Some(found));
            }
        }
    }

    /// Records that a consumer has taken in all events up to that position. A lower one than before changes
    /// nothing: a consumer that runs twice never goes back.
    pub async fn acknowledge(&self, consumer: &str, position: i64) -> Result<Acknowledgement, StoreError> {
        let consumer = consumer.to_owned();
        self.write(transaction!(|db| {
            if position_of(&mut *db, &consumer).await?.is_none() {
                return Ok(Acknowledgement::NoConsumer);
            }
            let last = last_given(&mut *db).await?;
            if !(0..=last).contains(&position) {
                return Ok(Acknowledgement::NotGiven { last });
            }
            let sql = "UPDATE event_consumers SET position = $2 WHERE name = $1 AND position < $2";
            query(sql).bind(consumer).bind(position).execute(db).await?;
            Ok(Acknowledgement::Recorded)
        }))
        .await
    }

    /// Gives positions to events that have none; `false` if there are none, or another node gives them at
    /// this moment.
    async fn give_positions(&self) -> Result<bool, StoreError> {
        if !is_any_without_position(&mut *self.reader().await?).await? {
            return Ok(false);
        }
        self.write(transaction!(|db| give_positions(db).await)).await
    }
}

/// All consumers, by name.
pub async fn all(db: &mut Conn) -> Result<Vec<EventConsumer>, StoreError> {
    let rows = query("SELECT name, kind, position FROM event_consumers ORDER BY name").fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            Ok(EventConsumer {
                name: row.try_get("name")?,
                kind: row.try_get("kind")?,
                position: row.try_get("position")?,
            })
        })
        .collect()
}

/// Removes a consumer; `false` if there is none of that name.
pub async fn remove(db: &mut Conn, name: &str) -> Result<bool, StoreError> {
    let removed = query("DELETE FROM event_consumers WHERE name = $1").bind(name).execute(db).await?;
    Ok(removed.rows_affected() > 0)
}

/// Adds a consumer. One that begins with the next event begins behind the last position that was given. Errs
/// with [`StoreError::Duplicate`] if there is one of that name.
pub async fn add(
    db: &mut Conn,
    name: &str,
    kind: &str,
    start: StartAt,
    now: Timestamp,
) -> Result<(), StoreError> {
    let position = match start {
        StartAt::Oldest => "0",
        StartAt::Next => "(SELECT last FROM event_positions)",
    };
    let sql = format!(
        "INSERT INTO event_consumers (name, kind, position, created_at) VALUES ($1, $2, {position}, $3)"
    );
    query(sql).bind(name).bind(kind).bind(now.0).execute(db).await?;
    Ok(())
}

async fn position_of(db: &mut Conn, consumer: &str) -> Result<Option<i64>, StoreError> {
    let row = query("SELECT position FROM event_consumers WHERE name = $1").bind(consumer);
    row.fetch_optional(db).await?.map(|row| row.value()).transpose()
}

async fn last_given(db: &mut Conn) -> Result<i64, StoreError> {
    query("SELECT last FROM event_positions").fetch_one(db).await?.value()
}

async fn behind(db: &mut Conn, position: i64, most: u32) -> Result<Vec<RecordedEvent>, StoreError> {
    let sql = format!("{SELECT} WHERE e.position > $1 ORDER BY e.position LIMIT $2");
    query(sql).bind(position).bind(most).fetch_all(db).await?.iter().map(read).collect()
}

async fn is_any_without_position(db: &mut Conn) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM events WHERE position IS NULL AND day IS NULL)";
    query(sql).fetch_one(db).await?.value()
}

/// One step. The lock must come in a statement before the one that looks for rows: in PostgreSQL a statement
/// sees what was committed when it began.
async fn give_positions(db: &mut Conn) -> Result<bool, StoreError> {
    let lock = format!("SELECT last FROM event_positions WHERE no = 1 {}", db.skip_locked());
    let Some(row) = query(lock).fetch_optional(&mut *db).await? else { return Ok(false) };
    let last: i64 = row.value()?;
    let given = query(
        "UPDATE events SET position = $1 + given.place FROM
             (SELECT no, ROW_NUMBER() OVER (ORDER BY no) AS place FROM
                 (SELECT no FROM events WHERE position IS NULL AND day IS NULL ORDER BY no LIMIT $2) AS waiting) AS given
         WHERE events.no = given.no",
    );
    let given = given.bind(last).bind(MOST_AT_ONCE).execute(&mut *db).await?.rows_affected();
    let last = last + i64::try_from(given).unwrap_or(0);
    query("UPDATE event_positions SET last = $1 WHERE no = 1").bind(last).execute(db).await?;
    Ok(given > 0)
}
