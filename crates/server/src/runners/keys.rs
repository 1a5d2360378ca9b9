//! Runner `keys`: starts the daily check of members' keys when the last one is a day old. Settings: `[keys]`.

use std::time::Duration;

use sealist_app::{App, AppError, KeyCheck, KeyCheckReport, Stages};
use tokio::sync::watch;

/// How often the runner checks whether a check is due.
const PAUSE: Duration = Duration::from_secs(60);

pub(crate) async fn run(app: App, stages: Stages, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        // Each page is committed separately, so the check may stop between two pages.
        let checked = tokio::select! {
            checked = check(&app, &stages) => checked,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match checked {
            Ok(None) => {}
            Ok(Some(KeyCheckReport { checked, lost, regained, warned, told })) => {
                tracing::info!(
                    event = "key-check-done",
                    checked,
                    lost,
                    regained,
                    warned,
                    told,
                    "checked the keys of members"
                );
            }
            Err(error) => {
                tracing::error!(
                    event = "key-check-interrupted", %error,
                    "the check of keys was interrupted; it continues in ten minutes"
                )
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

async fn check(app: &App, stages: &Stages) -> Result<Option<KeyCheckReport>, AppError> {
    let Some(mut check) = KeyCheck::begin(app, stages, app.now()).await? else { return Ok(None) };
    while check.step(app, app.now()).await? {}
    Ok(Some(check.found))
}
