//! The exit codes of commands: those of sysexits(3), one table for all errors.

use std::io::ErrorKind;

use sealist_app::{AppError, ErrorKind as Kind, SettingRefused, TransferError};
use sealist_lists::model::SettingError;

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
            SettingRefused::Setting(error) => of_setting(error),
            SettingRefused::NoSuchList(_) => Code::NoUser,
            SettingRefused::NotSealed(_) => Code::Data,
            error => of_kind(error.kind()),
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
        AppError::NoSuchList(_) | AppError::NoRole { .. } | AppError::NotKnown(_) | AppError::NoUserOf(_) => {
            Code::NoUser
        }
        AppError::NoSuchStyle { .. } | AppError::NotMoved(TransferError::Source | TransferError::Target) => {
            Code::Usage
        }
        AppError::Setting(error) => of_setting(error),
        AppError::Interrupted => Code::Software,
        AppError::Key(_)
        | AppError::Seal(_)
        | AppError::Damaged(_)
        | AppError::NextHour(_)
        | AppError::NotMoved(TransferError::Count { .. }) => Code::Data,
        error => of_kind(error.kind()),
    }
}

/// The code for a kind of error.
fn of_kind(kind: Kind) -> Code {
    match kind {
        Kind::Exists | Kind::NotWritten => Code::CannotCreate,
        Kind::Unavailable | Kind::Overtaken | Kind::Busy => Code::TryAgain,
        Kind::NeedsAdmin => Code::Config,
        Kind::Internal => Code::Software,
        Kind::NotFound | Kind::Conflict | Kind::Invalid { .. } | Kind::Forbidden => Code::Data,
    }
}

#[cfg(test)]
mod tests {
    use sealist_lists::model::{EntryNo, NameRefused, Role};
    use sealist_mail::Timestamp;
    use sealist_openpgp::Damaged;
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
    fn what_an_admin_asks_for_in_vain_has_its_code() {
        fn check(error: AppError, code: Code) {
            let shown = format!("{error:?}");
            assert_eq!(code_of(&error.into()), code, "{shown}");
        }
        let (name, entry) = (|| "x".to_owned(), EntryNo(1));
        check(AppError::NoSuchList(name()), Code::NoUser);
        check(AppError::NoRole { address: name(), list: name() }, Code::NoUser);
        check(AppError::NotKnown(name()), Code::NoUser);
        check(AppError::NoUserOf(name()), Code::NoUser);
        check(AppError::NoKeyOf(name()), Code::Data);
        check(AppError::NoSuchEntry(entry), Code::Data);
        check(AppError::NoSuchConsumer(name()), Code::Data);
        check(AppError::NoSuchStyle { style: name(), known: name() }, Code::Usage);
        check(AppError::NoSuchPosition { position: 2, last: 1 }, Code::Data);
        check(AppError::Setting(SettingError::OfOpenpgp(name())), Code::Usage);
        check(AppError::Setting(SettingError::OfOneAddress(name())), Code::Data);
        check(AppError::ListExists(name()), Code::CannotCreate);
        check(AppError::Name(NameRefused::Meets(name(), name())), Code::CannotCreate);
        check(AppError::Name(NameRefused::Long), Code::Data);
        check(AppError::HasRole { address: name(), role: Role::Owner, list: name() }, Code::CannotCreate);
        check(AppError::ConsumerExists(name()), Code::CannotCreate);
        check(AppError::LastOwner(name()), Code::Data);
        check(AppError::Overtaken, Code::TryAgain);
        check(AppError::Unseen(entry), Code::Data);
        check(AppError::MayNotSee(name()), Code::Data);
        check(AppError::NextHour(Timestamp(0)), Code::Data);
        check(AppError::NoMasterKey, Code::Config);
        check(AppError::Vault(ErrorKind::Other.into()), Code::CannotCreate);
        check(AppError::Damaged(Damaged), Code::Data);
        check(AppError::Interrupted, Code::Software);
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
