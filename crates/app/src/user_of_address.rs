//! The user to whom an address belongs: found, or made when a person is first spoken of as one.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{User, UserNo};
use sealist_mail::{Address, Timestamp};
use sealist_store::{Conn, people};

use crate::changes::Happened;
use crate::error::AppError;

/// The user to whom an address is linked. Errs with [`AppError::NoUserOf`].
pub(crate) async fn user_of(db: &mut Conn, address: &Address) -> Result<User, AppError> {
    let user = match people::find_address(&mut *db, address).await? {
        Some(no) => people::user_of(db, no).await?,
        None => None,
    };
    user.ok_or_else(|| AppError::NoUserOf(address.to_string()))
}

/// The user to whom a known address belongs; a user is made who prefers the address if it belongs to nobody.
/// Adds what happened. Errs with [`AppError::NotKnown`] if the site does not know the address.
pub(crate) async fn user_or_new(
    db: &mut Conn,
    address: &Address,
    happened: &mut Vec<Happened>,
    now: Timestamp,
) -> Result<UserNo, AppError> {
    let no = people::find_address(&mut *db, address).await?;
    let no = no.ok_or_else(|| AppError::NotKnown(address.to_string()))?;
    if let Some(user) = people::user_of(&mut *db, no).await? {
        return Ok(user.no);
    }
    let user = people::create_user(&mut *db, "", now).await?;
    people::link(&mut *db, user, no).await?;
    people::prefer(db, user, no).await?;
    happened.push(about(address, EventKind::AddressLinked {}));
    happened.push(about(address, EventKind::AddressPreferred {}));
    Ok(user)
}

/// The user who prefers that address. Errs with [`AppError::NotPreferred`] if the user prefers another one,
/// and with [`AppError::NoUserOf`].
pub(crate) async fn user_who_prefers(db: &mut Conn, address: &Address) -> Result<UserNo, AppError> {
    let user = user_of(db, address).await?;
    match user.preferred() {
        Some(preferred) if preferred.address == *address => Ok(user.no),
        preferred => Err(AppError::NotPreferred {
            address: address.to_string(),
            preferred: preferred.map(|preferred| preferred.address.to_string()),
        }),
    }
}

/// What happened to an address. It belongs to the whole site.
pub(crate) fn about(address: &Address, kind: EventKind) -> Happened {
    Happened::Change(Event { list: None, subject: Some(address.clone()), kind })
}
