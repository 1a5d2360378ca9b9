//! `[keys]`: the life of members' certificates.

use serde::{Deserialize, Serialize};

use crate::keyservers::Way;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeySettings {
    /// So many days before its end the holder of a key is warned.
    pub(crate) warn_days: Vec<u32>,
    /// Who is asked for updates of the keys that are known.
    pub(crate) refresh: Refresh,
    /// How often each key is asked for, in hours.
    pub(crate) refresh_every_h: u32,
    /// A server that speaks VKS.
    pub(crate) keyserver: String,
    /// Empty: none. `socks5h://host:port` or `http://host:port`; it looks names up itself.
    pub(crate) proxy: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Refresh {
    /// Nobody.
    #[default]
    None,
    /// The Web Key Directory of the address's domain.
    Wkd,
    /// The keyserver.
    Keyserver,
    /// The two.
    Both,
}

impl KeySettings {
    /// What cannot be, in one sentence.
    pub(super) fn problem(&self) -> Option<&'static str> {
        if !self.keyserver.starts_with("https://") {
            return Some("keys.keyserver must start with https://");
        }
        if self.refresh_every_h == 0 {
            return Some("keys.refresh_every_h must be at least 1");
        }
        if Way::of(&self.proxy).is_none() {
            return Some("keys.proxy must be empty, socks5h://host:port or http://host:port");
        }
        None
    }
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            warn_days: vec![60, 30, 14, 7, 1],
            refresh: Refresh::None,
            refresh_every_h: 168,
            keyserver: "https://keys.openpgp.org".into(),
            proxy: String::new(),
        }
    }
}
