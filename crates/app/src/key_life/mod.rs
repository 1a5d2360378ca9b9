//! The life of members' certificates: they are checked each day, and their holders and the owners are warned.

mod cause;
mod check;
mod judge;
mod key_notices;
mod key_report;
mod previous_keys;
mod refresh;
mod row;
mod servers;
mod suspended;
mod warn;

pub(crate) use cause::cause;
pub use check::{KeyCheck, KeyCheckReport};
pub(crate) use judge::judge;
pub use key_report::KeyReport;
pub(crate) use key_report::key_report;
pub use refresh::Refreshed;
pub(crate) use refresh::{refresh_address, refresh_next, to_refresh};
pub(crate) use row::{row_of, updated_row};
pub use servers::{KeyServerAnswer, KeyServers};
pub(crate) use suspended::{is_compromised, suspended_row, was_authorised_by};
pub use warn::Stages;
