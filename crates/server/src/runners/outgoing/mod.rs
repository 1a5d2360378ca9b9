//! Runner `outgoing`: makes recipients of posts, claims them, sends their copies and records the results.
//! Settings: `[outgoing]`, `[queue]`.

mod results;
mod sender;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use sealist_app::{App, Retry, Together};
use sealist_smtp::client::Target;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use results::Results;
use sender::Sender;

/// How long a next hop may take for its last answers when the server stops.
const DRAIN: Duration = Duration::from_secs(3);

/// What the runner needs of the configuration.
pub(crate) struct Outgoing {
    pub(crate) target: Target,
    pub(crate) max_connections: u32,
    pub(crate) together: Together,
    pub(crate) retry: Retry,
}

/// Sends on as many connections as are allowed, until `stop` becomes true and all results are recorded.
pub(crate) async fn run(
    app: App,
    settings: Outgoing,
    accepted: Arc<Notify>,
    stop: watch::Receiver<bool>,
) -> Result<(), tokio::task::JoinError> {
    let settings = Arc::new(settings);
    let (results, recorder) = Results::new(app.clone(), stop.clone());
    let recorder = tokio::spawn(recorder.run());
    let mut senders = JoinSet::new();
    for _ in 0..settings.max_connections {
        let sender = Sender {
            app: app.clone(),
            settings: settings.clone(),
            accepted: accepted.clone(),
            results: results.clone(),
            stop: stop.clone(),
        };
        senders.spawn(sender.run());
    }
    drop(results);
    let mut stop = stop;
    let drained = async {
        let _ = stop.wait_for(|stop| *stop).await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = async { while senders.join_next().await.transpose()?.is_some() {} Ok(()) } => ended?,
        () = drained => {
            tracing::warn!("the next mail server does not answer; its last copies may come twice");
            senders.shutdown().await;
        }
    }
    recorder.await
}
