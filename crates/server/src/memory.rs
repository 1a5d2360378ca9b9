//! How the process takes memory from the system.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// glibc reads it before anything of ours runs; other C libraries do not know it.
const THRESHOLD: &str = "MALLOC_MMAP_THRESHOLD_";
/// What is larger comes from the system by itself, and goes back to it when it is freed.
const THRESHOLD_OCTETS: &str = "1048576";

/// Starts this process anew, once, with large memory given back as soon as it is freed. Left to itself, the C library
/// raises the threshold with the largest message that it saw, and keeps hundreds of megabytes after a few of them.
/// Where that cannot be done, the process goes on as it is.
///
/// The number of the process stays, and with it what a service manager knows of it. Programs that the server starts see the
/// variable, which changes nothing but when their memory goes back; a value that the admin has set stays. `bench/history.md`
/// has what other allocators keep.
pub(crate) fn give_back() {
    if std::env::var_os(THRESHOLD).is_some() {
        return;
    }
    let Ok(own) = std::env::current_exe() else { return };
    // Returns only if it fails.
    let _ = Command::new(own).args(std::env::args_os().skip(1)).env(THRESHOLD, THRESHOLD_OCTETS).exec();
}
