//! Domains and lists.

use std::collections::BTreeMap;

use sealist_lists::model::{BodyNo, ListName, ListNo, ListSettings, MailingList};
use sealist_lists::registry::Registry;
use sealist_mail::Timestamp;

use crate::list_settings;
use crate::queue::{self, QueueName};
use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError};

const DAMAGED: StoreError = StoreError::Damaged { table: "lists" };
const LIST_IS_HELD: &str = "the list is held by an admin";
/// Selects a row per setting that differs from the style, and one row for a list without such settings.
const SELECT: &str =
    "SELECT l.no, l.local, d.mail_host, l.style, l.openpgp, s.name, s.value, l.held_at FROM lists l
    JOIN domains d ON d.no = l.domain_no LEFT JOIN list_settings s ON s.list_no = l.no";

/// Makes a list, and its domain if there is none. Errs with [`StoreError::Duplicate`] if the name is taken.
pub async fn create(
    db: &mut Conn,
    name: &ListName,
    style: &str,
    settings: &ListSettings,
    now: Timestamp,
) -> Result<ListNo, StoreError> {
    query("INSERT INTO domains (mail_host, created_at) VALUES ($1, $2) ON CONFLICT (mail_host) DO NOTHING")
        .bind(name.mail_host())
        .bind(now.0)
        .execute(&mut *db)
        .await?;
    let row = query(
        "INSERT INTO lists (domain_no, local, style, openpgp, created_at)
         SELECT no, $2, $3, $4, $5 FROM domains WHERE mail_host = $1 RETURNING no",
    )
    .bind(name.mail_host())
    .bind(name.local())
    .bind(style)
    .bind(i64::from(settings.has_openpgp()))
    .bind(now.0)
    .fetch_one(&mut *db)
    .await?;
    let no = ListNo(row.value()?);
    list_settings::write_all(db, no, settings).await?;
    Ok(no)
}

/// The list of that name.
pub async fn by_name(db: &mut Conn, name: &ListName) -> Result<Option<MailingList>, StoreError> {
    let sql = format!("{SELECT} WHERE d.mail_host = $1 AND l.local = $2");
    let rows = query(sql).bind(name.mail_host()).bind(name.local()).fetch_all(&mut *db).await?;
    Ok(gathered(&db.registry(), &rows)?.pop().map(|(list, _)| list))
}

/// The list of that number.
pub async fn by_no(db: &mut Conn, no: ListNo) -> Result<Option<MailingList>, StoreError> {
    let rows = query(format!("{SELECT} WHERE l.no = $1")).bind(no.0).fetch_all(&mut *db).await?;
    Ok(gathered(&db.registry(), &rows)?.pop().map(|(list, _)| list))
}

/// All lists by name.
pub async fn all(db: &mut Conn) -> Result<Vec<MailingList>, StoreError> {
    let rows = query(format!("{SELECT} ORDER BY d.mail_host, l.local")).fetch_all(&mut *db).await?;
    Ok(gathered(&db.registry(), &rows)?.into_iter().map(|(list, _)| list).collect())
}

/// The names of all lists, by number.
pub async fn names(db: &mut Conn) -> Result<BTreeMap<ListNo, String>, StoreError> {
    let rows = query("SELECT l.no, l.local, d.mail_host FROM lists l JOIN domains d ON d.no = l.domain_no");
    let name = |row: &SqlRow| {
        let (local, host) = (row.try_get::<String>("local")?, row.try_get::<String>("mail_host")?);
        Ok((ListNo(row.try_get("no")?), format!("{local}@{host}")))
    };
    rows.fetch_all(db).await?.iter().map(name).collect()
}

/// Holds a list: its mail is received, but nothing is judged or sent. Work that has begun is finished.
/// Returns whether it was not held before.
pub async fn hold(db: &mut Conn, no: ListNo, now: Timestamp) -> Result<bool, StoreError> {
    let held = query("UPDATE lists SET held_at = $2 WHERE no = $1 AND held_at IS NULL");
    let is_new = held.bind(no.0).bind(now.0).execute(&mut *db).await?.rows_affected() > 0;
    queue::pause(&mut *db, no, QueueName::In, QueueName::Paused).await?;
    query(
        "UPDATE deliveries SET state = 'held', reply = $2 WHERE state = 'due' AND claimed_by IS NULL
         AND sending_no IN (SELECT no FROM sendings WHERE list_no = $1)",
    )
    .bind(no.0)
    .bind(LIST_IS_HELD)
    .execute(db)
    .await?;
    Ok(is_new)
}

