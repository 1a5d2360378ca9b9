//! Runner `node`: sends heartbeats, reports new keys, releases the claims of dead nodes, and receives the
//! notifications of other nodes. It also resets timers after the clock was set back, and deletes partial
//! bodies of broken transactions. Settings: `[database] url`, `[queue] max_retry_after_s`.

use std::sync::Arc;
use std::time::Duration;

use sealist_app::{App, WorkCall, reset_future_timers};
use tokio::sync::{Notify, watch};

const BEAT: Duration = Duration::from_secs(2);
/// A larger difference from the clock of the database is logged.
const CLOCKS_DIFFER_MS: i64 = 5_000;
/// After this many heartbeats the node looks again for keys that it lacked.
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
        match app.read_database_clock().await {
            Ok(ahead_ms) => {
                let differ = ahead_ms.abs() > CLOCKS_DIFFER_MS;
                if differ && !clocks_differ {
                    tracing::warn!(
                        event = "clock-differs",
                        ahead_ms,
                        "the clock of this node differs from the clock of the database, which counts"
                    );
                }
                clocks_differ = differ;
            }
            Err(error) => {
                tracing::error!(event = "clock-unreadable", %error, "cannot read the clock of the database")
            }
        }
        match app.heartbeat(app.now()).await {
            Ok(0) => {}
            Ok(buried) => {
                tracing::warn!(
                    event = "nodes-released",
                    nodes = buried,
                    "released the claims of nodes whose lease expired"
                );
                arrived.notify_one();
                accepted.notify_one();
            }
            Err(error) => tracing::error!(event = "heartbeat-failed", %error, "cannot record a heartbeat"),
        }
        match reset_future_timers(&app, longest_pause_ms, app.now()).await {
            Ok(0) => {}
            Ok(waited) => {
                tracing::warn!(
                    event = "timers-reset",
                    waited,
                    "the clock was set back: entries that waited for its old time are retried now"
                )
            }
            Err(error) => {
                tracing::error!(
                    event = "timers-unreadable", %error,
                    "cannot check the timers after a change of the clock"
                )
            }
        }
        if let Err(error) = app.clear_away().await {
            tracing::error!(event = "partial-bodies-kept", %error, "cannot delete partial bodies; retrying");
        }
        beats += 1;
        if beats.is_multiple_of(LOOK_FOR_KEYS)
            && let Err(error) = app.look_for_keys().await
        {
            tracing::error!(
                event = "missing-keys-unchecked", %error,
                "cannot look for missing keys; retrying"
            );
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    ears.abort();
}

/// Forwards notifications of other nodes. Without them the runners still poll the database.
async fn listen(app: App, arrived: Arc<Notify>, accepted: Arc<Notify>) {
    loop {
        match app.work_calls().await {
            Ok(mut calls) => {
                while let Ok(call) = calls.next().await {
                    match call {
                        WorkCall::Incoming => arrived.notify_one(),
                        WorkCall::Outgoing => accepted.notify_one(),
                    }
                }
            }
            Err(error) => {
                tracing::warn!(
                    event = "notifications-lost", %error,
                    "lost the notifications of other nodes; polling the database instead"
                )
            }
        }
        tokio::time::sleep(BEAT).await;
    }
}
