//! Bounce scores of members: on how many days they bounced, and when delivery is disabled.

use sealist_lists::model::{DeliveryStatus, ListNo, MemberNo, PreferenceChange, PreferenceLevel};
use sealist_mail::{Address, DAY_MS, Timestamp};

use crate::deliveries::Kind;
use crate::sql::query;
use crate::{Conn, StoreError, people};

/// How many notices a member gets about disabled delivery.
const STOP_NOTICES: i64 = 3;
/// The time between two such notices.
const STOP_NOTICE_MS: i64 = 7 * DAY_MS;
/// At least this many members must fail alike for a common cause, ...
const MANY: i64 = 3;
/// ... and at least one in this many members of the list.
const ONE_IN: i64 = 4;

/// The limits of a list for bounces before delivery to a member is disabled.
#[derive(Clone, Copy, Debug)]
pub struct BouncePolicy {
    /// The score at which delivery is disabled. One bounce per day counts.
    pub threshold: u32,
    /// After this many days without a bounce a score is forgotten.
    pub stale_after_days: u32,
    /// Whether the member is probed first. Then delivery is disabled only if the probe bounces.
    pub probe: bool,
}

/// The effect of a bounce, with the address.
#[derive(Clone, Debug)]
pub enum BounceEffect {
    /// The score stays: there was a bounce on that day already, or delivery is disabled.
    Nothing,
    /// The score was raised.
    Scored,
    /// The member must be probed.
    Doubted(MemberNo, String),
    /// Delivery was disabled.
    Stopped(String),
}

/// A returned message of a list to one of its members.
#[derive(Clone, Copy, Debug)]
pub struct Returned {
    /// The list.
    pub list: ListNo,
    /// The member.
    pub member: MemberNo,
    /// The kind of the message.
    pub kind: Kind,
}

/// Counts a bounce. The lock of preferences comes before the first change of a member, as it does for every
/// other change of preferences: otherwise two nodes would wait for each other.
pub async fn bounced(
    db: &mut Conn,
    returned: Returned,
    patience: BouncePolicy,
    now: Timestamp,
) -> Result<BounceEffect, StoreError> {
    let stale = Timestamp(now.0 - i64::from(patience.stale_after_days) * DAY_MS);
    if returned.kind != Kind::Notice {
        people::lock_preferences(&mut *db).await?;
    }
    match returned.kind {
        Kind::Posting => post_bounced(db, returned, patience, stale, now).await,
        Kind::Probe => disable_delivery(db, returned, stale).await,
        Kind::Notice => Ok(BounceEffect::Nothing),
    }
}

async fn post_bounced(
    db: &mut Conn,
    returned: Returned,
    patience: BouncePolicy,
    stale: Timestamp,
    now: Timestamp,
) -> Result<BounceEffect, StoreError> {
    let scored = query(
        "UPDATE members SET
             bounce_score = CASE WHEN last_bounce_at < $3 THEN 1 ELSE bounce_score + 1 END, last_bounce_at = $5
         WHERE no = $1 AND list_no = $2 AND delivery_status = 'enabled' AND last_bounce_at <= $4
         RETURNING bounce_score, (SELECT email FROM addresses a WHERE a.no = members.address_no) AS email",
    )
    .bind(returned.member.0)
    .bind(returned.list.0)
    .bind(stale.0)
    .bind(now.0 - DAY_MS)
    .bind(now.0)
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = scored else { return Ok(BounceEffect::Nothing) };
    if row.try_get::<u32>("bounce_score")? < patience.threshold {
        return Ok(BounceEffect::Scored);
    }
    if !patience.probe {
        return disable_delivery(db, returned, stale).await;
    }
    query("UPDATE members SET bounce_score = 0 WHERE no = $1").bind(returned.member.0).execute(db).await?;
    Ok(BounceEffect::Doubted(returned.member, row.try_get("email")?))
}

/// Only a member with a recent bounce is disabled, because a probe returns soon after the bounce that caused
/// it.
async fn disable_delivery(
    db: &mut Conn,
    returned: Returned,
    stale: Timestamp,
) -> Result<BounceEffect, StoreError> {
    let stopped = query(
        "UPDATE members SET bounce_score = 0, stop_notices = 0,
             choice_before_stop = (SELECT p.delivery_status FROM preferences p WHERE p.member_no = members.no)
         WHERE no = $1 AND list_no = $2 AND delivery_status = 'enabled' AND last_bounce_at >= $3
         RETURNING (SELECT email FROM addresses a WHERE a.no = members.address_no)",
    )
    .bind(returned.member.0)
    .bind(returned.list.0)
    .bind(stale.0)
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = stopped else { return Ok(BounceEffect::Nothing) };
    let change = PreferenceChange::DeliveryStatus(Some(DeliveryStatus::ByBounces));
    people::choose(db, PreferenceLevel::Member(returned.member), change).await?;
    Ok(BounceEffect::Stopped(row.value()?))
}

