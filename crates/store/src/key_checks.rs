//! The daily check of certificates: which are due, the results, and the warnings so far.

use sealist_lists::model::{AddressNo, ListNo};
use sealist_mail::{Address, DAY_MS, Timestamp};

use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError, keys};

const DAMAGED: StoreError = StoreError::Damaged { table: "certificates" };
/// A node that makes no progress for this time has died, and another node continues its pass.
const STALLED_MS: i64 = 10 * 60 * 1000;

/// One pass over all certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    no: i64,
    /// When it began. A certificate that was judged later is done.
    pub began_at: Timestamp,
}

/// Whether a pass must be started or taken over: the last one is a day old, was made under older rules
/// (`epoch`), or has stalled. This read-only check is only a hint; [`begin`] decides.
pub async fn is_due(db: &mut Conn, epoch: u32, now: Timestamp) -> Result<bool, StoreError> {
    let last =
        query("SELECT no, began_at, progress_at, ended_at, epoch FROM key_checks ORDER BY no DESC LIMIT 1");
    Ok(match last.fetch_optional(db).await? {
        None => true,
        Some(row) => next(&row, epoch, now)?.is_some(),
    })
}

/// Starts a pass, or takes over one that has stalled. `None`: nothing is due, or another node does it.
pub async fn begin(db: &mut Conn, epoch: u32, now: Timestamp) -> Result<Option<Pass>, StoreError> {
    let last = format!(
        "SELECT no, began_at, progress_at, ended_at, epoch FROM key_checks ORDER BY no DESC LIMIT 1 {}",
        db.locked()
    );
    let next = match query(last).fetch_optional(&mut *db).await? {
        None => Some(NextPass::New(1)),
        Some(row) => next(&row, epoch, now)?,
    };
    let begun = match next {
        None => return Ok(None),
        Some(NextPass::TakeOver(no)) => {
            query("UPDATE key_checks SET progress_at = $2 WHERE no = $1 RETURNING no, began_at")
                .bind(no)
                .bind(now.0)
        }
        // If two nodes start at the same moment, one of them gets the number.
        Some(NextPass::New(no)) => query(
            "INSERT INTO key_checks (no, began_at, progress_at, epoch) VALUES ($1, $2, $2, $3)
             ON CONFLICT (no) DO NOTHING RETURNING no, began_at",
        )
        .bind(no)
        .bind(now.0)
        .bind(epoch),
    };
    let Some(row) = begun.fetch_optional(&mut *db).await? else { return Ok(None) };
    let pass = Pass { no: row.try_get("no")?, began_at: Timestamp(row.try_get("began_at")?) };
    query("DELETE FROM key_checks WHERE no < $1").bind(pass.no).execute(db).await?;
    Ok(Some(pass))
}

enum NextPass {
    New(i64),
    TakeOver(i64),
}

fn next(last: &SqlRow, epoch: u32, now: Timestamp) -> Result<Option<NextPass>, StoreError> {
    let (no, began, progress): (i64, i64, i64) =
        (last.try_get("no")?, last.try_get("began_at")?, last.try_get("progress_at")?);
    // A time in the future was recorded before the clock was set back.
    let is_over = |at: i64, ms: i64| at <= now.0 - ms || at > now.0 + ms;
    Ok(match last.try_get::<Option<i64>>("ended_at")? {
        None => is_over(progress, STALLED_MS).then_some(NextPass::TakeOver(no)),
        Some(_) => {
            (is_over(began, DAY_MS) || last.try_get::<u32>("epoch")? < epoch).then_some(NextPass::New(no + 1))
        }
    })
}

