//! Runner `node`: says that this process lives and which new keys it has, frees what dead ones had claimed, and hears the
//! calls of the others.
//! Notices too when the clock was set back, and deletes what is stored of messages that broke off. Settings: `[database] url`, `[queue] max_retry_after_s`.

use std::sync::Arc;
use std::time::Duration;

use sealist_app::{App, reset_future_timers};
use tokio::sync::{Notify, watch};

const BEAT: Duration = Duration::from_secs(2);
/// Worth a line in the log.
const CLOCKS_DIFFER_MS: i64 = 5_000;
/// Lists whose keys were missing are looked at again after so many beats.
const LOOK_FOR_KEYS: u32 = 5;

pub(crate) async fn run(
    app: App,
    arrived: Arc<Notify>,
    accepted: Arc<Notify>,
    longest_pause_ms: i64,
    mut stop: watch::Receiver<bool>,
) {
    let ears = tokio::spawn(listen(app.clone(), arrived.clone(), accepted.clone()));
    let mut beats: u32 = 0;
    let mut clocks_differ = false;
    while !*stop.borrow() {
        match app.store.heed_clock().await {
            Ok(ahead_ms) => {
                let differ = ahead_ms.abs() > CLOCKS_DIFFER_MS;
                if differ && !clocks_differ {
                    tracing::warn!(
                        ahead_ms,
                        "the clock of this node is not that of the database, which counts"
                    );
                }
                clocks_differ = differ;
            }
            Err(error) => tracing::error!(%error, "the clock of the database cannot be seen"),
        }
        match app.heartbeat(app.store.now()).await {
            Ok(0) => {}
            Ok(buried) => {
                tracing::warn!(nodes = buried, "other nodes died: what they had is done here");
                arrived.notify_one();
                accepted.notify_one();
            }
            Err(error) => tracing::error!(%error, "the database does not hear that this node lives"),
        }
        match reset_future_timers(&app, longest_pause_ms, app.store.now()).await {
            Ok(0) => {}
            Ok(waited) => {
                tracing::warn!(waited, "the clock was set back: what waited for its old time is tried now")
            }
            Err(error) => tracing::error!(%error, "what waits cannot be looked at"),
        }
        if let Err(error) = app.clear_away().await {
            tracing::error!(%error, "what came in part cannot be deleted");
        }
        beats += 1;
        if beats.is_multiple_of(LOOK_FOR_KEYS)
            && let Err(error) = app.look_for_keys().await
        {
            tracing::error!(%error, "keys that were missing cannot be looked for");
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    ears.abort();
}

/// Passes the calls of other nodes on. Without them the runners ask the database now and then all the same.
async fn listen(app: App, arrived: Arc<Notify>, accepted: Arc<Notify>) {
    loop {
        match app.store.calls().await {
            Ok(mut calls) => {
                while let Ok(runner) = calls.next().await {
                    if runner == "incoming" { arrived.notify_one() } else { accepted.notify_one() }
                }
            }
            Err(error) => tracing::warn!(%error, "the calls of other nodes are not heard"),
        }
        tokio::time::sleep(BEAT).await;
    }
}
