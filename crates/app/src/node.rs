//! The state of this process as a node.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sealist_lists::model::{ListNo, NodeNo};
use sealist_store::nodes::{self, Claimant};

/// The number of this process, and the lists whose keys it lacks.
#[derive(Default)]
pub(crate) struct Node {
    no: AtomicI64,
    lacking: Mutex<BTreeSet<ListNo>>,
    seen: Mutex<Option<LeaseState>>,
    /// Set when the database may have a claim that this process does not know of.
    unsure: AtomicBool,
}

/// When the last heartbeats were recorded.
#[derive(Clone, Copy)]
struct LeaseState {
    /// The time since which there was no pause.
    since: Instant,
    last: Instant,
}

/// A longer time between two heartbeats is a pause.
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(4);
const DEAD_AFTER: Duration = Duration::from_millis(nodes::DEAD_AFTER_MS as u64);
/// How long before its lease expires a node stops sending, because other nodes may send the same copies
/// afterwards.
const MARGIN: Duration = Duration::from_secs(1);

impl Node {
    /// Records a heartbeat, and returns whether this process may judge other nodes dead. After a long pause
    /// of this process the other nodes may have paused by the same cause: nobody is judged until a whole
    /// lease has passed without a pause.
    pub(crate) fn can_judge(&self, now: Instant) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match *seen {
            Some(before) if now - before.last <= MAX_PAUSE => before.since,
            _ => now,
        };
        *seen = Some(LeaseState { since, last: now });
        now - since >= DEAD_AFTER
    }

    /// Returns whether the last heartbeat is young enough that no other node takes this process for dead.
    pub(crate) fn is_seen(&self) -> bool {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_some_and(|seen| seen.last.elapsed() < DEAD_AFTER - MARGIN)
    }

    /// Returns the number under which this process claims, with the lists that it leaves to other nodes.
    pub(crate) fn claimant(&self) -> Claimant {
        Claimant { node: self.no(), lacking: self.lacking().iter().copied().collect() }
    }

    /// Returns the number of this process among the nodes.
    pub(crate) fn no(&self) -> NodeNo {
        NodeNo(self.no.load(Ordering::Relaxed))
    }

    /// Continues under that number.
    pub(crate) fn set_no(&self, no: NodeNo) {
        self.no.store(no.0, Ordering::Relaxed);
    }

    /// Returns the lists that this process has no keys for, to be read or changed.
    pub(crate) fn lacking(&self) -> MutexGuard<'_, BTreeSet<ListNo>> {
        self.lacking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the database may have a claim that this process does not know of.
    pub(crate) fn is_unsure(&self) -> bool {
        self.unsure.load(Ordering::Relaxed)
    }

    /// Notes whether there may be such a claim.
    pub(crate) fn set_unsure(&self, unsure: bool) {
        self.unsure.store(unsure, Ordering::Relaxed);
    }
}
