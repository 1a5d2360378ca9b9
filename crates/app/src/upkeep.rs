//! What is done now and then: waits that have lasted long enough end, and what nobody needs goes.

use sealist_lists::model::PostNo;
use sealist_mail::Timestamp;
use sealist_store::{
    StoreError, audit, bounce_proofs, bounce_scores, clock, deliveries, lists, notices, posts, put_aside,
    replay, requests,
};

use crate::{App, AppError, succession};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// How long it can be asked what became of the copies of an archived post.
const SENT_KEPT_MS: i64 = 7 * DAY_MS;
/// How long the replay record remembers. A signature more than a week old is not posted unheard, unless a list's
/// `wrong_date_action` lets it pass: a year and more covers that too.
const DIGESTS_KEPT_MS: i64 = 400 * DAY_MS;
/// How long it can be asked who did or tried what.
const AUDIT_KEPT_MS: i64 = 400 * DAY_MS;
/// How long bounces are compared with others of the same cause.
const CAUSES_KEPT_MS: i64 = 30 * DAY_MS;
/// How long it is known how many messages were put aside.
const ASIDE_KEPT_MS: i64 = 30 * DAY_MS;
/// Rows of one transaction.
const CHUNK: u32 = 500;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Copies that waited for a key until `key_wait_days` were over.
    pub given_up: u64,
    /// Posting keys that open mail no more, because `key_overlap_days` are over.
    pub keys_retired: u64,
}

/// Makes due what a clock that was set back since would make wait: nothing is put off for longer than `longest_pause_ms`.
/// Says how much.
pub async fn mend_clock(app: &App, longest_pause_ms: i64, now: Timestamp) -> Result<u64, AppError> {
    let latest = now.plus_ms(longest_pause_ms);
    if !clock::was_set_back(&mut *app.store.reader().await?, latest).await? {
        return Ok(0);
    }
    let mended = app.store.write(move |db| Box::pin(clock::mend(db, now, latest)));
    mended.await.map_err(|error: StoreError| error.into())
}

/// One round. Deletes in small transactions, so that mail does not wait for it.
pub async fn upkeep(app: &App, now: Timestamp) -> Result<Kept, AppError> {
    let mut kept = Kept::default();
    // What was interrupted when a key began to be used.
    succession::announce(app, now).await?;
    for list in lists::all(&mut *app.store.reader().await?).await? {
        let Some(pgp) = &list.settings.pgp else { continue };
        let before = Timestamp(now.0 - i64::from(pgp.key_wait_days) * DAY_MS);
        kept.given_up += app
            .store
            .write(move |db| Box::pin(deliveries::give_up_waiting(db, list.no, before)))
            .await
            .map_err(|e: StoreError| e)?;
        let before = Timestamp(now.0 - i64::from(pgp.key_overlap_days) * DAY_MS);
        kept.keys_retired += succession::retire(app, &list, before, now).await?;
    }
    let mut after = PostNo(0);
    while let Some(next) = app
        .store
        .write(move |db| Box::pin(posts::delete_finished(db, after, CHUNK)))
        .await
        .map_err(|e: StoreError| e)?
    {
        after = next;
    }
    let before = Timestamp(now.0 - SENT_KEPT_MS);
    loop {
        let deleted = app
            .store
            .write(move |db| Box::pin(deliveries::delete_sent(db, before, CHUNK)))
            .await
            .map_err(|e: StoreError| e)?;
        if deleted < u64::from(CHUNK) {
            break;
        }
    }
    let before = Timestamp(now.0 - ASIDE_KEPT_MS);
    app.store.write(move |db| Box::pin(put_aside::forget(db, before))).await.map_err(|e: StoreError| e)?;
    let before = Timestamp(now.0 - DIGESTS_KEPT_MS);
    app.store.write(move |db| Box::pin(replay::forget(db, before))).await.map_err(|e: StoreError| e)?;
    app.store
        .write(move |db| Box::pin(bounce_proofs::forget_sent(db, now)))
        .await
        .map_err(|e: StoreError| e)?;
    let before = Timestamp(now.0 - CAUSES_KEPT_MS);
    app.store
        .write(move |db| Box::pin(bounce_scores::forget_causes(db, before)))
        .await
        .map_err(|e: StoreError| e)?;
    forget_requests(app, now).await?;
    app.store.write(move |db| Box::pin(notices::forget_old(db, now))).await.map_err(|e: StoreError| e)?;
    Ok(kept)
}

/// What nobody answered in time; the owners can see that.
async fn forget_requests(app: &App, now: Timestamp) -> Result<(), AppError> {
    loop {
        let over = app
            .store
            .write(move |db| {
                Box::pin(async move {
                    let over = requests::expire(&mut *db, CHUNK, now).await?;
                    for request in &over {
                        let detail = request.run.goal.action();
                        audit::add(&mut *db, request.list, &request.address, "request-expired", detail, now)
                            .await?;
                    }
                    Ok::<_, StoreError>(over.len())
                })
            })
            .await?;
        if over < CHUNK as usize {
            break;
        }
    }
    let before = Timestamp(now.0 - AUDIT_KEPT_MS);
    Ok(app.store.write(move |db| Box::pin(audit::forget(db, before))).await.map_err(|e: StoreError| e)?)
}