/// The members of a list with disabled delivery who must be told again: each week for some weeks, because the
/// cause of the bounces may have kept the earlier notice away.
pub async fn to_be_told(db: &mut Conn, list: ListNo, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let rows = query(
        "UPDATE members SET stop_notices = stop_notices + 1
         WHERE list_no = $1 AND delivery_status = 'by_bounces' AND stop_notices < $3
         AND last_bounce_at > $4 AND last_bounce_at < $2 - (stop_notices + 1) * $5
         RETURNING (SELECT email FROM addresses a WHERE a.no = members.address_no)",
    )
    .bind(list.0)
    .bind(now.0)
    .bind(STOP_NOTICES)
    .bind(now.0 - (STOP_NOTICES + 1) * STOP_NOTICE_MS)
    .bind(STOP_NOTICE_MS)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| row.value()).collect()
}

/// The score of a member; 0 if there is no such member.
pub async fn score(db: &mut Conn, list: ListNo, address: &Address) -> Result<u32, StoreError> {
    let row = query(
        "SELECT COALESCE(MAX(m.bounce_score), 0) FROM members m JOIN addresses a ON a.no = m.address_no
         WHERE m.list_no = $1 AND a.email_key = $2 AND m.role = 'member'",
    );
    row.bind(list.0).bind(address.key()).fetch_one(db).await?.value()
}

/// Records the cause of a failure before it is counted.
pub async fn note_cause(
    db: &mut Conn,
    list: ListNo,
    member: MemberNo,
    cause: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO bounce_causes (list_no, cause, member_no, noted_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (list_no, cause, member_no) DO NOTHING",
    )
    .bind(list.0)
    .bind(cause)
    .bind(member.0)
    .bind(now.0)
    .execute(db)
    .await?;
    Ok(())
}

/// Whether many members of the list failed by that cause, so that it is not the members' fault.
pub async fn is_common(db: &mut Conn, list: ListNo, cause: &str) -> Result<bool, StoreError> {
    let row = query("SELECT COUNT(*) FROM bounce_causes WHERE list_no = $1 AND cause = $2")
        .bind(list.0)
        .bind(cause)
        .fetch_one(&mut *db)
        .await?;
    let failed: i64 = row.value()?;
    if failed < MANY {
        return Ok(false);
    }
    let row = query("SELECT COUNT(*) FROM members WHERE list_no = $1 AND role = 'member'")
        .bind(list.0)
        .fetch_one(db)
        .await?;
    Ok(failed * ONE_IN >= row.value::<i64>()?)
}

/// Records that the cause raised the member's score.
pub async fn has_scored(
    db: &mut Conn,
    list: ListNo,
    member: MemberNo,
    cause: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE bounce_causes SET scored_at = $4 WHERE list_no = $1 AND cause = $2 AND member_no = $3")
        .bind(list.0)
        .bind(cause)
        .bind(member.0)
        .bind(now.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Undoes the effect of a cause on scores. Where the cause disabled delivery, the choice of the member is
/// again what it was before; what was chosen since then for the address, the user or the site counts. Returns
/// the addresses of those members.
pub async fn pardon(db: &mut Conn, list: ListNo, cause: &str) -> Result<Vec<String>, StoreError> {
    people::lock_preferences(&mut *db).await?;
    let pardoned = query(
        "UPDATE members SET
             bounce_score = CASE WHEN bounce_score > 0 THEN bounce_score - 1 ELSE 0 END, last_bounce_at = last_bounce_at - $3
         WHERE list_no = $1 AND EXISTS (SELECT 1 FROM bounce_causes c WHERE c.list_no = $1 AND c.cause = $2
             AND c.member_no = members.no AND c.scored_at = members.last_bounce_at)
         RETURNING no, delivery_status, choice_before_stop,
             (SELECT email FROM addresses a WHERE a.no = members.address_no) AS email",
    );
    let mut resumed = Vec::new();
    let pardoned = pardoned.bind(list.0).bind(cause).bind(DAY_MS).fetch_all(&mut *db).await?;
    for row in pardoned {
        if row.try_get::<String>("delivery_status")? == DeliveryStatus::ByBounces.name() {
            let before: Option<String> = row.try_get("choice_before_stop")?;
            let change =
                PreferenceChange::DeliveryStatus(before.as_deref().and_then(DeliveryStatus::from_name));
            people::choose(&mut *db, PreferenceLevel::Member(MemberNo(row.try_get("no")?)), change).await?;
            resumed.push(row.try_get("email")?);
        }
    }
    query("UPDATE bounce_causes SET scored_at = 0 WHERE list_no = $1 AND cause = $2")
        .bind(list.0)
        .bind(cause)
        .execute(db)
        .await?;
    Ok(resumed)
}

/// Forgets causes from before `before`.
pub async fn forget_causes(db: &mut Conn, before: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM bounce_causes WHERE noted_at < $1").bind(before.0).execute(db).await?;
    Ok(())
}
