//! What tests and benchmarks need beside the use cases: the store of a site, rosters that are made quickly, and the commits that
//! a disk can make. The feature `testing` turns this module on, and the binary is built without that feature.

#![expect(clippy::disallowed_methods, reason = "tests and benchmarks write rows that no use case writes")]

mod roster;
mod yardstick;

use sealist_store::Store;

use crate::site::App;
pub use roster::{JoiningMember, RosterWriter};
pub use yardstick::CommitYardstick;

impl App {
    /// The store of this site.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
