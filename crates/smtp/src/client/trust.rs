//! Remembers whether a peer handles envelopes that are sent ahead of its replies.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a peer that failed is not trusted. The failure may have been an accident, so it is tried again
/// afterwards.
const REST: Duration = Duration::from_secs(3600);

/// The trust in one peer. Clones share it, so that all connections to a peer learn from each other.
#[derive(Clone, Default)]
pub struct Trust {
    broken_at: Arc<Mutex<Option<Instant>>>,
}

impl Trust {
    /// Whether envelopes may be sent ahead of the replies. It is `false` for an hour after the peer closed
    /// the connection at a BDAT or refused a RSET.
    pub fn is_whole(&self) -> bool {
        let broken_at = *self.broken_at.lock().unwrap_or_else(PoisonError::into_inner);
        broken_at.is_none_or(|at| at.elapsed() >= REST)
    }

    /// From now on each envelope waits for the replies to the previous one.
    pub(super) fn lose(&self) {
        *self.broken_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}
