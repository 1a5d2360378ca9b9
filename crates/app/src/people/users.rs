//! Users: which addresses belong to one person.
//!
//! A link carries no key authority. The preferred address of a membership on a list with OpenPGP decides to
//! which key the list encrypts and whose signature the list believes. So another preferred address is a key
//! change there, and takes the way of one.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{LinkedAddress, PreferenceLevel, User};
use sealist_mail::Address;
use sealist_store::events::Occasion;
use sealist_store::{Conn, StoreError, lists, people};
use serde::Serialize;

use super::UserActions;
use super::preferences::{ChosenPreference, view as level_view};
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::error::AppError;
use crate::user_of_address::{about, user_of, user_or_new};

/// A user as people and programs see it.
#[derive(Clone, Debug, Serialize)]
pub struct UserView {
    /// The id, as 32 hexadecimal digits.
    pub id: String,
    /// The same id as a decimal number.
    pub number: String,
    /// The name; may be empty.
    pub name: String,
    /// Whether the user is in charge of the whole site. Nothing asks for this yet.
    pub server_owner: bool,
    /// The addresses.
    pub addresses: Vec<LinkedAddressView>,
    /// What the user chose for all addresses.
    pub preferences: Vec<ChosenPreference>,
}

/// An address of a user.
#[derive(Clone, Debug, Serialize)]
pub struct LinkedAddressView {
    /// The address.
    pub address: String,
    /// Whether memberships of the user go to it.
    pub preferred: bool,
}

impl UserActions<'_> {
    /// The user to whom an address is linked. Errs with [`AppError::NoUserOf`] if there is none.
    pub async fn show(&self, address: &Address) -> Result<UserView, AppError> {
        let mut db = self.0.app.store.reader().await?;
        let user = user_of(&mut db, address).await?;
        view(&mut db, &user).await
    }

    /// Links an address to the user of another address. If that address has no user, a user is made who
    /// prefers it. Returns the user. Errs with [`AppError::LinkedElsewhere`] if the address belongs to
    /// somebody else.
    pub async fn link(&self, known: &Address, address: &Address) -> Result<UserView, AppError> {
        self.0.make(LinkAddress { known: known.clone(), address: address.clone() }).await
    }

    /// Takes an address from its user. Errs with [`AppError::StillSubscribed`] if memberships of the user go
    /// to it.
    pub async fn unlink(&self, address: &Address) -> Result<(), AppError> {
        self.0.make(UnlinkAddress(address.clone())).await
    }

    /// Makes an address the preferred one of its user; memberships of the user go to it from now on. Errs
    /// with [`AppError::OtherKeyThere`], and changes nothing, if one of them is on a list with OpenPGP: the
    /// workflow of a key change cannot carry another address yet.
    pub async fn prefer(&self, address: &Address) -> Result<UserView, AppError> {
        self.0.make(PreferAddress(address.clone())).await
    }
}

impl UserActions<'_> {
    /// Deletes a person with all addresses and their certificates, and the name of the person in all events.
    /// Returns the addresses. Errs with [`AppError::NotKnown`], and with [`AppError::PersonStays`], and
    /// changes nothing, if an address still has a role, a ban, or anything that waits: a request that waits
    /// is ended by a decision of its own, of which its person hears.
    pub async fn delete(&self, address: &Address) -> Result<Vec<Address>, AppError> {
        self.0.make(DeletePerson(address.clone())).await
    }
}

struct DeletePerson(Address);

impl Change for DeletePerson {
    type Answer = Vec<Address>;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<Vec<Address>>, AppError> {
        let Self(address) = self;
        let no = people::find_address(&mut *db, &address).await?;
        let no = no.ok_or_else(|| AppError::NotKnown(address.to_string()))?;
        let addresses = match people::user_of(&mut *db, no).await? {
            Some(user) => user.addresses.into_iter().map(|linked| linked.address).collect(),
            None => vec![address],
        };
        for address in &addresses {
            let kept = people::kept_by(&mut *db, address).await?;
            if !kept.is_empty() {
                return Err(AppError::PersonStays { address: address.to_string(), kept: kept.join("; ") });
            }
        }
        for address in &addresses {
            people::delete_address(&mut *db, address).await?;
        }
        let deleted = Event { list: None, subject: None, kind: EventKind::PersonDeleted {} };
        Ok(ChangeOutcome::new(addresses, [Happened::Change(deleted)]))
    }
}

