//! `[keys]`: the checks and updates of members' certificates.

use serde::{Deserialize, Serialize};

use crate::keyservers::Way;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeySettings {
    /// The holder of a key is warned this many days before the key expires.
    pub(crate) warn_days: Vec<u32>,
    /// Which servers are asked for updates of known keys.
    pub(crate) refresh: Refresh,
    /// How often each key is asked for, in hours.
    pub(crate) refresh_every_h: u32,
    /// The address of a keyserver that speaks VKS.
    pub(crate) keyserver: String,
    /// The proxy, `socks5h://host:port` or `http://host:port`, which also resolves names. Empty: no proxy.
    pub(crate) proxy: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Refresh {
    /// No server.
    #[default]
    None,
    /// The Web Key Directory of the address's domain.
    Wkd,
    /// The keyserver.
    Keyserver,
    /// Both.
    Both,
}

impl KeySettings {
    /// Describes an invalid combination in one sentence.
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
