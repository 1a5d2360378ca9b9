//! Runner `refresh`: asks for updates of one key after the other, spread over the interval. Settings: `[keys]
//! refresh`, `keyserver`, `proxy`, `refresh_every_h`.

use std::time::Duration;

use sealist_app::{App, AppError, KeyServers, Refreshed};
use sealist_lists::events::{Actor, ServerCause};
use sealist_openpgp::random;
use tokio::sync::watch;

/// Who changes keys here.
const BY: Actor = Actor::Server(ServerCause::Keys);
/// The longest pause, even with few keys.
const LONGEST: Duration = Duration::from_secs(3600);

pub(crate) async fn run(
    app: App,
    servers: impl KeyServers,
    every: Duration,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let keys = app.act_as(BY).keys().refreshable().await.unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(pause(every, keys, random())) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let refreshed = tokio::select! {
            refreshed = next(&app, &servers, every) => refreshed,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match refreshed {
            Ok(None) => {}
            Ok(Some(Refreshed { changes, failures, .. })) => {
                for change in changes {
                    tracing::info!(
                        event = "key-updated", %change,
                        "updated the key of a member"
                    );
                }
                for failure in failures {
                    tracing::debug!(
                        event = "key-lookup-failed",
                        failure,
                        "a server could not be asked for a key"
                    );
                }
            }
            Err(error) => {
                tracing::error!(event = "key-refresh-failed", %error, "cannot refresh keys; retrying later")
            }
        }
    }
}

async fn next(app: &App, servers: &dyn KeyServers, every: Duration) -> Result<Option<Refreshed>, AppError> {
    let now = app.now();
    let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
    app.act_as(BY).keys().refresh_next(servers, now.plus_ms(-every_ms)).await
}

/// Between half and one and a half of the average interval, so that requests show no pattern.
fn pause(every: Duration, keys: u64, chance: [u8; 1]) -> Duration {
    let keys = u32::try_from(keys.max(1)).unwrap_or(u32::MAX);
    (every / keys).min(LONGEST).mul_f64(0.5 + f64::from(chance[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_spread() {
        fn check(hours: u64, keys: u64, chance: u8, expected_s: u64) {
            let every = Duration::from_secs(hours * 3600);
            assert_eq!(pause(every, keys, [chance]).as_secs(), expected_s, "{keys} keys in {hours} h");
        }
        check(168, 1000, 0, 302);
        check(168, 1000, 255, 907);
        check(168, 3, 0, 1800);
        check(168, 0, 255, 5400);
        check(1, 100_000, 0, 0);
    }
}
