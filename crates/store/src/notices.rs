//! Notices to one person. They are delivered like posts, and limited in number ([RFC 3834, section 2]).

use sealist_lists::budgets::{NoticeBudget, SharedBudget};
use sealist_lists::model::{Channel, EntryNo, ListNo, MemberNo};
use sealist_mail::{Address, DAY_MS, HOUR_MS, Timestamp};

use crate::bodies::{self, StoredBody};
use crate::sql::query;
use crate::{Conn, StoreError};

/// The period of the limits per kind and address.
const REST_MS: i64 = DAY_MS;

/// Which limit a notice reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitReached {
    /// The limit for its kind and address within a day.
    Kind,
    /// The limit for all notices of the site to one stranger within a day.
    Pool,
    /// The limit for notices to strangers within an hour, of the site or of one source of mail.
    Hour {
        /// When that hour ends. `None`: never, because the site writes to no stranger.
        ends_at: Option<Timestamp>,
    },
}

impl LimitReached {
    /// The name under which it is counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind => "a day to one address",
            Self::Pool => "a day to one stranger",
            Self::Hour { .. } => "an hour to all strangers",
        }
    }
}

/// Which limit prevents a notice of that kind to that address now; `None`: none. This read-only check is only
/// a hint; [`insert`] decides.
pub async fn spent(
    db: &mut Conn,
    list: ListNo,
    to: &Address,
    kind: &str,
    budget: NoticeBudget,
    now: Timestamp,
) -> Result<Option<LimitReached>, StoreError> {
    if left_today(&mut *db, list, to, kind, budget, now).await? <= 0 {
        return Ok(Some(LimitReached::Kind));
    }
    let Some(shared) = budget.shared else { return Ok(None) };
    if is_pool_empty(&mut *db, to, shared, now).await? {
        return Ok(Some(LimitReached::Pool));
    }
    spent_hour(db, shared, now).await
}

/// The row that counts notices to all strangers. The other rows count those of one source each, by its
/// number.
const OF_ALL: i64 = -1;

/// The counters of a notice, with the limit of each.
async fn counts(db: &mut Conn, shared: SharedBudget, now: Timestamp) -> Result<Vec<(i64, u32)>, StoreError> {
    let mut counts = vec![(OF_ALL, shared.most_an_hour)];
    if let Some(source) = shared.source {
        let is_idle = count_since(db, OF_ALL, now).await?.is_none_or(|(sent, _)| sent < source.idle_below);
        counts.push((source.number.into(), if is_idle { u32::MAX } else { source.most_an_hour }));
    }
    Ok(counts)
}

/// A counter and its start. `None`: its hour is over, or the clock was set back by more than an hour.
/// Messages are judged at the same time, so a message may have an earlier time than the one that began the
/// hour.
async fn count_since(
    db: &mut Conn,
    source: i64,
    now: Timestamp,
) -> Result<Option<(u32, Timestamp)>, StoreError> {
    let row = query(
        "SELECT sent, began_at FROM stranger_notices WHERE source = $1 AND began_at > $2 AND began_at < $3",
    );
    let row = row.bind(source).bind(now.0 - HOUR_MS).bind(now.0 + HOUR_MS).fetch_optional(db).await?;
    row.map(|row| Ok((row.try_get("sent")?, Timestamp(row.try_get("began_at")?)))).transpose()
}

/// Whether the limit of the hour is reached, and when the hour ends.
async fn spent_hour(
    db: &mut Conn,
    shared: SharedBudget,
    now: Timestamp,
) -> Result<Option<LimitReached>, StoreError> {
    if shared.most_an_hour == 0 {
        return Ok(Some(LimitReached::Hour { ends_at: None }));
    }
    for (source, most) in counts(&mut *db, shared, now).await? {
        let count = count_since(&mut *db, source, now).await?;
        if let Some((_, began_at)) = count.filter(|(sent, _)| *sent >= most) {
            return Ok(Some(LimitReached::Hour { ends_at: Some(began_at.plus_ms(HOUR_MS)) }));
        }
    }
    Ok(None)
}

