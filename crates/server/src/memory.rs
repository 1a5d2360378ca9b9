//! How the process takes memory from the system.
//!
//! jemalloc keeps what was freed for two seconds, and gives it back then: the next post uses the same pages again. Pieces of more
//! than 2 MiB go back at once, so that a burst of large messages leaves nothing behind and takes no more than it holds. The C library's allocator does one of the two only. `.cargo/config.toml`
//! has the settings, because the library takes them when it is built: with two arenas less lies free at once.

/// Begins to give back what was freed also while nothing is asked for, by a thread of the allocator. Called after the process
/// has stepped down, because a thread that runs before would keep the rights of root. Where it cannot be had, memory is
/// given back with the next requests for memory.
pub(crate) fn give_back() {
    let _ = tikv_jemalloc_ctl::background_thread::write(true);
}
