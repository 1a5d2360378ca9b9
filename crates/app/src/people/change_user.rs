//! What an admin sets for a user: a preference for all addresses of the user, and whether the user is in
//! charge of the site.

use sealist_lists::events::EventKind;
use sealist_lists::model::{PreferenceChange, SettingError};
use sealist_mail::Address;
use sealist_store::events::Occasion;
use sealist_store::{Conn, people};

use super::preferences::{ChoosePreference, PreferenceHolder, parse_beside};
use super::users::view;
use super::{UserActions, UserView};
use crate::changes::{Change, ChangeOutcome};
use crate::error::AppError;
use crate::user_of_address::{about, user_of, user_or_new};

/// The name of the only change that is no preference.
const SERVER_OWNER: &str = "server_owner";

/// One change of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// A preference.
    Preference(PreferenceChange),
    /// Whether the user is in charge of the whole site.
    ServerOwner(bool),
}

impl UserChange {
    /// Reads a change from its name and value; without a value the next level decides, or the user is in
    /// charge no longer. Errs with the names or values that exist.
    pub fn parse(name: &str, value: Option<&str>) -> Result<Self, SettingError> {
        if name != SERVER_OWNER {
            return parse_beside(SERVER_OWNER, name, value).map(Self::Preference);
        }
        match value {
            Some("true") => Ok(Self::ServerOwner(true)),
            Some("false") | None => Ok(Self::ServerOwner(false)),
            Some(other) => Err(SettingError::Value {
                name: name.to_owned(),
                value: other.to_owned(),
                takes: Some("true or false".to_owned()),
            }),
        }
    }
}

impl UserActions<'_> {
    /// Changes one thing of the user of an address, and returns the user. Errs with [`AppError::NoUserOf`] if
    /// the address belongs to nobody. Whoever is put in charge of the site needs no second address: a user is
    /// made who prefers this one.
    pub async fn change(&self, address: &Address, change: UserChange) -> Result<UserView, AppError> {
        match change {
            UserChange::Preference(change) => {
                let holder = PreferenceHolder::User(address.clone());
                self.0.make(ChoosePreference { holder, change }).await?;
                self.show(address).await
            }
            UserChange::ServerOwner(true) => self.0.make(Appoint(address.clone())).await,
            UserChange::ServerOwner(false) => self.0.make(Dismiss(address.clone())).await,
        }
    }
}

struct Appoint(Address);

impl Change for Appoint {
    type Answer = UserView;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<UserView>, AppError> {
        let mut happened = Vec::new();
        let user = user_or_new(&mut *db, &self.0, &mut happened, occasion.now).await?;
        if people::appoint(&mut *db, user).await? {
            happened.push(about(&self.0, EventKind::ServerOwnerAdded {}));
        }
        let user = user_of(&mut *db, &self.0).await?;
        Ok(ChangeOutcome::new(view(db, &user).await?, happened))
    }
}

struct Dismiss(Address);

impl Change for Dismiss {
    type Answer = UserView;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<UserView>, AppError> {
        let user = user_of(&mut *db, &self.0).await?;
        let dismissed = people::dismiss(&mut *db, user.no).await?;
        let happened = dismissed.then(|| about(&self.0, EventKind::ServerOwnerRemoved {}));
        let user = user_of(&mut *db, &self.0).await?;
        Ok(ChangeOutcome::new(view(db, &user).await?, happened))
    }
}