/// Records that a pass makes progress.
pub async fn progress(db: &mut Conn, pass: Pass, now: Timestamp) -> Result<(), StoreError> {
    query("UPDATE key_checks SET progress_at = $2 WHERE no = $1")
        .bind(pass.no)
        .bind(now.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends a pass.
pub async fn end(db: &mut Conn, pass: Pass, now: Timestamp) -> Result<(), StoreError> {
    query("UPDATE key_checks SET ended_at = $2 WHERE no = $1").bind(pass.no).bind(now.0).execute(db).await?;
    Ok(())
}

/// The next certificates after `after` that were not judged in a pass. A certificate in doubt is left out,
/// because it waits for a person.
pub async fn due(
    db: &mut Conn,
    pass: Pass,
    after: AddressNo,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<AddressNo>, StoreError> {
    let rows = query(
        "SELECT c.address_no FROM certificates c JOIN certificate_checks k ON k.address_no = c.address_no
         WHERE c.address_no > $1 AND c.confirmed_at IS NOT NULL AND (k.checked_at < $2 OR k.checked_at > $3)
         ORDER BY c.address_no LIMIT $4",
    );
    let rows =
        rows.bind(after.0).bind(pass.began_at.0).bind(now.0 + DAY_MS).bind(limit).fetch_all(db).await?;
    rows.iter().map(|row| Ok(AddressNo(row.value()?))).collect()
}

/// The last warning to the holder of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warned {
    /// The fingerprint of the key.
    pub fingerprint: String,
    /// The expiry date at that time. `None`: the key became unusable without one.
    pub until: Option<Timestamp>,
    /// The days before the expiry; 0: the key can no longer be used.
    pub stage: u32,
}

/// A certificate with all data for the daily check.
#[derive(Clone, Debug)]
pub struct WatchedCertificate {
    /// Whose it is.
    pub address_no: AddressNo,
    /// Whose it is.
    pub address: Address,
    /// Of the primary key.
    pub fingerprint: String,
    /// Binary.
    pub certificate: Vec<u8>,
    /// The sealing card in its stored form.
    pub card: Option<Vec<u8>>,
    /// Why there is no card.
    pub unusable: Option<String>,
    /// The last warning.
    pub warned: Option<Warned>,
    pub(crate) generation: i64,
    checked_at: i64,
}

/// The certificate of an address, as the daily check sees it.
pub async fn watched(db: &mut Conn, address: AddressNo) -> Result<Option<WatchedCertificate>, StoreError> {
    let row = query(
        "SELECT c.address_no, a.email, c.fingerprint, c.certificate, c.card, c.unusable, c.generation, k.checked_at,
         k.warned_of, k.warned_until, k.warned_stage
         FROM certificates c JOIN addresses a ON a.no = c.address_no
         JOIN certificate_checks k ON k.address_no = c.address_no WHERE c.address_no = $1",
    );
    let Some(row) = row.bind(address.0).fetch_optional(db).await? else { return Ok(None) };
    let fingerprint: String = row.try_get("warned_of")?;
    let warned = Warned {
        fingerprint: fingerprint.clone(),
        until: row.try_get::<Option<i64>>("warned_until")?.map(Timestamp),
        stage: row.try_get("warned_stage")?,
    };
    Ok(Some(WatchedCertificate {
        address_no: AddressNo(row.try_get("address_no")?),
        address: Address::from_stored(&row.try_get::<String>("email")?).ok_or(DAMAGED)?,
        fingerprint: row.try_get("fingerprint")?,
        certificate: row.try_get("certificate")?,
        card: row.try_get("card")?,
        unusable: row.try_get("unusable")?,
        warned: (!fingerprint.is_empty()).then_some(warned),
        generation: row.try_get("generation")?,
        checked_at: row.try_get("checked_at")?,
    }))
}

/// The result of the daily check for a certificate.
#[derive(Clone, Debug)]
pub struct KeyCheckResult {
    /// The new sealing card, or why there is none.
    pub card: Result<Vec<u8>, String>,
    /// The last warning after this check.
    pub warned: Option<Warned>,
}

/// Records a result. Returns `false` and changes nothing if the certificate has changed since it was read, or
/// another node has judged it. A card where there was none makes waiting copies due.
pub async fn record(
    db: &mut Conn,
    seen: &WatchedCertificate,
    found: &KeyCheckResult,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (card, unusable) = match &found.card {
        Ok(card) => (Some(card.clone()), None),
        Err(why) => (None, Some(why.clone())),
    };
    let changed = (&card, &unusable) != (&seen.card, &seen.unusable);
    let news = found.warned.is_some() && found.warned != seen.warned;
    let warned = found.warned.as_ref();
    // The row of the certificate first: of two nodes the second one waits here, and then sees what the first
    // one recorded.
    let sql = format!(
        "SELECT address_no FROM certificates WHERE address_no = $1 AND generation = $2 {}",
        db.locked()
    );
    let same = query(sql).bind(seen.address_no.0).bind(seen.generation).fetch_optional(&mut *db).await?;
    if same.is_none() {
        return Ok(false);
    }
    let done = query(
        "UPDATE certificate_checks SET checked_at = $3, warned_of = $4, warned_until = $5, warned_stage = $6,
         warned_at = CASE WHEN $4 = '' THEN 0 WHEN $7 = 1 THEN $3 ELSE warned_at END
         WHERE address_no = $1 AND checked_at = $2",
    )
    .bind(seen.address_no.0)
    .bind(seen.checked_at)
    .bind(now.0)
    .bind(warned.map_or("", |warned| &warned.fingerprint))
    .bind(warned.and_then(|warned| warned.until).map(|until| until.0))
    .bind(warned.map_or(0, |warned| warned.stage))
    .bind(news)
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    if !changed {
        return Ok(true);
    }
    query(
        "UPDATE certificates SET card = $2, unusable = $3, generation = generation + 1 WHERE address_no = $1",
    )
    .bind(seen.address_no.0)
    .bind(&card)
    .bind(&unusable)
    .execute(&mut *db)
    .await?;
    if card.is_some() {
        keys::release_held_for_key(db, seen.address_no, now).await?;
    }
    Ok(true)
}

/// The lists with OpenPGP on which an address has a role other than nonmember.
pub async fn openpgp_lists_of(db: &mut Conn, address: AddressNo) -> Result<Vec<ListNo>, StoreError> {
    let rows = query(
        "SELECT DISTINCT list_no FROM members WHERE address_no = $1 AND role != 'nonmember'
         AND list_no IN (SELECT list_no FROM list_keys) ORDER BY list_no",
    );
    let rows = rows.bind(address.0).fetch_all(db).await?;
    rows.iter().map(|row| Ok(ListNo(row.value()?))).collect()
}

/// The next addresses after `after` that have a certificate or a role on a list with OpenPGP.
pub async fn everybody(
    db: &mut Conn,
    after: AddressNo,
    limit: u32,
) -> Result<Vec<(AddressNo, String)>, StoreError> {
    let rows = query(
        "SELECT a.no, a.email FROM addresses a WHERE a.no > $1 AND (EXISTS (SELECT 1 FROM certificates c WHERE c.address_no = a.no)
         OR EXISTS (SELECT 1 FROM members m WHERE m.address_no = a.no AND m.role != 'nonmember'
                    AND m.list_no IN (SELECT list_no FROM list_keys))) ORDER BY a.no LIMIT $2",
    );
    let rows = rows.bind(after.0).bind(limit).fetch_all(db).await?;
    rows.iter().map(|row| Ok((AddressNo(row.try_get("no")?), row.try_get("email")?))).collect()
}
