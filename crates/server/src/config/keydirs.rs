//! `[keydirs]`: where secret keys are.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The prefix of the name of a systemd credential.
const CREDENTIAL: &str = "credential:";

/// Where keys are stored. None of these places may be inside `data_dir`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeyDirs {
    /// The directory of the lists' secret keys; files have mode 0600.
    pub(crate) list: PathBuf,
    /// Where new keys are stored.
    pub(crate) kept: KeyStorage,
    /// Where the master key is.
    pub(crate) master_key: MasterKeyAt,
}

/// Where new keys are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyStorage {
    /// In the key directory, wrapped if there is a master key.
    #[default]
    Directory,
    /// In the database, wrapped.
    Database,
}

/// Where the master key is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) enum MasterKeyAt {
    /// There is no master key.
    #[default]
    Nowhere,
    /// A file.
    File(PathBuf),
    /// A credential that systemd passes to the service.
    Credential(String),
}

impl KeyDirs {
    /// Describes an invalid combination in one sentence.
    pub(super) fn problem(&self, data_dir: &Path) -> Option<&'static str> {
        if self.list.starts_with(data_dir) {
            return Some("keydirs.list must lie outside data_dir, so that a copy of the data holds no key");
        }
        match &self.master_key {
            MasterKeyAt::File(path) if path.starts_with(data_dir) || path.starts_with(&self.list) => Some(
                "keydirs.master_key must lie outside data_dir and keydirs.list, so that no copy of them opens the keys",
            ),
            MasterKeyAt::Nowhere if self.kept == KeyStorage::Database => Some(
                "keydirs.kept = \"database\" needs keydirs.master_key; make one with `sealist keys master-key FILE`",
            ),
            _ => None,
        }
    }
}

/// Writes where keys are stored, in a line for people.
impl std::fmt::Display for KeyDirs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kept {
            KeyStorage::Directory => {
                write!(f, "{} (back them up apart from the database)", self.list.display())
            }
            KeyStorage::Database => {
                let master = String::from(self.master_key.clone());
                write!(f, "in the database, wrapped (back up {master} apart from it)")
            }
        }
    }
}

impl MasterKeyAt {
    /// Makes a relative path absolute.
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Self::File(path) = self {
            *path = base.join(&*path);
        }
    }
}

impl Default for KeyDirs {
    fn default() -> Self {
        Self {
            list: "/etc/sealist/keys".into(),
            kept: KeyStorage::default(),
            master_key: MasterKeyAt::default(),
        }
    }
}

impl From<String> for MasterKeyAt {
    fn from(text: String) -> Self {
        match text.strip_prefix(CREDENTIAL) {
            _ if text.is_empty() => Self::Nowhere,
            Some(name) => Self::Credential(name.to_owned()),
            None => Self::File(text.into()),
        }
    }
}

impl From<MasterKeyAt> for String {
    fn from(at: MasterKeyAt) -> Self {
        match at {
            MasterKeyAt::Nowhere => Self::new(),
            MasterKeyAt::File(path) => path.to_string_lossy().into_owned(),
            MasterKeyAt::Credential(name) => format!("{CREDENTIAL}{name}"),
        }
    }
}
