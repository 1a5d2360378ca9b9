//! Runner `outgoing`: claims recipients of posts, sends their copies and records the results. Settings:
//! `[outgoing]`, `[queue]`.

mod gone;
mod results;
mod sender;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use sealist_app::{App, RecipientBatching, Retry};
use sealist_smtp::client::NextHop;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use results::Results;
use sender::CopySender;

/// The configuration of the runner.
pub(crate) struct SenderSettings {
    pub(crate) target: NextHop,
    pub(crate) max_connections: u32,
    pub(crate) together: RecipientBatching,
    pub(crate) retry: Retry,
}

/// The time limit after the signal to stop. Copies that the next hop has not answered by then are retried
/// after the next start.
const DRAIN: Duration = Duration::from_secs(3);

/// Sends on the configured number of connections, until `stop` becomes true and all results are recorded.
pub(crate) async fn run(
    app: App,
    settings: SenderSettings,
    accepted: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), tokio::task::JoinError> {
    let settings = Arc::new(settings);
    let (results, recorder) = Results::new(app.clone(), stop.clone());
    let recorder = tokio::spawn(recorder.run());
    let mut senders = JoinSet::new();
    for _ in 0..settings.max_connections {
        let sender = CopySender {
            app: app.clone(),
            settings: settings.clone(),
            accepted: accepted.clone(),
            results: results.clone(),
            stop: stop.clone(),
        };
        senders.spawn(sender.run());
    }
    drop(results);
    let ended = tokio::select! {
        ended = all_of(&mut senders) => ended,
        () = over(&mut stop) => Ok(()),
    };
    senders.shutdown().await;
    recorder.await.and(ended)
}

async fn all_of(senders: &mut JoinSet<()>) -> Result<(), tokio::task::JoinError> {
    while senders.join_next().await.transpose()?.is_some() {}
    Ok(())
}

async fn over(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    tokio::time::sleep(DRAIN).await;
}
