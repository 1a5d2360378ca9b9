//! Notices: letters to one person, delivered as posts are, and rare ([RFC 3834, section 2]).

use sealist_lists::model::{Channel, ListNo, MemberNo};
use sealist_mail::{Address, Timestamp};

use crate::bodies::{self, Body};
use crate::sql::query;
use crate::{Conn, StoreError};

/// Between two notices of one kind to one address.
const REST_MS: i64 = 24 * 3600 * 1000;

/// Letters a day that all lists of a site together write to somebody who proved nothing.
const MOST_TO_A_STRANGER: i64 = 3;

/// How often letters of one kind go to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    /// Once a day.
    Daily,
    /// Once a day, and few from all lists of the site together: somebody else may have asked for them.
    ToStranger,
    /// So many a day.
    UpTo(u32),
}

impl Often {
    fn most(self) -> i64 {
        match self {
            Self::Daily | Self::ToStranger => 1,
            Self::UpTo(most) => most.into(),
        }
    }
}

/// Whether a notice of that kind may go to that address now. A look ahead: [`insert`] decides.
pub async fn is_due(
    db: &mut Conn,
    list: ListNo,
    to: &Address,
    kind: &str,
    often: Often,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if often == Often::ToStranger && had_enough(&mut *db, to, now).await? {
        return Ok(false);
    }
    let row = query(
        "SELECT NOT EXISTS (SELECT 1 FROM notices
         WHERE list_no = $1 AND email_key = $2 AND kind = $3 AND sent_at > $4 AND sent >= $5)",
    )
    .bind(list.0)
    .bind(to.key())
    .bind(kind)
    .bind(now.0 - REST_MS)
    .bind(often.most())
    .fetch_one(db)
    .await?;
    row.try_get(0)
}

/// How many letters of that kind may still go to that address within the day, as things are.
pub async fn left_today(
    db: &mut Conn,
    list: ListNo,
    to: &Address,
    kind: &str,
    often: Often,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let row = query(
        "SELECT sent FROM notices WHERE list_no = $1 AND email_key = $2 AND kind = $3 AND sent_at > $4",
    )
    .bind(list.0)
    .bind(to.key())
    .bind(kind)
    .bind(now.0 - REST_MS)
    .fetch_optional(db)
    .await?;
    let sent = row.map(|row| row.try_get::<i64>(0)).transpose()?.unwrap_or(0);
    Ok(often.most() - sent)
}

/// A letter of a list to one person.
#[derive(Clone, Copy)]
pub struct NewNotice<'a> {
    /// Who writes.
    pub list: ListNo,
    /// Who reads.
    pub to: &'a Address,
    /// What it is about.
    pub kind: &'a str,
    /// How often those go to an address.
    pub often: Often,
    /// How it travels.
    pub channel: Channel,
    /// The letter.
    pub body: &'a Body,
    /// Whom it probes; `None`: it has the null sender and nobody hears of its bounces.
    pub probe: Option<&'a Probe>,
}

/// What a bounce of a letter is about.
#[derive(Clone, Debug)]
pub struct Probe {
    /// To whom posts stop.
    pub member: MemberNo,
    /// MAIL FROM, before its handle: the list's address for bounces.
    pub bounces: String,
}

/// Whether all lists together wrote to a stranger often enough.
async fn had_enough(db: &mut Conn, to: &Address, now: Timestamp) -> Result<bool, StoreError> {
    let row = query("SELECT COUNT(*) FROM notices WHERE email_key = $1 AND stranger = 1 AND sent_at > $2")
        .bind(to.key())
        .bind(now.0 - REST_MS)
        .fetch_one(db)
        .await?;
    Ok(row.try_get::<i64>(0)? >= MOST_TO_A_STRANGER)
}

/// Stores a notice for delivery; `false`, and nothing done, if enough of that kind went to
/// that address within a day.
pub async fn insert(db: &mut Conn, letter: &NewNotice<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let NewNotice { list, to, kind, often, channel, body, probe } = *letter;
    if often == Often::ToStranger && had_enough(&mut *db, to, now).await? {
        return Ok(false);
    }
    let taken = query(
        "INSERT INTO notices (list_no, email_key, kind, sent_at, stranger) VALUES ($1, $2, $3, $4, $7)
         ON CONFLICT (list_no, email_key, kind) DO UPDATE SET
             sent = CASE WHEN notices.sent_at <= $5 THEN 1 ELSE notices.sent + 1 END,
             sent_at = CASE WHEN notices.sent_at <= $5 THEN excluded.sent_at ELSE notices.sent_at END
         WHERE notices.sent_at <= $5 OR notices.sent < $6",
    )
    .bind(list.0)
    .bind(to.key())
    .bind(kind)
    .bind(now.0)
    .bind(now.0 - REST_MS)
    .bind(often.most())
    .bind(often == Often::ToStranger)
    .execute(&mut *db)
    .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    let body = bodies::insert(&mut *db, body).await?;
    let post: i64 = query(
        "INSERT INTO posts (list_no, kind, channel, body_no, envelope_from, accepted_at, fan_out_done)
         VALUES ($1, $5, $4, $2, $6, $3, 1) RETURNING no",
    )
    .bind(list.0)
    .bind(body.0)
    .bind(now.0)
    .bind(channel.name())
    .bind(probe.map_or("notice", |_| "probe"))
    .bind(probe.map_or("", |probe| &probe.bounces))
    .fetch_one(&mut *db)
    .await?
    .try_get(0)?;
    query(
        "INSERT INTO deliveries (post_no, address_no, email, state, next_at, member_no)
         VALUES ($1, (SELECT no FROM addresses WHERE email_key = $2), $3, 'due', $4, $5)",
    )
    .bind(post)
    .bind(to.key())
    .bind(to.to_string())
    .bind(now.0)
    .bind(probe.map(|probe| probe.member.0))
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
