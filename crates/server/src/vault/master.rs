//! The master key: a file, or a credential that systemd passes to the service.

use std::io;
use std::path::{Path, PathBuf};

use sealist_openpgp::MasterKey;
use zeroize::Zeroizing;

use super::VaultError;
use super::directory::write_synced;
use crate::config::MasterKeyAt;

/// Reads the key that the configuration names; `None` if it names none.
pub(super) fn read(at: &MasterKeyAt) -> Result<Option<MasterKey>, VaultError> {
    let path = match at {
        MasterKeyAt::Nowhere => return Ok(None),
        MasterKeyAt::File(path) => path.clone(),
        MasterKeyAt::Credential(name) => credential(name)?,
    };
    let text = match std::fs::read(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(source) => return Err(VaultError::MasterKey { path, source }),
    };
    match MasterKey::from_text(&text) {
        Ok(key) => Ok(Some(key)),
        Err(source) => Err(VaultError::NotAMasterKey { path, source }),
    }
}

/// Writes a new master key with mode 0600. Errs if the file exists.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    write_synced(path, MasterKey::generate().to_text().as_bytes())
}

fn credential(name: &str) -> Result<PathBuf, VaultError> {
    let missing = || VaultError::Credential(name.to_owned());
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(missing)?;
    let path = Path::new(&folder).join(name);
    if path.exists() { Ok(path) } else { Err(missing()) }
}
