//! Rows that a newer version wrote, and that this one does not know: they are kept, and each stands in the log once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// How many rows are remembered. Beyond that the log says nothing: who writes that many has been told of the first ones.
const MOST: usize = 1000;

/// Whether this process meets it for the first time.
pub(crate) fn is_first(what: String) -> bool {
    static MET: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    met.len() < MOST && met.insert(what)
}
