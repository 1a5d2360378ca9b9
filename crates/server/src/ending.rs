//! The exit codes of commands, and errors with their own exit code.

use std::path::Path;

/// The codes of sysexits(3) that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// The command line is invalid.
    Usage = 64,
    /// An argument cannot be used: a message, a key, a value, or an unknown number.
    Data = 65,
    /// A file that was named cannot be read.
    NoInput = 66,
    /// There is no such list, member or address.
    NoUser = 67,
    /// A resource is in use by another program, for instance a port.
    Unavailable = 69,
    /// A bug in this program.
    Software = 70,
    /// It exists already, or a file cannot be created.
    CannotCreate = 73,
    /// The output could not be written.
    Io = 74,
    /// A temporary error: the same command may succeed later.
    TryAgain = 75,
    /// The configuration, the database or the keys must be fixed first.
    Config = 78,
}

/// An error with its own exit code.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Ending {
    pub(crate) code: Code,
    text: String,
}

impl Ending {
    pub(crate) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// A file or folder cannot be written, whatever the reason. (A missing folder must not be reported as an
    /// unreadable input.)
    pub(crate) fn not_written(path: &Path, why: &std::io::Error) -> Self {
        Self::new(Code::CannotCreate, format!("cannot write {}: {why}", path.display()))
    }
}
