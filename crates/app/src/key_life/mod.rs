//! The life of members' certificates after they are set: checked each day, their holders warned, owners told.

mod check;
mod judge;
mod letters;
mod refresh;
mod survey;
mod warn;

pub use check::{Found, KeyCheck};
pub(crate) use judge::judge;
pub use refresh::{Answer, KeyServers, Refreshed, refresh_address, refresh_next, to_refresh};
pub use survey::{KeyState, survey};
pub use warn::Stages;
