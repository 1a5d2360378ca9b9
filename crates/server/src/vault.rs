//! The key directory: secret keys of lists and the key of the site, apart from the database.
//!
//! Files have mode 0600, the directory 0700. A file is synced before anything names it.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use sealist_app::{KeyVault, ListKeys};
use sealist_lists::model::ListName;
use sealist_openpgp::{ListKey, MacKey, StorageKey};

/// The key of the site.
const SITE_KEY: &str = "site.mac";

/// Keys in files, read once.
pub(crate) struct KeyDirectory {
    path: PathBuf,
    mac: MacKey,
    loaded: RwLock<HashMap<String, Arc<ListKeys>>>,
}

impl KeyDirectory {
    /// Opens the directory; makes it and the key of the site if they are missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let file = path.join(SITE_KEY);
        if !file.exists() {
            make_site_key(path)?;
        }
        let bytes = fs::read(file)?;
        let bytes = bytes
            .try_into()
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "site.mac is damaged"))?;
        Ok(Self { path: path.to_owned(), mac: MacKey::new(bytes), loaded: RwLock::default() })
    }

    fn load(&self, id: &str) -> Option<ListKeys> {
        let posting = fs::read(self.path.join(format!("{id}.posting.asc"))).ok()?;
        let storage = fs::read(self.path.join(format!("{id}.storage.asc"))).ok()?;
        let keys = ListKey::from_secret_bytes(&posting)
            .and_then(|posting| Ok(ListKeys { posting, storage: StorageKey::from_secret_bytes(&storage)? }));
        keys.inspect_err(|error| tracing::error!(list = id, %error, "a key file cannot be used")).ok()
    }

    fn remember(&self, id: String, keys: ListKeys) -> Arc<ListKeys> {
        let keys = Arc::new(keys);
        self.loaded.write().unwrap_or_else(PoisonError::into_inner).insert(id, keys.clone());
        keys
    }
}

impl KeyVault for KeyDirectory {
    fn keys(&self, list: &ListName) -> Option<Arc<ListKeys>> {
        let id = list.list_id();
        let known = self.loaded.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        known.or_else(|| self.load(&id).map(|keys| self.remember(id, keys)))
    }

    fn keep(&self, list: &ListName, keys: ListKeys) -> io::Result<Arc<ListKeys>> {
        let id = list.list_id();
        write_synced(&self.path, &format!("{id}.posting.asc"), &keys.posting.to_secret_bytes())?;
        write_synced(&self.path, &format!("{id}.storage.asc"), &keys.storage.to_secret_bytes())?;
        Ok(self.remember(id, keys))
    }

    fn mac(&self) -> &MacKey {
        &self.mac
    }
}

/// Two processes may start at once: the first file to get the name is the key, and it has it whole.
fn make_site_key(directory: &Path) -> io::Result<()> {
    let draft = format!("{SITE_KEY}.{}", std::process::id());
    write_synced(directory, &draft, &*MacKey::generate().to_bytes())?;
    let named = fs::hard_link(directory.join(&draft), directory.join(SITE_KEY));
    fs::remove_file(directory.join(&draft))?;
    match named {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(directory)?.sync_all(),
    }
}

/// Never replaces a key: an existing file is an error.
fn write_synced(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(directory.join(name))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_site_is_one_and_stays() {
        let folder = tempfile::TempDir::new().unwrap();
        let open = || KeyDirectory::open(folder.path()).unwrap().mac.to_bytes();
        let first = open();
        assert_eq!(first, open());
        make_site_key(folder.path()).unwrap();
        assert_eq!(first, open(), "a second start does not replace it");
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "no draft is left");
    }
}
