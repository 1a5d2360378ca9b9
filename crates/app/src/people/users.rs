//! Users: which addresses belong to one person.
//!
//! A link carries no key authority. The preferred address of a membership on a list with OpenPGP decides to which key the list
//! encrypts and whose signature the list believes. So another preferred address is a key change there, and takes the way of one.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::User;
use sealist_mail::{Address, Timestamp};
use sealist_store::events::{self, Occasion};
use sealist_store::{Conn, StoreError, lists, people};

use crate::error::AppError;
use crate::site::App;

/// The user to whom an address is linked. Errs with [`AppError::NoUserOf`] if there is none.
pub async fn show_user(app: &App, address: &Address) -> Result<User, AppError> {
    user_of(&mut *app.store.reader().await?, address).await
}

/// Links an address to the user of another address. If that address has no user, a user is made who prefers it. Returns the user.
/// Errs with [`AppError::LinkedElsewhere`] if the address belongs to somebody else.
pub async fn link_address(
    app: &App,
    known: &Address,
    address: &Address,
    now: Timestamp,
) -> Result<User, AppError> {
    let (known, address) = (known.clone(), address.clone());
    let occasion = Occasion { actor: app.operator.clone(), now };
    app.store
        .write(move |db| {
            Box::pin(async move {
                let first = people::find_address(&mut *db, &known).await?;
                let first = first.ok_or_else(|| AppError::NotKnown(known.to_string()))?;
                let user = match people::user_of(&mut *db, first).await? {
                    Some(user) => user.no,
                    None => {
                        let user = people::create_user(&mut *db, "", now).await?;
                        people::link(&mut *db, user, first).await?;
                        people::prefer(&mut *db, user, first).await?;
                        user
                    }
                };
                let no = people::ensure_address(&mut *db, &address, "", now).await?;
                if !people::link(&mut *db, user, no).await? {
                    return Err(AppError::LinkedElsewhere(address.to_string()));
                }
                record(&mut *db, &occasion, &address, EventKind::AddressLinked {}).await?;
                user_of(db, &known).await
            })
        })
        .await
}

/// Takes an address from its user. Errs with [`AppError::StillSubscribed`] if memberships of the user go to it.
pub async fn unlink_address(app: &App, address: &Address, now: Timestamp) -> Result<(), AppError> {
    let address = address.clone();
    let occasion = Occasion { actor: app.operator.clone(), now };
    app.store
        .write(move |db| {
            Box::pin(async move {
                user_of(&mut *db, &address).await?;
                let no = people::find_address(&mut *db, &address).await?;
                let no = no.ok_or_else(|| AppError::NotKnown(address.to_string()))?;
                if !people::unlink(&mut *db, no).await? {
                    return Err(AppError::StillSubscribed(address.to_string()));
                }
                record(db, &occasion, &address, EventKind::AddressUnlinked {}).await
            })
        })
        .await
}

/// Makes an address the preferred one of its user; memberships of the user go to it from now on. Errs with
/// [`AppError::OtherKeyThere`], and changes nothing, if one of them is on a list with OpenPGP: the workflow of a key change cannot
/// carry another address yet.
pub async fn prefer_address(app: &App, address: &Address, now: Timestamp) -> Result<User, AppError> {
    let address = address.clone();
    let occasion = Occasion { actor: app.operator.clone(), now };
    app.store
        .write(move |db| {
            Box::pin(async move {
                let user = user_of(&mut *db, &address).await?;
                let linked = user.addresses.iter().find(|linked| linked.address == address);
                let linked = linked.ok_or_else(|| AppError::NoUserOf(address.to_string()))?;
                if linked.is_preferred {
                    return Ok(user);
                }
                for member in people::subscriptions_of(&mut *db, user.no).await? {
                    let list = lists::by_no(&mut *db, member.list).await?;
                    let list = list.filter(|list| list.settings.pgp.is_some());
                    if let Some(list) = list.filter(|_| member.address_no != linked.no) {
                        return Err(AppError::OtherKeyThere {
                            list: list.name.to_string(),
                            old: member.address.to_string(),
                            new: address.to_string(),
                        });
                    }
                }
                match people::prefer(&mut *db, user.no, linked.no).await {
                    Err(StoreError::Duplicate) => Err(AppError::HasRoleItself(address.to_string())),
                    preferred => {
                        preferred?;
                        record(&mut *db, &occasion, &address, EventKind::AddressPreferred {}).await?;
                        user_of(db, &address).await
                    }
                }
            })
        })
        .await
}

/// Records what happened to an address. It belongs to the whole site.
async fn record(
    db: &mut Conn,
    occasion: &Occasion,
    address: &Address,
    kind: EventKind,
) -> Result<(), AppError> {
    let event = Event { list: None, subject: Some(address.clone()), kind };
    Ok(events::record(db, occasion, &event).await?)
}

/// The user to whom an address is linked. Errs with [`AppError::NoUserOf`].
pub(crate) async fn user_of(db: &mut Conn, address: &Address) -> Result<User, AppError> {
    let user = match people::find_address(&mut *db, address).await? {
        Some(no) => people::user_of(db, no).await?,
        None => None,
    };
    user.ok_or_else(|| AppError::NoUserOf(address.to_string()))
}
