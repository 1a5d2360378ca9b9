//! What tests and benchmarks need beside the use cases: the store of a site, what its archive keeps, rosters
//! that are made quickly, and the commits that a disk can make. The feature `testing` turns this module on,
//! and the binary is built without that feature.

#![expect(clippy::disallowed_methods, reason = "tests and benchmarks write rows that no use case writes")]

mod archive;
mod roster;
mod yardstick;

use sealist_store::Store;
use sealist_store::nodes::Claimant;

use crate::site::App;
pub use archive::archived_summary;
pub use roster::{JoiningMember, RosterWriter};
pub use yardstick::CommitYardstick;

impl App {
    /// The store of this site.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The node that claims, with the lists that it leaves to others.
    pub fn claimant(&self) -> Claimant {
        self.node.claimant()
    }
}
