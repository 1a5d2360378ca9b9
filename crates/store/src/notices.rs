//! Notices: letters to one person, delivered as posts are, and rare ([RFC 3834, section 2]).

use sealist_lists::model::{Channel, ListNo};
use sealist_mail::{Address, Timestamp};

use crate::bodies::{self, Body};
use crate::sql::query;
use crate::{Conn, StoreError};

/// Between two notices of one kind to one address.
const REST_MS: i64 = 24 * 3600 * 1000;

/// Whether a notice of that kind may go to that address now. A look ahead: [`insert`] decides.
pub async fn is_due(
    db: &mut Conn,
    list: ListNo,
    to: &Address,
    kind: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = query(
        "SELECT NOT EXISTS (SELECT 1 FROM notices WHERE list_no = $1 AND email_key = $2 AND kind = $3 AND sent_at > $4)",
    )
    .bind(list.0)
    .bind(to.key())
    .bind(kind)
    .bind(now.0 - REST_MS)
    .fetch_one(db)
    .await?;
    row.try_get(0)
}

/// A letter of a list to one person.
#[derive(Clone, Copy)]
pub struct NewNotice<'a> {
    /// Who writes.
    pub list: ListNo,
    /// Who reads.
    pub to: &'a Address,
    /// What it is about: of each kind one a day goes to an address.
    pub kind: &'a str,
    /// How it travels.
    pub channel: Channel,
    /// The letter.
    pub body: &'a Body,
}

/// Stores a notice for delivery with the null sender; `false`, and nothing done, if one of that kind went to
/// that address within a day.
pub async fn insert(db: &mut Conn, letter: &NewNotice<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let NewNotice { list, to, kind, channel, body } = *letter;
    let taken = query(
        "INSERT INTO notices (list_no, email_key, kind, sent_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (list_no, email_key, kind) DO UPDATE SET sent_at = excluded.sent_at
         WHERE notices.sent_at <= $5",
    )
    .bind(list.0)
    .bind(to.key())
    .bind(kind)
    .bind(now.0)
    .bind(now.0 - REST_MS)
    .execute(&mut *db)
    .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    let body = bodies::insert(&mut *db, body).await?;
    let post: i64 = query(
        "INSERT INTO posts (list_no, kind, channel, body_no, envelope_from, accepted_at, fan_out_done)
         VALUES ($1, 'notice', $4, $2, '', $3, 1) RETURNING no",
    )
    .bind(list.0)
    .bind(body.0)
    .bind(now.0)
    .bind(channel.name())
    .fetch_one(&mut *db)
    .await?
    .try_get(0)?;
    query(
        "INSERT INTO deliveries (post_no, address_no, email, state, next_at)
         VALUES ($1, (SELECT no FROM addresses WHERE email_key = $2), $3, 'due', $4)",
    )
    .bind(post)
    .bind(to.key())
    .bind(to.to_string())
    .bind(now.0)
    .execute(&mut *db)
    .await?;
    db.call("outgoing").await?;
    Ok(true)
}

/// Forgets notices whose rest is over.
pub async fn forget_old(db: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM notices WHERE sent_at <= $1").bind(now.0 - REST_MS).execute(db).await?;
    Ok(())
}
