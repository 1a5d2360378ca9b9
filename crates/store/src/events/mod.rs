//! The events of a site. Rows are added and, when they are old, deleted. Only rows that count are changed.
//!
//! A real change is recorded each time ([`record`]). Anybody can try something ten thousand times a day by
//! forged mail: the first attempts of a day are recorded each, and those beyond are counted in one row
//! ([`attempt`]). The row that counts names nobody, and consumers do not get it. What anybody can cause and
//! what lasts, as a message that waits, is recorded each time ([`record_unproven`]): other limits bound it.

pub mod consumers;
mod people;

use sealist_lists::events::{Actor, Event, EventKind, StoredActor};
use sealist_lists::model::{EntryNo, ListNo};
use sealist_mail::{Address, DAY_MS, Timestamp};
use serde_json::Value;

use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError};
pub use people::forget_person;
pub(crate) use people::{find_person, person_no};

const DAMAGED: StoreError = StoreError::Damaged { table: "events" };

/// Who causes the events of a transaction, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// Who causes them.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// The position in the order in which consumers read; `None` if it has none yet.
    pub position: Option<i64>,
    /// When it happened; of a row that counts, the last time.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The list, the person and the kind.
    pub event: Event,
    /// The data of the kind as it is stored: a newer version may have written more than this version reads.
    pub data: Value,
    /// How often it happened: more than once only in a row that counts what was beyond the limits of a day.
    /// That row names nobody.
    pub times: u64,
}

/// Who tried something, as far as the list knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trier {
    /// The person whom the event is about: a signature or a token shows it.
    Proven,
    /// Anybody, in the name of the person whom the event is about.
    Anybody,
}

/// Rows a day of one kind: about one person, if that person tried it; otherwise of one list, so that whoever
/// forges mail neither fills the table nor pushes other events out of sight.
const MOST_A_DAY: i64 = 20;

/// The actor of a row that counts.
fn anybody() -> StoredActor {
    StoredActor { kind: "anybody".to_owned(), ..StoredActor::default() }
}

/// Adds one event about a change: each is kept, however many there are.
pub async fn record(db: &mut Conn, occasion: &Occasion, event: &Event) -> Result<(), StoreError> {
    insert(db, occasion, Trier::Proven, event).await
}

/// Adds one event about a change that anybody can cause, in anybody's name: each is recorded. Where there are
/// many today, the event is about nobody. So nobody fills the table of people with names.
pub async fn record_unproven(db: &mut Conn, occasion: &Occasion, event: &Event) -> Result<(), StoreError> {
    let mut event = event.clone();
    if recorded_today(&mut *db, occasion.now, Trier::Anybody, &event).await? >= MOST_A_DAY {
        event.subject = None;
    }
    insert(db, occasion, Trier::Anybody, &event).await
}

/// Adds one event about an attempt that changed nothing that lasts, or counts it where there are many today.
pub async fn attempt(
    db: &mut Conn,
    occasion: &Occasion,
    trier: Trier,
    event: &Event,
) -> Result<(), StoreError> {
    match recorded_today(&mut *db, occasion.now, trier, event).await? < MOST_A_DAY {
        true => insert(db, occasion, trier, event).await,
        false => {
            let kind = EventKind::from_stored(&event.kind.name(), Value::Object(serde_json::Map::new()));
            count(db, event.list.unwrap_or(ListNo(0)), &kind, occasion.now).await
        }
    }
}

async fn recorded_today(
    db: &mut Conn,
    now: Timestamp,
    trier: Trier,
    event: &Event,
) -> Result<i64, StoreError> {
    let (of_whom, person) = match (trier, &event.subject) {
        (Trier::Proven, Some(subject)) => {
            let Some(person) = find_person(&mut *db, subject).await? else { return Ok(0) };
            ("unproven = 0 AND subject_no = $4", person)
        }
        // The last condition is always true: all variants bind the same values.
        (Trier::Proven, None) => ("unproven = 0 AND subject_no IS NULL AND $4 = 0", 0),
        (Trier::Anybody, _) => ("unproven = 1 AND $4 = 0", 0),
    };
    let sql =
        format!("SELECT COUNT(*) FROM events WHERE list_no = $1 AND kind = $2 AND at > $3 AND {of_whom}");
    let row = query(sql).bind(event.list.map(|list| list.0)).bind(event.kind.name());
    row.bind(now.0 - DAY_MS).bind(person).fetch_one(db).await?.value()
}

