//! Makes a command of root act as the owner of the site, because the server could not read files that root
//! creates.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::OnceLock;

use rustix::process::{Gid, Uid, geteuid, getuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::config::{Config, DatabaseAt};
use crate::exit::{Code, Ending};

/// The user and group of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileOwner {
    uid: u32,
    gid: u32,
}

/// Lets root act as the owner of the site: of the first of its folders that exists, or else of the
/// configuration file. Other users keep their identity. Must be called while the process has one thread;
/// later threads inherit the user.
pub(crate) fn act(path: &Path) -> Result<(), Ending> {
    operator();
    if !geteuid().is_root() {
        return Ok(());
    }
    match owner_of_site(path).filter(|owner| owner.uid != 0) {
        Some(owner) => become_owner(owner).map_err(|error| {
            Ending::new(
                Code::Config,
                format!("root cannot act as the owner of the site: {error}{}", command(owner.uid)),
            )
        }),
        None => Ok(()),
    }
}

/// The user on the command line, for the audit: `root (command line)`, or `anne as root (command line)` with
/// sudo. The first call is remembered, and [`act`] calls this function before it changes the user, so that
/// root is recorded as root.
pub(crate) fn operator() -> &'static str {
    static OPERATOR: OnceLock<String> = OnceLock::new();
    OPERATOR
        .get_or_init(|| in_words(&user_name(getuid().as_raw()), std::env::var("SUDO_USER").ok().as_deref()))
}

/// A user can set the variable to any text, so the text is reduced to one line: an audit entry must not look
/// like two.
fn in_words(user: &str, before_sudo: Option<&str>) -> String {
    let is_name = |name: &&str| {
        name.len() <= 32
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    match before_sudo.filter(is_name).filter(|name| *name != user) {
        Some(before) => format!("{before} as {user} (command line)"),
        None => format!("{user} (command line)"),
    }
}

fn become_owner(FileOwner { uid, gid }: FileOwner) -> rustix::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

/// The configuration file comes last, because an admin may own it.
fn owner_of_site(path: &Path) -> Option<FileOwner> {
    let config = Config::read(path).unwrap_or_default();
    let mut places = Vec::new();
    if let DatabaseAt::File(database) = config.database() {
        places.extend(database.parent().map(Path::to_owned));
    }
    places.extend([config.data_dir.clone(), config.keydirs.list.clone()]);
    places.extend(path.parent().map(Path::to_owned));
    places.iter().find_map(|place| owner_of(place))
}

fn owner_of(path: &Path) -> Option<FileOwner> {
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

fn command(uid: u32) -> String {
    let name = named(uid).unwrap_or_else(|| format!("'#{uid}'"));
    format!("; run this as the user of the site: sudo -u {name} sealist …")
}

fn user_name(uid: u32) -> String {
    named(uid).unwrap_or_else(|| format!("user {uid}"))
}

fn named(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number == uid.to_string()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_names_the_user_of_the_system() {
        fn check(user: &str, before_sudo: Option<&str>, words: &str) {
            assert_eq!(in_words(user, before_sudo), words);
        }
        check("root", None, "root (command line)");
        check("sealist", Some("anne"), "anne as sealist (command line)");
        check("root", Some("root"), "root (command line)");
        for strange in ["", "a b", "x\ny", "olga@example.org", &"x".repeat(33)] {
            check("root", Some(strange), "root (command line)");
        }
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(4_000_000_000), "user 4000000000");
    }
}
