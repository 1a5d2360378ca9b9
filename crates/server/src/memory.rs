//! How the process gets memory from the system.
//!
//! jemalloc keeps freed pages for some seconds, because the next post uses them again, and then returns them.
//! The C library's allocator can do only one of the two. SQLite and OpenSSL use jemalloc, too: a post of 1 MB
//! passes through SQLite's pages, and with the C library's allocator each of them was allocated anew.
//! `.cargo/config.toml` has the settings, because jemalloc reads them when it is built.

/// Starts a background thread of the allocator that returns freed memory even while no memory is requested.
/// Called after the process has dropped the rights of root, because an earlier thread would keep them. If the
/// thread cannot be started, memory is returned at later allocations.
pub(crate) fn give_back() {
    let _ = tikv_jemalloc_ctl::background_thread::write(true);
}
