//! People of a list, as admins see and change them: roles, preferences, names and bans.

mod add;
mod bans;
mod change_member;
mod change_user;
mod import;
mod imported_keys;
mod leave;
mod preferences;
mod users;
mod view;

use sealist_lists::model::{ListName, MailingList};

use crate::acting::Acting;
use crate::error::AppError;

pub use bans::{BanChange, BanResult, BanView};
pub use change_member::MemberChange;
pub use change_user::UserChange;
pub use import::{ImportReport, SyncPlan};
pub use imported_keys::ImportedKeys;
pub use leave::{LastOwner, RolesToEnd};
pub use preferences::{ChosenPreference, LevelView, PreferenceHolder};
pub use users::{LinkedAddressView, UserView};
pub use view::{MemberKeyState, MemberKeyView, MemberView};

/// The people of one list in all their roles, with somebody who looks at them or changes them.
pub struct MemberActions<'a> {
    acting: Acting<'a>,
    list: ListName,
}

/// The people of the whole site, with somebody who looks at them or changes them.
pub struct UserActions<'a>(Acting<'a>);

/// The preferences of every level but that of a member, with somebody who looks at them or changes them.
pub struct PreferenceActions<'a>(Acting<'a>);

/// The bans, with somebody who looks at them or changes them.
pub struct BanActions<'a>(Acting<'a>);

impl<'a> Acting<'a> {
    /// The people of a list. Every call looks the list up, and errs with [`AppError::NoSuchList`].
    pub fn members(self, list: &ListName) -> MemberActions<'a> {
        MemberActions { acting: self, list: list.clone() }
    }

    /// The people of the whole site.
    pub fn users(self) -> UserActions<'a> {
        UserActions(self)
    }

    /// The preferences of users, addresses and the site.
    pub fn preferences(self) -> PreferenceActions<'a> {
        PreferenceActions(self)
    }

    /// The bans.
    pub fn bans(self) -> BanActions<'a> {
        BanActions(self)
    }
}

impl MemberActions<'_> {
    async fn list(&self) -> Result<MailingList, AppError> {
        self.acting.named(&self.list).await
    }
}
