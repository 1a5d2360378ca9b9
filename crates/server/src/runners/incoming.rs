//! Runner `incoming`: claims queue entries and has them judged. Settings: none.
//!
//! A message that breaks the runner three times is shunted; all others continue.

use std::sync::Arc;
use std::time::Duration;

use sealist_app::{App, AppError, ClaimedEntry, IncomingClaims};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::{POLL, retry_until_stopped};

/// How many messages are judged at the same time.
const PLACES: usize = 16;
/// How long to wait for other places to become free, so that messages that are judged together share commits.
const COMMIT_TOGETHER: Duration = Duration::from_millis(2);
/// The pause if mail arrived but no entry can be claimed, for instance because the list is held.
const IN_VAIN: Duration = Duration::from_millis(5);
const MAX_ATTEMPTS: u32 = 3;
/// The pause before a message that could not be judged is retried.
const PAUSE_MS: i64 = 60_000;
/// The pause before a message is retried if the database failed.
const DATABASE_PAUSE_MS: i64 = 2_000;

pub(crate) async fn run(
    app: App,
    arrived: Arc<Notify>,
    accepted: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    let mut judging: JoinSet<()> = JoinSet::new();
    let mut claims = IncomingClaims::default();
    let mut asked = false;
    while !*stop.borrow() {
        let free = PLACES - judging.len();
        let entries = claims.claim(&app, free, judging.len(), app.now()).await.unwrap_or_else(|error| {
            tracing::error!(event = "queue-unreadable", %error, "cannot claim queue entries; retrying");
            Vec::new()
        });
        let found = !entries.is_empty();
        for entry in entries {
            judging.spawn(handle(app.clone(), entry, stop.clone()));
        }
        if !found && asked {
            tokio::time::sleep(IN_VAIN).await;
        }
        asked = false;
        let mut ended = 0;
        if judging.len() == PLACES {
            // A slow message occupies one place, and no other message waits for it.
            ended += usize::from(judging.join_next().await.is_some());
        } else {
            tokio::select! {
                () = arrived.notified() => asked = true,
                Some(_) = judging.join_next() => ended += 1,
                () = tokio::time::sleep(POLL) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        ended += wait_for_others(&mut judging).await;
        if ended > 0 {
            accepted.notify_one();
        }
    }
    while judging.join_next().await.is_some() {}
    accepted.notify_one();
}

/// Waits a little for other messages to finish, and returns how many did.
async fn wait_for_others(judging: &mut JoinSet<()>) -> usize {
    let pause = tokio::time::sleep(COMMIT_TOGETHER);
    tokio::pin!(pause);
    let mut ended = 0;
    loop {
        tokio::select! {
            Some(_) = judging.join_next() => ended += 1,
            () = &mut pause, if !judging.is_empty() => return ended,
            else => return ended,
        }
    }
}

async fn handle(app: App, entry: ClaimedEntry, stop: watch::Receiver<bool>) {
    let (no, list) = (entry.no(), entry.list());
    if entry.attempts() > MAX_ATTEMPTS {
        tracing::error!(
            event = "message-shunted", entry = %no,
            "shunted a message after {MAX_ATTEMPTS} tries"
        );
        if let Err(error) = entry.shunt(&app, app.now()).await {
            tracing::error!(event = "shunt-failed", entry = %no, %error, "cannot shunt a message; retrying");
            put_off(&app, &entry, &stop).await;
        }
        return;
    }
    let work = {
        let (app, entry) = (app.clone(), entry.clone());
        async move { entry.process(&app, app.now()).await }
    };
    // The message is judged in a task of its own, so that a panic does not end the runner.
    match tokio::spawn(work).await {
        Ok(Ok(outcome)) => {
            let reasons: Vec<&str> = outcome.reasons.iter().map(|reason| reason.name()).collect();
            tracing::info!(
                event = "message-judged", entry = %no, list_no = %list, action = %outcome.action, reasons = reasons.join(","),
                "judged"
            );
        }
        Ok(Err(error @ AppError::NoKeys { .. })) => {
            tracing::warn!(
                event = "left-to-other-node", entry = %no, list_no = %list, %error,
                "this node lacks the keys of the list; another node handles it"
            );
            app.lacks_keys(list);
            give_back(&app, &entry, 0, &stop).await;
        }
        Ok(Err(error)) if error.is_transient() => {
            tracing::error!(
                event = "judging-delayed", entry = %no, list_no = %list, %error,
                "cannot judge a message because of the database; retrying"
            );
            give_back(&app, &entry, DATABASE_PAUSE_MS, &stop).await;
        }
        Ok(Err(error)) => {
            tracing::error!(
                event = "judging-failed", entry = %no, list_no = %list, %error,
                "cannot judge a message; retrying in a minute"
            );
            put_off(&app, &entry, &stop).await;
        }
        Err(_) => {
            tracing::error!(
                event = "judging-panicked", entry = %no, list_no = %list,
                "judging a message panicked; retrying in a minute"
            );
            put_off(&app, &entry, &stop).await;
        }
    }
}

async fn give_back(app: &App, entry: &ClaimedEntry, pause_ms: i64, stop: &watch::Receiver<bool>) {
    retry_until_stopped(Some(entry.no()), stop, || entry.give_back(app, pause_ms)).await;
}

async fn put_off(app: &App, entry: &ClaimedEntry, stop: &watch::Receiver<bool>) {
    retry_until_stopped(Some(entry.no()), stop, || entry.put_off(app, PAUSE_MS)).await;
}
