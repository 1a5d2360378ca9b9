//! The site key. All nodes must have the same one, because sealing cards and replay records that another key
//! made are invalid. The database stores a mark by which the key is recognised.

use sealist_app::{OpenDatabase, SiteKeyRow};
use sealist_openpgp::{KeyName, MacKey, MasterKey};
use zeroize::Zeroizing;

use super::directory::{Directory, KeyFile};
use super::{VaultError, unwrapped};
use crate::config::KeyStorage;

/// Returns the site key. Makes one if the database has no mark yet.
pub(super) async fn key(
    directory: &Directory,
    kept: KeyStorage,
    master: Option<&MasterKey>,
    database: &OpenDatabase,
) -> Result<MacKey, VaultError> {
    let name = KeyName::of_site();
    let mut known = database.site_key().await?;
    if known.is_none() {
        known = Some(make(directory, kept, master, database).await?);
    }
    let path = || directory.path().to_owned();
    let SiteKeyRow { mark, wrapped } = known.ok_or_else(|| VaultError::NoSiteKey { path: path() })?;
    let octets = match (wrapped, master) {
        (Some(wrapped), Some(_)) => open(master, &name, &wrapped)?,
        (wrapped, _) => match find(directory, &name)? {
            Some(KeyFile::Plain(octets)) => octets,
            Some(KeyFile::Wrapped(wrapped)) => open(master, &name, &wrapped)?,
            None if wrapped.is_some() => return Err(VaultError::NoMasterKey),
            None => return Err(VaultError::NoSiteKey { path: path() }),
        },
    };
    let key = mac_key(&octets).filter(|key| key.mark() == *mark);
    key.ok_or_else(|| VaultError::OtherSiteKey { path: path() })
}

/// Records the mark of the key in the key directory, or makes a new key if there is none. Nodes may start at
/// the same time; the first one's key counts.
async fn make(
    directory: &Directory,
    kept: KeyStorage,
    master: Option<&MasterKey>,
    database: &OpenDatabase,
) -> Result<SiteKeyRow, VaultError> {
    let name = KeyName::of_site();
    let io = |source| VaultError::Directory { path: directory.path().to_owned(), source };
    if kept == KeyStorage::Directory {
        directory.make().map_err(io)?;
    }
    if kept == KeyStorage::Directory && find(directory, &name)?.is_none() {
        let octets = MacKey::generate().to_bytes();
        let found = match master {
            Some(master) => KeyFile::Wrapped(master.wrap(&name, &*octets)),
            None => KeyFile::Plain(Zeroizing::new(octets.to_vec())),
        };
        directory.write_first(&name, &found).map_err(io)?;
    }
    let octets = match find(directory, &name)? {
        Some(KeyFile::Plain(octets)) => octets,
        Some(KeyFile::Wrapped(wrapped)) => open(master, &name, &wrapped)?,
        None => Zeroizing::new(MacKey::generate().to_bytes().to_vec()),
    };
    let key = mac_key(&octets);
    let key = key.ok_or_else(|| VaultError::OtherSiteKey { path: directory.path().to_owned() })?;
    let wrapped = match kept {
        KeyStorage::Directory => None,
        KeyStorage::Database => Some(master.ok_or(VaultError::NoMasterKey)?.wrap(&name, &octets)),
    };
    let row = SiteKeyRow { mark: key.mark().to_vec(), wrapped };
    Ok(database.record_site_key(row).await?)
}

fn find(directory: &Directory, name: &KeyName) -> Result<Option<KeyFile>, VaultError> {
    let found = directory.read(name);
    found.map_err(|source| VaultError::Directory { path: directory.path().to_owned(), source })
}

fn open(
    master: Option<&MasterKey>,
    name: &KeyName,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let master_is_there = master.is_some();
    unwrapped(master, name, wrapped).map_err(|_| match master_is_there {
        true => VaultError::OtherMasterKey,
        false => VaultError::NoMasterKey,
    })
}

fn mac_key(octets: &[u8]) -> Option<MacKey> {
    octets.try_into().ok().map(MacKey::new)
}
