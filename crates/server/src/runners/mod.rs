//! Loops without logic: claim, call the use case, wait.

pub(crate) mod incoming;
pub(crate) mod keyfiles;
pub(crate) mod keys;
pub(crate) mod node;
pub(crate) mod outgoing;
pub(crate) mod refresh;
pub(crate) mod room;
pub(crate) mod summaries;
pub(crate) mod upkeep;

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use sealist_lists::model::EntryNo;
use tokio::sync::watch;

/// How often the database is asked without a notification.
const POLL: Duration = Duration::from_millis(250);
/// The pause after the database failed to record something.
const PAUSE: Duration = Duration::from_millis(500);

/// Retries until it succeeds, because no other node releases the claim while this node lives. After the
/// signal to stop one try is enough, because a node that leaves releases all its claims. `entry` is the
/// message that is claimed, or that caused the copies; a line of the log names it.
async fn retry_until_stopped<E: Display, F: Future<Output = Result<(), E>>>(
    entry: Option<EntryNo>,
    stop: &watch::Receiver<bool>,
    mut give_back: impl FnMut() -> F,
) {
    while let Err(error) = give_back().await {
        tracing::error!(
            event = "claim-not-returned", entry = entry.map(display), %error,
            "cannot give back a claim; retrying"
        );
        if *stop.borrow() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
