//! Partial bodies of interrupted messages, which are still to be deleted.

use std::sync::{Arc, Mutex, PoisonError};

use sealist_store::coming::PartialBody;

/// The partial bodies that nobody completes any more.
#[derive(Clone, Default)]
pub(crate) struct AbandonedUploads(Arc<Mutex<Vec<PartialBody>>>);

impl AbandonedUploads {
    /// Adds one.
    pub(crate) fn push(&self, partial: PartialBody) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(partial);
    }

    /// Takes one out.
    pub(crate) fn pop(&self) -> Option<PartialBody> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}
