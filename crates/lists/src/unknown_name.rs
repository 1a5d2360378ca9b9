//! Names that a newer version wrote: kept for as long as the process runs, so that what has such a name is copied as cheaply
//! as what has a known one.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The most names that are kept. They come from the database alone, where versions of Sealist and their plugins write few.
const MAX_NAMES: usize = 1000;
/// What stands for each name beyond that.
const TOO_MANY: &str = "unknown";

/// A name that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownName(pub(crate) &'static str);

impl UnknownName {
    /// Keeps a name. The same name is kept once.
    pub(crate) fn keep(name: &str) -> Self {
        static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(name) {
            return Self(known);
        }
        if kept.len() >= MAX_NAMES {
            return Self(TOO_MANY);
        }
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        kept.insert(name);
        Self(name)
    }
}
