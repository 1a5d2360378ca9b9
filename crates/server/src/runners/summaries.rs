//! Runner `summaries`: sends notices whose facts have been collected for long enough. Settings: the lists'
//! `summary_pause_min`.

use std::time::Duration;

use sealist_app::{App, send_due_summaries};
use tokio::sync::watch;

use super::{PAUSE, POLL};

/// The pause after a fault.
const FAULT_PAUSE: Duration = Duration::from_secs(10);

pub(crate) async fn run(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let told = tokio::select! {
            told = send_due_summaries(&app, app.now()) => told,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let pause = match told {
            Ok(true) => continue,
            Ok(false) => POLL,
            Err(error) if error.is_transient() => PAUSE,
            Err(error) => {
                tracing::error!(
                    event = "summaries-failed", %error,
                    "cannot send summary notices; retrying in 10 s"
                );
                FAULT_PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}
