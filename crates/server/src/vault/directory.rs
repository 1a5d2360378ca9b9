//! The key directory: one file per key, named by list, purpose and fingerprint.
//!
//! Files have mode 0600, the directory 0700. A file is synced before the database names it, and never
//! replaced.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sealist_openpgp::KeyName;
use zeroize::Zeroizing;

/// The file extensions of keys that are wrapped under the master key, and of keys that are not.
const WRAPPED: &str = "wrapped";
const PLAIN: &str = "asc";

/// A directory with keys.
pub(super) struct Directory(PathBuf);

/// A stored key.
pub(super) enum KeyFile {
    Plain(Zeroizing<Vec<u8>>),
    Wrapped(Vec<u8>),
}

impl Directory {
    pub(super) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn make(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.0).into_iter().flatten().flatten();
        files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
    }

    /// The names of the files with keys of lists.
    pub(super) fn files_of_lists(&self) -> BTreeSet<String> {
        self.names().into_iter().filter(|name| list_of(name).is_some()).collect()
    }

    /// The List-Ids of the lists whose keys are here, and whether there is a site key.
    pub(super) fn contents(&self) -> (BTreeSet<String>, bool) {
        let names = self.names();
        let of_site = names.iter().any(|name| name.starts_with("site.mac"));
        (names.iter().filter_map(|name| list_of(name)).collect(), of_site)
    }

    /// Reads a key, wrapped or not.
    pub(super) fn read(&self, name: &KeyName) -> io::Result<Option<KeyFile>> {
        if let Some(wrapped) = read_if_there(&self.file(name, WRAPPED))? {
            return Ok(Some(KeyFile::Wrapped(wrapped.to_vec())));
        }
        Ok(read_if_there(&self.file(name, PLAIN))?.map(KeyFile::Plain))
    }

    pub(super) fn write_plain(&self, name: &KeyName, secret: &[u8]) -> io::Result<()> {
        write_synced(&self.file(name, PLAIN), secret)
    }

    pub(super) fn write_wrapped(&self, name: &KeyName, wrapped: &[u8]) -> io::Result<()> {
        write_synced(&self.file(name, WRAPPED), wrapped)
    }

    /// Writes a key that two processes may make at the same time. The first file that gets the name is the
    /// key, and it appears complete.
    pub(super) fn write_first(&self, name: &KeyName, found: &KeyFile) -> io::Result<()> {
        let (extension, bytes) = match found {
            KeyFile::Plain(secret) => (PLAIN, &**secret),
            KeyFile::Wrapped(wrapped) => (WRAPPED, wrapped),
        };
        let file = self.file(name, extension);
        let draft = self.0.join(format!("draft.{}", std::process::id()));
        write_synced(&draft, bytes)?;
        let named = fs::hard_link(&draft, &file);
        fs::remove_file(&draft)?;
        match named {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => File::open(&self.0)?.sync_all(),
        }
    }

    /// The site key is not an OpenPGP key, and there is only one.
    fn file(&self, name: &KeyName, extension: &str) -> PathBuf {
        let KeyName { list, purpose, fingerprint, .. } = name;
        self.0.join(match (list.as_str(), extension) {
            ("", PLAIN) => format!("site.{purpose}"),
            ("", _) => format!("site.{purpose}.{extension}"),
            (list, _) => format!("{list}.{purpose}.{fingerprint}.{extension}"),
        })
    }
}

/// The list in a file name that [`Directory::file`] makes: LIST-ID.PURPOSE.FINGERPRINT.EXTENSION.
fn list_of(file: &str) -> Option<String> {
    let mut parts = file.rsplitn(4, '.');
    let (extension, fingerprint, purpose, list) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_ours = [WRAPPED, PLAIN].contains(&extension)
        && fingerprint.len() >= 40
        && ["posting", "storage"].contains(&purpose);
    is_ours.then(|| list.to_owned())
}

fn read_if_there(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes and syncs a new file. Errs if the file exists.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