async fn insert(db: &mut Conn, occasion: &Occasion, trier: Trier, event: &Event) -> Result<(), StoreError> {
    let actor = occasion.actor.stored();
    let actor_no = match &actor.address {
        Some(address) => Some(person_no(&mut *db, address).await?),
        None => None,
    };
    let subject_no = match &event.subject {
        Some(subject) if Some(subject) == actor.address.as_ref() => actor_no,
        Some(subject) => Some(person_no(&mut *db, subject).await?),
        None => None,
    };
    let (kind, data) = event.kind.stored();
    query(
        "INSERT INTO events (list_no, at, actor_kind, actor_detail, actor_no, subject_no, kind, data, unproven)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(event.list.map(|list| list.0))
    .bind(occasion.now.0)
    .bind(actor.kind)
    .bind(actor.detail)
    .bind(actor_no)
    .bind(subject_no)
    .bind(kind)
    .bind(data.to_string())
    .bind(i64::from(trier == Trier::Anybody))
    .execute(db)
    .await?;
    Ok(())
}

/// Counts an event in the row of its list and day. Of its data there must be few.
pub async fn count(db: &mut Conn, list: ListNo, kind: &EventKind, now: Timestamp) -> Result<(), StoreError> {
    let (kind, data) = kind.stored();
    query(
        "INSERT INTO events (list_no, at, actor_kind, kind, data, day) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (list_no, kind, data, day) WHERE day IS NOT NULL
         DO UPDATE SET times = events.times + 1, at = excluded.at",
    )
    .bind(list.0)
    .bind(now.0)
    .bind(anybody().kind)
    .bind(kind)
    .bind(data.to_string())
    .bind(now.0.div_euclid(DAY_MS))
    .execute(db)
    .await?;
    Ok(())
}

/// How often events of that name were counted since `since`, by their data: on all lists together.
pub async fn counted(
    db: &mut Conn,
    name: &str,
    since: Timestamp,
) -> Result<Vec<(EventKind, u64)>, StoreError> {
    let rows = query(
        "SELECT data, CAST(SUM(times) AS BIGINT) AS times FROM events WHERE kind = $1 AND day >= $2
         GROUP BY data ORDER BY data",
    );
    let rows = rows.bind(name).bind(since.0.div_euclid(DAY_MS)).fetch_all(db).await?;
    let read = |row: &SqlRow| {
        let kind = EventKind::from_stored(name, json_of(&row.try_get::<String>("data")?));
        Ok((kind, u64::try_from(row.try_get::<i64>("times")?).unwrap_or(0)))
    };
    rows.iter().map(read).collect()
}

const SELECT: &str = "SELECT e.position, e.at, e.list_no, e.actor_kind, e.actor_detail, a.email_key AS actor,
    s.email_key AS subject,
    e.kind, e.data, e.times
    FROM events e LEFT JOIN event_people a ON a.no = e.actor_no LEFT JOIN event_people s ON s.no = e.subject_no";

/// The newest first: of one list, or of all.
pub async fn newest(
    db: &mut Conn,
    list: Option<ListNo>,
    limit: u32,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let of_list = if list.is_some() { "WHERE e.list_no = $2" } else { "" };
    let statement = query(format!("{SELECT} {of_list} ORDER BY e.no DESC LIMIT $1")).bind(limit);
    let statement = match list {
        Some(list) => statement.bind(list.0),
        None => statement,
    };
    statement.fetch_all(db).await?.iter().map(read).collect()
}

/// The name of a list that was deleted; `None` if it is there, or went before its event named it.
pub async fn name_of_deleted(db: &mut Conn, list: ListNo) -> Result<Option<String>, StoreError> {
    let row = query("SELECT data FROM events WHERE list_no = $1 AND kind = 'list-deleted'").bind(list.0);
    let data = row.fetch_optional(db).await?.map(|row| row.value::<String>()).transpose()?;
    Ok(data.and_then(|data| match EventKind::from_stored("list-deleted", json_of(&data)) {
        EventKind::ListDeleted { list } => Some(list),
        _ => None,
    }))
}

/// The list of that name that was deleted last.
pub async fn deleted_list(db: &mut Conn, name: &str) -> Result<Option<ListNo>, StoreError> {
    let (kind, data) = EventKind::ListDeleted { list: name.to_owned() }.stored();
    let row = query(
        "SELECT list_no FROM events WHERE kind = $1 AND data = $2 AND list_no IS NOT NULL
         ORDER BY no DESC LIMIT 1",
    );
    let row = row.bind(kind).bind(data.to_string()).fetch_optional(db).await?;
    row.map(|row| row.value().map(ListNo)).transpose()
}

/// The events about a message of a list since then, the oldest first.
pub async fn of_entry(
    db: &mut Conn,
    list: ListNo,
    entry: EntryNo,
    since: Timestamp,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let sql = format!("{SELECT} WHERE e.list_no = $1 AND e.at >= $2 AND e.data LIKE $3 ORDER BY e.no");
    let found = query(sql).bind(list.0).bind(since.0).bind(format!("%\"entry\":{entry}%"));
    let found = found.fetch_all(db).await?.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    // A longer number begins alike.
    Ok(found.into_iter().filter(|one| one.data["entry"] == entry.0).collect())
}

/// Deletes the events that are older, and the people whom no event names any more.
pub async fn forget(db: &mut Conn, before: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM events WHERE at < $1").bind(before.0).execute(&mut *db).await?;
    people::forget_unnamed(db).await
}

fn read(row: &SqlRow) -> Result<RecordedEvent, StoreError> {
    let address = |name: &str| {
        let key = row.try_get::<Option<String>>(name)?;
        Ok::<_, StoreError>(key.as_deref().and_then(Address::from_stored))
    };
    let actor = StoredActor {
        kind: row.try_get("actor_kind")?,
        detail: row.try_get("actor_detail")?,
        address: address("actor")?,
    };
    let (name, data) = (row.try_get::<String>("kind")?, json_of(&row.try_get::<String>("data")?));
    let kind = EventKind::from_stored(&name, data.clone());
    Ok(RecordedEvent {
        position: row.try_get("position")?,
        at: Timestamp(row.try_get("at")?),
        actor: Actor::from_stored(actor),
        event: Event {
            list: row.try_get::<Option<i64>>("list_no")?.map(ListNo),
            subject: address("subject")?,
            kind,
        },
        data,
        times: u64::try_from(row.try_get::<i64>("times")?).map_err(|_| DAMAGED)?,
    })
}

/// What is no JSON is shown as the text that it is.
fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
