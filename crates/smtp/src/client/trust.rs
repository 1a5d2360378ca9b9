//! Whether a peer may get envelopes ahead of its replies, as far as earlier connections to it show.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A peer that broke the trust is tried again after so long: what broke it may have been an accident.
const REST: Duration = Duration::from_secs(3600);

/// The trust in one peer. Clones share it, so that all connections to a target learn from each of them.
#[derive(Clone, Default)]
pub struct Trust {
    broken_at: Arc<Mutex<Option<Instant>>>,
}

impl Trust {
    /// Whether envelopes may go ahead of the replies. `false`: within the hour the peer left at a BDAT, or refused a RSET.
    pub fn is_whole(&self) -> bool {
        let broken_at = *self.broken_at.lock().unwrap_or_else(PoisonError::into_inner);
        broken_at.is_none_or(|at| at.elapsed() >= REST)
    }

    /// Lets each envelope wait for the replies to the one before it, from now on.
    pub(super) fn lose(&self) {
        *self.broken_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}