/// How many notices of that kind may still be sent to that address within the day.
pub async fn left_today(
    db: &mut Conn,
    list: ListNo,
    to: &Address,
    kind: &str,
    budget: NoticeBudget,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let row = query(
        "SELECT sent FROM notices WHERE list_no = $1 AND email_key = $2 AND kind = $3 AND sent_at > $4",
    )
    .bind(list.0)
    .bind(to.key())
    .bind(budget.counted_as(kind))
    .bind(now.0 - REST_MS)
    .fetch_optional(db)
    .await?;
    let sent = row.map(|row| row.value::<i64>()).transpose()?.unwrap_or(0);
    Ok(i64::from(budget.most_a_day) - sent)
}

/// A notice of a list to one person.
#[derive(Clone, Copy)]
pub struct NewNotice<'a> {
    /// The list that sends it.
    pub list: ListNo,
    /// The recipient.
    pub to: &'a Address,
    /// The kind.
    pub kind: &'a str,
    /// The limits.
    pub budget: NoticeBudget,
    /// How it travels.
    pub channel: Channel,
    /// The notice.
    pub body: &'a StoredBody,
    /// The probe, if it is one. `None`: the notice has the null sender, so its bounces are lost.
    pub probe: Option<&'a Probe>,
    /// The message that caused it.
    pub entry: Option<EntryNo>,
}

/// The data of a probe.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The member whose delivery is disabled if the probe bounces.
    pub member: MemberNo,
    /// MAIL FROM, before its handle: the list's address for bounces.
    pub bounces: String,
}

async fn is_pool_empty(
    db: &mut Conn,
    to: &Address,
    shared: SharedBudget,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = query(
        "SELECT CAST(COALESCE(SUM(sent), 0) AS BIGINT) FROM notices
         WHERE email_key = $1 AND pool <> '' AND pool = $2 AND sent_at > $3",
    )
    .bind(to.key())
    .bind(shared.pool.name())
    .bind(now.0 - REST_MS)
    .fetch_one(db)
    .await?;
    Ok(row.value::<i64>()? >= i64::from(shared.most_a_day))
}

/// Counts a notice to a stranger. Returns the limit if it is reached. All nodes count in the same rows.
async fn take_of_hour(
    db: &mut Conn,
    shared: SharedBudget,
    now: Timestamp,
) -> Result<Option<LimitReached>, StoreError> {
    if let Some(spent) = spent_hour(&mut *db, shared, now).await? {
        return Ok(Some(spent));
    }
    for (source, most) in counts(&mut *db, shared, now).await? {
        let taken = query(
            "INSERT INTO stranger_notices (source, began_at, sent) VALUES ($4, $1, 1)
             ON CONFLICT (source) DO UPDATE SET
                 sent = CASE WHEN stranger_notices.began_at <= $2 OR stranger_notices.began_at >= $5
                             THEN 1 ELSE stranger_notices.sent + 1 END,
                 began_at = CASE WHEN stranger_notices.began_at <= $2 OR stranger_notices.began_at >= $5
                                 THEN $1 ELSE stranger_notices.began_at END
             WHERE stranger_notices.began_at <= $2 OR stranger_notices.began_at >= $5 OR stranger_notices.sent < $3",
        );
        let taken = taken.bind(now.0).bind(now.0 - HOUR_MS).bind(most).bind(source).bind(now.0 + HOUR_MS);
        if taken.execute(&mut *db).await?.rows_affected() == 0 {
            // Another node used the last one.
            return Ok(Some(LimitReached::Hour { ends_at: Some(now.plus_ms(HOUR_MS)) }));
        }
    }
    Ok(None)
}

