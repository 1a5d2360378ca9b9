//! Runner `incoming`: claims what came in and has it judged. Settings: none.
//!
//! A message that breaks it three times goes to shunt; the others flow on.

use std::sync::Arc;
use std::time::Duration;

use sealist_app::{App, AppError, process, shunt};
use sealist_mail::Timestamp;
use sealist_store::StoreError;
use sealist_store::queue::{self, Entry};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::{POLL, insist};

const BATCH: u32 = 16;
/// When mail came and none is to be judged: much may come in for a list that is held.
const IN_VAIN: Duration = Duration::from_millis(5);
const MAX_ATTEMPTS: u32 = 3;
/// Before what could not be judged is tried again.
const PAUSE_MS: i64 = 60_000;
/// Before what the database kept from being judged is tried again.
const DATABASE_PAUSE_MS: i64 = 2_000;

pub(crate) async fn run(
    app: App,
    arrived: Arc<Notify>,
    accepted: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    let mut asked = false;
    while !*stop.borrow() {
        let entries = claim(&app).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the queue cannot be read");
            Vec::new()
        });
        if entries.is_empty() {
            if asked {
                tokio::time::sleep(IN_VAIN).await;
            }
            asked = tokio::select! {
                () = arrived.notified() => true,
                () = tokio::time::sleep(POLL) => false,
                _ = stop.wait_for(|stop| *stop) => false,
            };
            continue;
        }
        asked = false;
        // Together, so that their verdicts share commits.
        let mut judging: JoinSet<()> =
            entries.into_iter().map(|entry| handle(app.clone(), entry, stop.clone())).collect();
        while judging.join_next().await.is_some() {}
        accepted.notify_one();
    }
}

async fn claim(app: &App) -> Result<Vec<Entry>, StoreError> {
    let (claimant, now) = (app.claimant(), Timestamp::now());
    if !queue::is_due(&mut *app.store.reader().await?, &claimant, now).await? {
        return Ok(Vec::new());
    }
    let claimed =
        app.store.write(move |db| Box::pin(async move { queue::claim(db, &claimant, BATCH, now).await }));
    claimed.await.inspect_err(|error| app.heed_failed_claim(error))
}

async fn handle(app: App, entry: Entry, stop: watch::Receiver<bool>) {
    let (no, list) = (entry.no, entry.list);
    if entry.attempts > MAX_ATTEMPTS {
        tracing::error!(entry = %no, "shunted after {MAX_ATTEMPTS} tries");
        if let Err(error) = shunt(&app, entry.clone(), Timestamp::now()).await {
            tracing::error!(entry = %no, %error, "could not be shunted");
            put_off(&app, &entry, &stop).await;
        }
        return;
    }
    let work = {
        let (app, entry) = (app.clone(), entry.clone());
        async move { process(&app, entry, Timestamp::now()).await }
    };
    // A task of its own: a panic takes this message, not the runner.
    match tokio::spawn(work).await {
        Ok(Ok(outcome)) => {
            let reasons: Vec<String> = outcome.reasons.iter().map(|reason| reason.name()).collect();
            tracing::info!(entry = %no, %list, action = %outcome.action, reasons = reasons.join(","), "judged");
        }
        Ok(Err(error @ AppError::NoKeys { .. })) => {
            tracing::warn!(entry = %no, %list, %error, "left to a node that has its keys");
            app.lacks_keys(list);
            give_back(&app, &entry, 0, &stop).await;
        }
        Ok(Err(error)) if error.is_transient() => {
            tracing::error!(entry = %no, %list, %error, "waits for the database");
            give_back(&app, &entry, DATABASE_PAUSE_MS, &stop).await;
        }
        Ok(Err(error)) => {
            tracing::error!(entry = %no, %list, %error, "could not be judged, tried again");
            put_off(&app, &entry, &stop).await;
        }
        Err(_) => {
            tracing::error!(entry = %no, %list, "broke the runner, tried again");
            put_off(&app, &entry, &stop).await;
        }
    }
}

async fn give_back(app: &App, entry: &Entry, pause_ms: i64, stop: &watch::Receiver<bool>) {
    let back = || {
        let (entry, from) = (entry.clone(), Timestamp::now().plus_ms(pause_ms));
        app.store.write(move |db| Box::pin(async move { queue::give_back(db, &entry, from).await }))
    };
    insist::<StoreError, _>(stop, back).await;
}

async fn put_off(app: &App, entry: &Entry, stop: &watch::Receiver<bool>) {
    let put_off = || {
        let (entry, until) = (entry.clone(), Timestamp::now().plus_ms(PAUSE_MS));
        app.store.write(move |db| Box::pin(async move { queue::put_off(db, &entry, until).await }))
    };
    insist::<StoreError, _>(stop, put_off).await;
}
