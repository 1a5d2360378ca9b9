//! The secret keys of this node: in a key directory, or wrapped in the database. Keys are found in both
//! places. Settings: `[keydirs]`.

mod directory;
mod error;
mod master;
mod site;

use std::collections::BTreeSet;

use sealist_app::{KeyVault, OpenDatabase, Unavailable};
use sealist_openpgp::{KeyName, MacKey, MasterKey};
use zeroize::Zeroizing;

use crate::config::{KeyDirs, KeyStorage};
use directory::{Directory, KeyFile};
pub(crate) use error::VaultError;
pub(crate) use master::make as make_master_key;

/// The keys of this node.
pub(crate) struct Vault {
    directory: Directory,
    kept: KeyStorage,
    master: Option<MasterKey>,
    mac: MacKey,
}

impl Vault {
    /// Reads the master key, if one is configured, and the site key, which the first node makes. Errs if this
    /// node lacks the site key, because nothing can be judged or sent without it.
    pub(crate) async fn open(settings: &KeyDirs, database: &OpenDatabase) -> Result<Self, VaultError> {
        let directory = Directory::at(&settings.list);
        let master = master::read(&settings.master_key)?;
        let mac = site::key(&directory, settings.kept, master.as_ref(), database).await?;
        Ok(Self { directory, kept: settings.kept, master, mac })
    }
}

impl KeyVault for Vault {
    fn secret(&self, name: &KeyName, wrapped: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, Unavailable> {
        if let (Some(wrapped), Some(_)) = (wrapped, &self.master) {
            return unwrapped(self.master.as_ref(), name, wrapped);
        }
        match self.directory.read(name).map_err(|error| Unavailable::File(error.kind()))? {
            Some(KeyFile::Plain(secret)) => Ok(secret),
            Some(KeyFile::Wrapped(wrapped)) => unwrapped(self.master.as_ref(), name, &wrapped),
            None if wrapped.is_some() => Err(Unavailable::NoMasterKey),
            None => Err(Unavailable::Missing),
        }
    }

    fn keep(&self, name: &KeyName, secret: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        let wrapped = self.wrap(name, secret);
        if self.kept == KeyStorage::Directory {
            self.directory.make()?;
        }
        match (self.kept, wrapped) {
            (KeyStorage::Database, Some(wrapped)) => return Ok(Some(wrapped)),
            (KeyStorage::Database, None) => return Err(std::io::Error::other("there is no master key")),
            (KeyStorage::Directory, Some(wrapped)) => self.directory.write_wrapped(name, &wrapped)?,
            (KeyStorage::Directory, None) => self.directory.write_plain(name, secret)?,
        }
        Ok(None)
    }

    fn wrap(&self, name: &KeyName, secret: &[u8]) -> Option<Vec<u8>> {
        self.master.as_ref().map(|master| master.wrap(name, secret))
    }

    fn mac(&self) -> &MacKey {
        &self.mac
    }
}

/// Whether the key directory holds keys of a site.
pub(crate) fn has_keys(settings: &KeyDirs) -> bool {
    let (lists, of_site) = Directory::at(&settings.list).contents();
    of_site || !lists.is_empty()
}

/// The names of the files with keys of lists.
pub(crate) fn key_files(settings: &KeyDirs) -> BTreeSet<String> {
    Directory::at(&settings.list).files_of_lists()
}

/// The List-Ids of the lists whose keys are in the key directory.
pub(crate) fn lists_with_keys(settings: &KeyDirs) -> BTreeSet<String> {
    Directory::at(&settings.list).contents().0
}

fn unwrapped(
    master: Option<&MasterKey>,
    name: &KeyName,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unavailable> {
    let master = master.ok_or(Unavailable::NoMasterKey)?;
    master.open(name, wrapped).map_err(|_| Unavailable::OtherMasterKey)
}

#[cfg(test)]
mod tests;
