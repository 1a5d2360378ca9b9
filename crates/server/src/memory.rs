//! How the process takes memory from the system.
//!
//! jemalloc keeps what was freed for some seconds, because the next post uses the same pages again, and gives it back then. The
//! C library's allocator does one of the two only. SQLite and OpenSSL ask jemalloc too: a post of 1 MB goes through SQLite's
//! pages, and with the C library's allocator each of them was asked for anew. `.cargo/config.toml` has the settings, because the library takes them
//! when it is built.

/// Begins to give back what was freed also while nothing is asked for, by a thread of the allocator. Called after the process
/// has stepped down, because a thread that runs before would keep the rights of root. Where it cannot be had, memory is
/// given back with the next requests for memory.
pub(crate) fn give_back() {
    let _ = tikv_jemalloc_ctl::background_thread::write(true);
}
