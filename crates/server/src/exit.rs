//! The exit codes of commands: those of sysexits(3), one table for all errors.

use std::io::ErrorKind;

use sealist_app::{AppError, ErrorKind as Kind, SettingRefused, TransferError};
use sealist_lists::model::{NameRefused, SettingError};

use crate::config::ConfigError;
use crate::ending::{Code, Ending};
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
    if let Some(error) = cause.downcast_ref::<AppError>() {
        return Some(of_app(error));
    }
    if let Some(error) = cause.downcast_ref::<SettingRefused>() {
        return Some(match error {
            SettingRefused::Store(_) => of_database(error.kind()),
            SettingRefused::Setting(error) => of_setting(error),
            SettingRefused::NoSuchList(_) => Code::NoUser,
            SettingRefused::Conflict { .. } => Code::TryAgain,
            _ => Code::Data,
        });
    }
    if let Some(error) = cause.downcast_ref::<SettingError>() {
        return Some(of_setting(error));
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
        AppError::Store(_) => of_database(error.kind()),
        AppError::NotMoved(TransferError::Source | TransferError::Target) => Code::Usage,
        AppError::NotMoved(TransferError::NotEmpty) => Code::CannotCreate,
        AppError::Setting(error) => of_setting(error),
        AppError::NoSuchList(_) | AppError::NoRole { .. } | AppError::NotKnown(_) | AppError::NoUserOf(_) => {
            Code::NoUser
        }
        AppError::NoSuchStyle { .. } => Code::Usage,
        AppError::Name(NameRefused::Meets(..))
        | AppError::ListExists(_)
        | AppError::HasRole { .. }
        | AppError::ConsumerExists(_) => Code::CannotCreate,
        AppError::Overtaken => Code::TryAgain,
        AppError::NoKeys { .. } | AppError::NoMasterKey => Code::Config,
        AppError::Vault(_) => Code::CannotCreate,
        AppError::Interrupted => Code::Software,
        _ => Code::Data,
    }
}

/// The code for an error of the database.
fn of_database(kind: Kind) -> Code {
    match kind {
        Kind::Exists | Kind::NotWritten => Code::CannotCreate,
        Kind::Unavailable | Kind::Conflict | Kind::Busy => Code::TryAgain,
        Kind::NeedsAdmin => Code::Config,
        Kind::Internal => Code::Software,
        Kind::NotFound | Kind::Invalid { .. } | Kind::Forbidden => Code::Data,
    }
}

#[cfg(test)]
mod tests {
    use sealist_store::StoreError;

    use super::*;

    #[test]
    fn an_error_of_the_database_has_its_code() {
        fn check(error: StoreError, code: Code) {
            let shown = format!("{error:?}");
            assert_eq!(code_of(&AppError::from(error).into()), code, "{shown}");
        }
        let statement = |code: &str| StoreError::Statement { code: code.to_owned() };
        let copy = || StoreError::Copy { path: "sealist.db".into(), why: ErrorKind::PermissionDenied.into() };
        let open = |why| StoreError::Open { path: "sealist.db".to_owned(), why: Box::new(why) };
        check(StoreError::Duplicate, Code::CannotCreate);
        check(copy(), Code::CannotCreate);
        check(open(copy()), Code::CannotCreate);
        check(StoreError::Transient { code: "5".to_owned() }, Code::TryAgain);
        check(StoreError::Unsure { code: "08006".to_owned() }, Code::TryAgain);
        check(StoreError::Lost, Code::TryAgain);
        check(StoreError::Served, Code::TryAgain);
        check(StoreError::Stopped, Code::TryAgain);
        check(open(StoreError::Stopped), Code::TryAgain);
        check(StoreError::Address, Code::Config);
        check(StoreError::Damaged { table: "lists" }, Code::Config);
        check(StoreError::Newer { found: 2, known: 1 }, Code::Config);
        check(StoreError::Older { found: 1, known: 2 }, Code::Config);
        check(StoreError::Missing { at: "sealist.db".to_owned() }, Code::Config);
        check(statement("28P01"), Code::Config);
        check(statement("787"), Code::Data);
        check(statement("42601"), Code::Software);
    }

    #[test]
    fn a_site_that_is_not_moved_has_its_code() {
        fn check(error: TransferError, code: Code) {
            let shown = format!("{error:?}");
            assert_eq!(code_of(&AppError::from(error).into()), code, "{shown}");
        }
        check(TransferError::Source, Code::Usage);
        check(TransferError::Target, Code::Usage);
        check(TransferError::NotEmpty, Code::CannotCreate);
        check(TransferError::Count { table: "lists", found: 1, expected: 2 }, Code::Data);
        check(TransferError::Store(StoreError::Stopped), Code::TryAgain);
    }
}
