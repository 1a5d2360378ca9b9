//! What happens when PostgreSQL has no connection left: a node closes its readers' connections, so that its
//! writer gets one.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::PgPool;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::StoreError;

/// SQLSTATE too_many_connections.
const NO_CONNECTION_LEFT: &str = "53300";
/// How long a reader waits until the writer has a connection.
const PATIENCE: Duration = Duration::from_secs(3);
/// The pause between two attempts of the writer, and the number of attempts.
const PAUSE: Duration = Duration::from_millis(50);
const TRIES: u32 = 20;

/// Whether the writer of this process lacks a connection. Clones share the value.
#[derive(Clone)]
pub(crate) struct Shortage(watch::Sender<bool>);

impl Shortage {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Whether it is now.
    pub(crate) fn is_now(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it begins.
    pub(crate) async fn begins(&self) {
        // The sender is ours: it cannot be gone.
        let _ = self.0.subscribe().wait_for(|short| *short).await;
    }

    /// Waits until it is over. Errs if that takes too long.
    pub(crate) async fn is_over(&self) -> Result<(), StoreError> {
        let mut heard = self.0.subscribe();
        let over = timeout(PATIENCE, heard.wait_for(|short| !*short)).await;
        over.map(|_| ()).map_err(|_| StoreError::Transient { code: NO_CONNECTION_LEFT.into() })
    }

    /// Connects the writer. If no connection is left, it takes those of the readers: idle ones are closed at
    /// once, and those in use when they are returned.
    pub(crate) async fn without_readers<T, F>(
        &self,
        readers: &PgPool,
        mut connect: impl FnMut() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut tried = connect().await;
        let mut tries = 0;
        while tries < TRIES && tried.as_ref().is_err_and(is_shortage) {
            if tries == 0 {
                tracing::warn!(
                    event = "connections-exhausted",
                    "the database has no free connection; readers of this node give theirs to the writer"
                );
            }
            self.0.send_replace(true);
            while let Some(idle) = readers.try_acquire() {
                drop(idle.detach());
            }
            // The server takes a moment to see that a connection is closed.
            tokio::time::sleep(PAUSE).await;
            tried = connect().await;
            tries += 1;
        }
        self.0.send_replace(false);
        tried
    }
}

fn is_shortage(error: &StoreError) -> bool {
    matches!(error, StoreError::Transient { code } if code == NO_CONNECTION_LEFT)
}
