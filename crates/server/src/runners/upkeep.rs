//! Runner `upkeep`: every hour ends waits that reached their limit, and deletes data that is no longer
//! needed. Settings: the lists' `max_days_to_hold`, `hold_reminder_days`, `key_wait_days`,
//! `key_overlap_days`, `archive`; `[queue] sent_kept_days`.

use std::time::Duration;

use sealist_app::{App, upkeep};
use tokio::sync::watch;

const PAUSE: Duration = Duration::from_secs(3600);

pub(crate) async fn run(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        // Each change is committed separately, so the upkeep may stop between two of them.
        let kept = tokio::select! {
            kept = upkeep(&app, app.now()) => kept,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match kept {
            Ok(kept) => {
                if kept.given_up > 0 {
                    tracing::warn!(
                        event = "copies-expired",
                        copies = kept.given_up,
                        "dropped copies that waited too long for a key"
                    );
                }
                if kept.keys_retired > 0 {
                    tracing::info!(
                        event = "old-keys-retired",
                        keys = kept.keys_retired,
                        "retired old posting keys"
                    );
                }
            }
            Err(error) => {
                tracing::error!(event = "upkeep-failed", %error, "the upkeep failed; retrying in an hour")
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}
