//! The exit codes of commands: those of sysexits(3), one table for all errors.

use std::io::ErrorKind;

use sealist_app::{AppError, SettingRefused};
use sealist_lists::model::{NameRefused, SettingError};
use sealist_store::transfer::TransferError;
use sealist_store::{For, StoreError};

use crate::config::ConfigError;
pub(crate) use crate::ending::{Code, Ending};
use crate::opening::{NoKeysHere, NoSite};

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
            SettingRefused::NoSuchList(_) => Code::NoUser,
            SettingRefused::Conflict { .. } => Code::TryAgain,
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
        AppError::Setting(error) => of_setting(error),
        AppError::NoSuchList(_) | AppError::NoRole { .. } | AppError::NotKnown(_) | AppError::NoUserOf(_) => {
            Code::NoUser
        }
        AppError::NoSuchStyle(_) | AppError::NoSuchWorkflow(_) => Code::Usage,
        AppError::Name(NameRefused::Meets(..)) | AppError::ListExists(_) | AppError::ConsumerExists(_) => {
            Code::CannotCreate
        }
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
            For::Caller => Code::Data,
            For::Authors => Code::Software,
        },
    }
}
