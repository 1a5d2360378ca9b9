//! Runner `room`: watches the disk and the queue. Without room, LMTP defers mail. Settings: `[queue]
//! min_free_mib`, `max_waiting`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sealist_app::{App, AppError};
use tokio::sync::watch;

const PAUSE: Duration = Duration::from_secs(1);

/// Whether mail can be received.
#[derive(Clone, Default)]
pub(crate) struct IntakeRoom(Arc<AtomicBool>);

impl IntakeRoom {
    /// Whether there is no room.
    pub(crate) fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The limits.
pub(crate) struct IntakeLimits {
    pub(crate) folder: PathBuf,
    pub(crate) min_free_mib: u32,
    pub(crate) max_waiting: u32,
}

pub(crate) async fn run(app: App, room: IntakeRoom, limits: IntakeLimits, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let reason = match why_full(&app, &limits).await {
            Ok(reason) => reason,
            Err(error) => Some(error.to_string()),
        };
        let was_full = room.0.swap(reason.is_some(), Ordering::Relaxed);
        match reason {
            Some(reason) if !was_full => {
                tracing::error!(event = "intake-paused", reason, "no room: LMTP defers all mail")
            }
            None if was_full => {
                tracing::info!(event = "intake-resumed", "there is room again: LMTP accepts mail")
            }
            _ => {}
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

async fn why_full(app: &App, limits: &IntakeLimits) -> Result<Option<String>, AppError> {
    let free_mib = rustix::fs::statvfs(&limits.folder)
        .map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) / (1024 * 1024));
    if free_mib < u64::from(limits.min_free_mib) {
        return Ok(Some(format!("only {free_mib} MiB are free on the disk of {}", limits.folder.display())));
    }
    let waiting = app.count_unjudged().await?;
    let full = limits.max_waiting > 0 && waiting > u64::from(limits.max_waiting);
    Ok(full.then(|| format!("{waiting} messages wait to be judged")))
}