struct LinkAddress {
    known: Address,
    address: Address,
}

impl Change for LinkAddress {
    type Answer = UserView;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<UserView>, AppError> {
        let Self { known, address } = self;
        let mut happened = Vec::new();
        let user = user_or_new(&mut *db, &known, &mut happened, occasion.now).await?;
        let no = people::ensure_address(&mut *db, &address, "", occasion.now).await?;
        if people::user_of(&mut *db, no).await?.is_none_or(|linked| linked.no != user) {
            if !people::link(&mut *db, user, no).await? {
                return Err(AppError::LinkedElsewhere(address.to_string()));
            }
            happened.push(about(&address, EventKind::AddressLinked {}));
        }
        let user = user_of(&mut *db, &known).await?;
        Ok(ChangeOutcome::new(view(db, &user).await?, happened))
    }
}

struct UnlinkAddress(Address);

impl Change for UnlinkAddress {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        let Self(address) = self;
        user_of(&mut *db, &address).await?;
        let no = people::find_address(&mut *db, &address).await?;
        let no = no.ok_or_else(|| AppError::NotKnown(address.to_string()))?;
        if !people::unlink(db, no).await? {
            return Err(AppError::StillSubscribed(address.to_string()));
        }
        Ok(ChangeOutcome::new((), [about(&address, EventKind::AddressUnlinked {})]))
    }
}

struct PreferAddress(Address);

impl Change for PreferAddress {
    type Answer = UserView;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<UserView>, AppError> {
        let Self(address) = self;
        let user = user_of(&mut *db, &address).await?;
        let linked = user.addresses.iter().find(|linked| linked.address == address);
        let linked = linked.ok_or_else(|| AppError::NoUserOf(address.to_string()))?;
        if linked.is_preferred {
            return Ok(ChangeOutcome::nothing(view(db, &user).await?));
        }
        check_no_other_key(&mut *db, &user, linked).await?;
        match people::prefer(&mut *db, user.no, linked.no).await {
            Err(StoreError::Duplicate) => return Err(AppError::HasRoleItself(address.to_string())),
            preferred => preferred?,
        };
        let preferred = about(&address, EventKind::AddressPreferred {});
        let user = user_of(&mut *db, &address).await?;
        Ok(ChangeOutcome::new(view(db, &user).await?, [preferred]))
    }
}

/// Errs if a membership of the user on a list with OpenPGP would go to another address.
async fn check_no_other_key(db: &mut Conn, user: &User, new: &LinkedAddress) -> Result<(), AppError> {
    for member in people::subscriptions_of(db, user.no).await? {
        let list = lists::by_no(db, member.list).await?.filter(|list| list.settings.pgp.is_some());
        if let Some(list) = list.filter(|_| member.address_no != new.no) {
            return Err(AppError::OtherKeyThere {
                list: list.name.to_string(),
                old: member.address.to_string(),
                new: new.address.to_string(),
            });
        }
    }
    Ok(())
}

/// The user with what it chose for all its addresses.
pub(super) async fn view(db: &mut Conn, user: &User) -> Result<UserView, AppError> {
    let level = PreferenceLevel::User(user.no);
    let chosen = level_view(level, people::choices(db, level).await?);
    let linked = |linked: &LinkedAddress| LinkedAddressView {
        address: linked.address.to_string(),
        preferred: linked.is_preferred,
    };
    Ok(UserView {
        id: user.id.to_string(),
        number: user.id.decimal().to_string(),
        name: user.display_name.clone(),
        server_owner: user.is_server_owner,
        addresses: user.addresses.iter().map(linked).collect(),
        preferences: chosen.preferences,
    })
}
