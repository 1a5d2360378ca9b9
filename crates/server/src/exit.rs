//! The exit codes of commands: those of sysexits(3), one table for all errors.

use std::io::ErrorKind;
use std::path::Path;

use sealist_app::{AppError, SettingRefused};
use sealist_lists::model::{NameRefused, SettingError};
use sealist_store::transfer::TransferError;
use sealist_store::{For, StoreError};

use crate::config::ConfigError;
use crate::opening::{NoKeysHere, NoSite};

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
    code: Code,
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

/// The exit code for an error. The first known cause in the chain decides. If something that the admin named
/// does not exist, the code is [`Code::Data`].
pub(crate) fn code_of(error: &anyhow::Error) -> Code {
    error.chain().find_map(known).unwrap_or(Code::Data)
}

fn known(cause: &(dyn std::error::Error + 'static)) -> Option<Code> {
    if let Some(ending) = cause.downcast_ref::<Ending>() {
        return Some(ending.code);
    }
    if cause.is::<ConfigError>() || cause.is::<NoKeysHere>() || cause.is::<NoSite>() {
        return Some(Code::Config);
    }
    if let Some(error) = cause.downcast_ref::<StoreError>() {
        return Some(of_store(error));
    }
    if let Some(error) = cause.downcast_ref::<AppError>() {
        return Some(of_app(error));
    }
    if let Some(error) = cause.downcast_ref::<SettingRefused>() {
        return Some(match error {
            SettingRefused::Store(error) => of_store(error),
            SettingRefused::Setting(error) => of_setting(error),
            _ => Code::Data,
        });
    }
    if let Some(error) = cause.downcast_ref::<SettingError>() {
        return Some(of_setting(error));
    }
    if let Some(error) = cause.downcast_ref::<TransferError>() {
        return Some(match error {
            TransferError::Store(error) => of_store(error),
            TransferError::Source | TransferError::Target => Code::Usage,
            TransferError::NotEmpty => Code::CannotCreate,
            TransferError::Count { .. } => Code::Data,
        });
    }
    cause.downcast_ref::<std::io::Error>().map(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory => Code::NoInput,
        ErrorKind::AlreadyExists => Code::CannotCreate,
        _ => Code::Io,
    })
}

fn of_setting(error: &SettingError) -> Code {
    match error {
        SettingError::Unknown { .. } | SettingError::OfOpenpgp(_) => Code::Usage,
        _ => Code::Data,
    }
}

fn of_app(error: &AppError) -> Code {
    match error {
        AppError::Store(error) => of_store(error),
        AppError::NoSuchList(_) | AppError::NoRole { .. } | AppError::NotKnown(_) => Code::NoUser,
        AppError::NoSuchStyle(_) | AppError::NoSuchWorkflow(_) => Code::Usage,
        AppError::Name(NameRefused::Meets(..)) | AppError::ListExists(_) => Code::CannotCreate,
        AppError::Overtaken => Code::TryAgain,
        AppError::NoKeys { .. } | AppError::NoMasterKey => Code::Config,
        AppError::Vault(_) => Code::CannotCreate,
        AppError::Interrupted => Code::Software,
        _ => Code::Data,
    }
}

fn of_store(error: &StoreError) -> Code {
    match error {
        StoreError::Open { why, .. } => of_store(why),
        StoreError::Duplicate | StoreError::Copy { .. } => Code::CannotCreate,
        error => match error.remedy().who {
            For::Later => Code::TryAgain,
            For::Admin => Code::Config,
            For::Asker => Code::Data,
            For::Authors => Code::Software,
        },
    }
}
