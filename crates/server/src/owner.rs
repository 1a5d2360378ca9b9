//! Who owns a site. A command of root acts as that user: what root makes, the server could not read.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::config::{Config, DatabaseAt};
use crate::exit::{Code, Ending};

/// A user, as the owner of a file names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner {
    uid: u32,
    gid: u32,
}

/// Lets root act as the owner of the site: of the first of its folders that is there, and of the configuration's last. Anybody
/// else acts as who they are. To be called while the process has one thread; what it starts later follows.
pub(crate) fn act(path: &Path) -> Result<(), Ending> {
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

fn become_owner(Owner { uid, gid }: Owner) -> rustix::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

/// The configuration comes last: an admin may own it.
fn owner_of_site(path: &Path) -> Option<Owner> {
    let config = Config::read(path).unwrap_or_default();
    let mut places = Vec::new();
    if let DatabaseAt::File(database) = config.database() {
        places.extend(database.parent().map(Path::to_owned));
    }
    places.extend([config.data_dir.clone(), config.keydirs.list.clone()]);
    places.extend(path.parent().map(Path::to_owned));
    places.iter().find_map(|place| owner_of(place))
}

fn owner_of(path: &Path) -> Option<Owner> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Owner { uid: metadata.uid(), gid: metadata.gid() })
}

/// What to run in place of a command that may not read a file; nothing after any other error.
pub(crate) fn advice(path: &Path, why: ErrorKind) -> String {
    if why != ErrorKind::PermissionDenied {
        return String::new();
    }
    // Of a file in a folder that is closed to us nothing is known.
    let owner = path.ancestors().find_map(owner_of);
    owner.map_or(String::new(), |owner| command(owner.uid))
}

fn command(uid: u32) -> String {
    format!("; run this as the user of the site: sudo -u {} sealist …", name(uid))
}

/// The name of a user, or the form in which sudo takes a number.
fn name(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number == uid.to_string()).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("'#{uid}'"))
}