/// Counts a notice in all its counters, or returns the limit that is reached. A limit that is reached later
/// uses nothing of the earlier ones.
async fn count_in_budget(
    db: &mut Conn,
    notice: &NewNotice<'_>,
    now: Timestamp,
) -> Result<Option<LimitReached>, StoreError> {
    let NewNotice { list, to, kind, budget, .. } = *notice;
    if left_today(&mut *db, list, to, kind, budget, now).await? <= 0 {
        return Ok(Some(LimitReached::Kind));
    }
    if let Some(shared) = budget.shared {
        if is_pool_empty(&mut *db, to, shared, now).await? {
            return Ok(Some(LimitReached::Pool));
        }
        if let Some(spent) = take_of_hour(&mut *db, shared, now).await? {
            return Ok(Some(spent));
        }
    }
    let taken = query(
        "INSERT INTO notices (list_no, email_key, kind, sent_at, pool) VALUES ($1, $2, $3, $4, $7)
         ON CONFLICT (list_no, email_key, kind) DO UPDATE SET
             sent = CASE WHEN notices.sent_at <= $5 THEN 1 ELSE notices.sent + 1 END,
             sent_at = CASE WHEN notices.sent_at <= $5 THEN excluded.sent_at ELSE notices.sent_at END,
             pool = excluded.pool
         WHERE notices.sent_at <= $5 OR notices.sent < $6",
    )
    .bind(list.0)
    .bind(to.key())
    .bind(budget.counted_as(kind))
    .bind(now.0)
    .bind(now.0 - REST_MS)
    .bind(i64::from(budget.most_a_day))
    .bind(budget.shared.map_or("", |shared| shared.pool.name()))
    .execute(db)
    .await?;
    Ok((taken.rows_affected() == 0).then_some(LimitReached::Kind))
}

/// Resets the limits of a stranger, because somebody who reads the mail of the address answered a notice.
pub async fn renew(db: &mut Conn, to: &Address) -> Result<(), StoreError> {
    query("DELETE FROM notices WHERE email_key = $1 AND pool <> ''").bind(to.key()).execute(db).await?;
    Ok(())
}

/// Stores a notice for delivery, or returns the limit that is reached and stores nothing.
pub async fn insert(
    db: &mut Conn,
    notice: &NewNotice<'_>,
    now: Timestamp,
) -> Result<Option<LimitReached>, StoreError> {
    if let Some(spent) = count_in_budget(&mut *db, notice, now).await? {
        return Ok(Some(spent));
    }
    let NewNotice { list, to, channel, body, probe, entry, .. } = *notice;
    let body = bodies::insert(&mut *db, body).await?;
    let post: i64 = query(
        "INSERT INTO sendings (list_no, kind, channel, body_no, envelope_from, accepted_at, fan_out_done, entry_no)
         VALUES ($1, $5, $4, $2, $6, $3, 1, $7) RETURNING no",
    )
    .bind(list.0)
    .bind(body.0)
    .bind(now.0)
    .bind(channel.name())
    .bind(probe.map_or("notice", |_| "probe"))
    .bind(probe.map_or("", |probe| &probe.bounces))
    .bind(entry.map(|entry| entry.0))
    .fetch_one(&mut *db)
    .await?
    .value()?;
    query(
        "INSERT INTO deliveries (sending_no, address_no, email, state, next_at, member_no)
         VALUES ($1, (SELECT no FROM addresses WHERE email_key = $2), $3, 'due', $4, $5)",
    )
    .bind(post)
    .bind(to.key())
    .bind(to.to_string())
    .bind(now.0)
    .bind(probe.map(|probe| probe.member.0))
    .execute(&mut *db)
    .await?;
    db.notify("outgoing").await?;
    Ok(None)
}

/// Deletes counters whose period is over.
pub async fn forget_old(db: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM notices WHERE sent_at <= $1").bind(now.0 - REST_MS).execute(&mut *db).await?;
    query("DELETE FROM stranger_notices WHERE began_at <= $1").bind(now.0 - HOUR_MS).execute(db).await?;
    Ok(())
}
