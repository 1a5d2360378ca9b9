//! Runner `upkeep`: every hour ends waits that reached their limit, and deletes data that is no longer
//! needed. Settings: the lists' `max_days_to_hold`, `hold_reminder_days`, `key_wait_days`,
//! `key_overlap_days`, `archive`.

use std::time::Duration;

use sealist_app::{App, upkeep};
use tokio::sync::watch;

const PAUSE: Duration = Duration::from_secs(3600);

pub(crate) async fn run(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        // Each change is committed separately, so the upkeep may stop between two of them.
        let kept = tokio::select! {
            kept = upkeep(&app, app.store.now()) => kept,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match kept {
            Ok(kept) => {
                if kept.given_up > 0 {
                    tracing::warn!(copies = kept.given_up, "no usable key came in time");
                }
                if kept.holds_ended > 0 {
                    tracing::warn!(messages = kept.holds_ended, "no moderator decided in time");
                }
                if kept.keys_retired > 0 {
                    tracing::info!(keys = kept.keys_retired, "old posting keys open mail no more");
                }
            }
            Err(error) => tracing::error!(%error, "the upkeep did not work, tried again in an hour"),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}
