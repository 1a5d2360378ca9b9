//! Makes a command of root act as the owner of the site, because the server could not read files that root
//! creates.

use std::path::Path;
use std::sync::OnceLock;

use rustix::process::{Gid, Uid, geteuid, getuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use sealist_lists::events::Actor;

use crate::config::{Config, DatabaseAt};
use crate::ending::{Code, Ending};
use crate::file_owner::{FileOwner, command, owner_of, user_name};

/// Lets root act as the owner of the site: of the first of its folders that exists, or else of the
/// configuration file. Other users keep their identity. Must be called while the process has one thread;
/// later threads inherit the user.
pub(crate) fn act_as_owner(path: &Path) -> Result<(), Ending> {
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

/// The user on the command line: `root (command line)`, or `anne as root (command line)` with sudo. The first
/// call is remembered, and [`act_as_owner`] calls this function before it changes the user, so that root is
/// recorded as root.
pub(crate) fn operator() -> Actor {
    static OPERATOR: OnceLock<(u32, String)> = OnceLock::new();
    let (uid, name) = OPERATOR.get_or_init(|| {
        let uid = getuid().as_raw();
        (uid, in_words(&user_name(uid), std::env::var("SUDO_USER").ok().as_deref()))
    });
    Actor::CommandLine { uid: *uid, name: name.clone() }
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
