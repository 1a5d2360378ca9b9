//! `[keys]`: the life of members' certificates.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Keys {
    /// So many days before its end the holder of a key is warned.
    pub(crate) warn_days: Vec<u32>,
}

impl Default for Keys {
    fn default() -> Self {
        Self { warn_days: vec![60, 30, 14, 7, 1] }
    }
}
