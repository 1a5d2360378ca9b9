//! What becomes of an entry of the queue.

use sealist_lists::model::Action;
use sealist_lists::rules::Reason;

/// What became of an entry, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryOutcome {
    /// Accept, hold or discard; defer if the message waits for a later hour.
    pub action: Action,
    /// The reasons, the deciding one first.
    pub reasons: Vec<Reason>,
}

impl EntryOutcome {
    /// The message was taken, and nothing speaks against it.
    pub(crate) const ACCEPTED: Self = Self { action: Action::Accept, reasons: Vec::new() };

    /// One reason decided.
    pub(crate) fn of(action: Action, reason: Reason) -> Self {
        Self { action, reasons: vec![reason] }
    }
}
