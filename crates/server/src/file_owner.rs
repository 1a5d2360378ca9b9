//! Who owns a file, and what an error says about a file that may not be read.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The user and group of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileOwner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

pub(crate) fn owner_of(path: &Path) -> Option<FileOwner> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(FileOwner { uid: metadata.uid(), gid: metadata.gid() })
}

/// The command to run instead, if a file may not be read. Empty for other errors.
pub(crate) fn advice(path: &Path, why: ErrorKind) -> String {
    if why != ErrorKind::PermissionDenied {
        return String::new();
    }
    // A file in an unreadable folder cannot be examined, so its folders are.
    let owner = path.ancestors().find_map(owner_of);
    owner.map_or(String::new(), |owner| command(owner.uid))
}

pub(crate) fn command(uid: u32) -> String {
    let name = named(uid).unwrap_or_else(|| format!("'#{uid}'"));
    format!("; run this as the user of the site: sudo -u {name} sealist …")
}

pub(crate) fn user_name(uid: u32) -> String {
    named(uid).unwrap_or_else(|| format!("user {uid}"))
}

pub(crate) fn named(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number == uid.to_string()).then(|| name.to_owned())
    })
}
