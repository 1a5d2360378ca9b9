//! Names that a newer version wrote: kept for as long as the process runs, so that what has such a name is
//! copied as cheaply as what has a known one.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The most names that are kept. They come from the database alone, where versions of Sealist and their
/// plugins write few.
const MAX_NAMES: usize = 1000;
/// What stands for each name beyond that.
const TOO_MANY: &str = "unknown";

/// A name that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownName(pub(crate) &'static str);

impl UnknownName {
    /// Keeps a name. The same name is kept once.
    pub(crate) fn keep(name: &str) -> Self {
        static KEPT: Mutex<KeptNames> = Mutex::new(KeptNames(BTreeSet::new()));
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).keep(name)
    }
}

/// The names that are kept.
struct KeptNames(BTreeSet<&'static str>);

impl KeptNames {
    fn keep(&mut self, name: &str) -> UnknownName {
        if let Some(known) = self.0.get(name) {
            return UnknownName(known);
        }
        if self.0.len() >= MAX_NAMES {
            return UnknownName(TOO_MANY);
        }
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        self.0.insert(name);
        UnknownName(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that are never given back are bounded, and those that are kept stay as they were written.
    #[test]
    fn a_name_is_kept_once_and_no_more_than_the_limit() {
        let mut kept = KeptNames(BTreeSet::new());
        for _ in 0..2 {
            for number in 0..MAX_NAMES {
                let name = format!("name-{number}");
                assert_eq!(kept.keep(&name).0, name);
            }
            assert_eq!(kept.0.len(), MAX_NAMES);
            for beyond in ["one-more", "unknown", ""] {
                assert_eq!(kept.keep(beyond).0, TOO_MANY);
            }
            assert_eq!(kept.0.len(), MAX_NAMES);
        }
        let again = kept.keep("name-7").0;
        assert!(std::ptr::eq(again, kept.keep("name-7").0), "it is the same text");
    }
}