/// Releases a held list. Returns whether it was held.
pub async fn release(db: &mut Conn, no: ListNo) -> Result<bool, StoreError> {
    let released = query("UPDATE lists SET held_at = NULL WHERE no = $1 AND held_at IS NOT NULL").bind(no.0);
    let released = released.execute(&mut *db).await?.rows_affected() > 0;
    queue::pause(&mut *db, no, QueueName::Paused, QueueName::In).await?;
    query(
        "UPDATE deliveries SET state = 'due', reply = '' WHERE state = 'held' AND reply = $2
         AND sending_no IN (SELECT no FROM sendings WHERE list_no = $1)",
    )
    .bind(no.0)
    .bind(LIST_IS_HELD)
    .execute(&mut *db)
    .await?;
    db.notify("incoming").await?;
    db.notify("outgoing").await?;
    Ok(released)
}

/// The lists that are held, and since when.
pub async fn held(db: &mut Conn) -> Result<Vec<(MailingList, Timestamp)>, StoreError> {
    let rows =
        query(format!("{SELECT} WHERE l.held_at IS NOT NULL ORDER BY l.no")).fetch_all(&mut *db).await?;
    let lists = gathered(&db.registry(), &rows)?.into_iter();
    Ok(lists.filter_map(|(list, since)| Some((list, since?))).collect())
}

/// Deletes a list with its members, queue, posts and their bodies.
pub async fn delete(db: &mut Conn, no: ListNo) -> Result<(), StoreError> {
    let bodies = query(
        "SELECT body_no FROM queue WHERE list_no = $1 UNION SELECT body_no FROM sendings WHERE list_no = $1
         UNION SELECT second_body_no FROM sendings WHERE list_no = $1 AND second_body_no IS NOT NULL
         UNION SELECT body_no FROM posts WHERE list_no = $1
         UNION SELECT summary_no FROM archive WHERE list_no = $1 AND summary_no IS NOT NULL",
    )
    .bind(no.0)
    .fetch_all(&mut *db)
    .await?;
    query("DELETE FROM lists WHERE no = $1").bind(no.0).execute(&mut *db).await?;
    for row in bodies {
        crate::bodies::delete(&mut *db, BodyNo(row.value()?)).await?;
    }
    Ok(())
}

/// The lists of those rows, and since when each is held. Rows of one list stand one after the other.
fn gathered(
    registry: &Registry,
    rows: &[SqlRow],
) -> Result<Vec<(MailingList, Option<Timestamp>)>, StoreError> {
    let mut lists: Vec<(MailingList, Option<Timestamp>)> = Vec::new();
    for row in rows {
        let no = ListNo(row.try_get("no")?);
        if lists.last().is_none_or(|(list, _)| list.no != no) {
            let held_at: Option<i64> = row.try_get("held_at")?;
            lists.push((without_rows(registry, row, no)?, held_at.map(Timestamp)));
        }
        let setting: (Option<String>, Option<String>) = (row.try_get("name")?, row.try_get("value")?);
        if let ((Some(name), Some(value)), Some((list, _))) = (setting, lists.last_mut()) {
            list_settings::take(registry, no, &mut list.settings, &name, &value);
        }
    }
    Ok(lists)
}

/// The list with what its style says.
fn without_rows(registry: &Registry, row: &SqlRow, no: ListNo) -> Result<MailingList, StoreError> {
    let (local, host, style): (String, String, String) =
        (row.try_get("local")?, row.try_get("mail_host")?, row.try_get("style")?);
    Ok(MailingList {
        no,
        name: ListName::new(&local, &host).map_err(|_| DAMAGED)?,
        settings: list_settings::defaults(registry, no, &style, row.try_get::<i64>("openpgp")? != 0),
    })
}
