//! Loops without logic: claim, call the use case, wait.

pub(crate) mod incoming;
pub(crate) mod node;
pub(crate) mod outgoing;
pub(crate) mod room;
pub(crate) mod upkeep;

use std::time::Duration;

/// How often the database is asked when nobody calls.
const POLL: Duration = Duration::from_millis(250);
