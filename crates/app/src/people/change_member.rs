//! Preferences and names of members, as an admin sets them. Every change names one thing, so that whatever
//! changes at the same time stays.

use sealist_lists::commands::Setting;
use sealist_lists::model::{Action, Member, PreferenceChange, PreferenceLevel, Role, SettingError};
use sealist_mail::Address;
use sealist_store::people;

use super::preferences::parse_beside;
use super::{MemberActions, UserActions};
use crate::effects::Effect;
use crate::error::AppError;

/// The name of the only change that is no preference.
const MODERATION_ACTION: &str = "moderation_action";

/// One change of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// A preference. The preferred language belongs to the address, every other preference to the member.
    Preference(PreferenceChange),
    /// What happens to posts of the member; `None`: the default of the list.
    ModerationAction(Option<Action>),
}

impl MemberChange {
    /// Reads a change from its name and value; without a value the next level, or the list, decides. Errs
    /// with the names or values that exist.
    pub fn parse(name: &str, value: Option<&str>) -> Result<Self, SettingError> {
        if name != MODERATION_ACTION {
            return parse_beside(MODERATION_ACTION, name, value).map(Self::Preference);
        }
        let action = value.map(|value| {
            Action::from_name(value).ok_or_else(|| SettingError::Value {
                name: name.to_owned(),
                value: value.to_owned(),
                takes: Some(format!("one of {}", Action::NAMES.join(", "))),
            })
        });
        Ok(Self::ModerationAction(action.transpose()?))
    }

    /// The name of what changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preference(change) => change.name(),
            Self::ModerationAction(_) => MODERATION_ACTION,
        }
    }
}

impl MemberActions<'_> {
    /// Changes one thing of a member, and nothing else. `role` says which membership; without a role the
    /// person's membership as a member, or else the first one. Returns that membership after the change. Errs
    /// with [`AppError::NoRole`] if there is none.
    pub async fn change(
        &self,
        address: &Address,
        role: Option<Role>,
        change: MemberChange,
    ) -> Result<Member, AppError> {
        let list = self.list().await?;
        let no_role = || AppError::NoRole { address: address.to_string(), list: list.name.to_string() };
        let roles = people::roles_of(&mut *self.acting.app.store.reader().await?, list.no, address).await?;
        let found = match role {
            Some(role) => roles.iter().find(|one| one.role == role),
            // An owner may be no member, and reads notices too.
            None => roles.iter().find(|one| one.role == Role::Member).or(roles.first()),
        };
        let member = found.ok_or_else(no_role)?.clone();
        self.acting.carry_out(Some(list.no), vec![effect_of(&member, change)]).await?;
        let roles =
            people::memberships_of(&mut *self.acting.app.store.reader().await?, member.address_no).await?;
        roles.into_iter().find(|one| one.no == member.no).ok_or(AppError::Overtaken)
    }
}

fn effect_of(member: &Member, change: MemberChange) -> Effect {
    let address = member.address.clone();
    match change {
        MemberChange::Preference(change @ PreferenceChange::PreferredLanguage(_)) => {
            Effect::Prefer(Some(address), PreferenceLevel::Address(member.address_no), change)
        }
        MemberChange::Preference(change) => {
            Effect::Prefer(Some(address), PreferenceLevel::Member(member.no), change)
        }
        MemberChange::ModerationAction(action) => Effect::Moderate(address, member.no, action),
    }
}

impl UserActions<'_> {
    /// Gives an address another name, which every list shows; an empty name removes it. Errs with
    /// [`AppError::NotKnown`] if the site does not know the address.
    pub async fn rename(&self, address: &Address, name: &str) -> Result<(), AppError> {
        let no = people::find_address(&mut *self.0.app.store.reader().await?, address).await?;
        no.ok_or_else(|| AppError::NotKnown(address.to_string()))?;
        self.0.carry_out(None, vec![Effect::Choose(address.clone(), Setting::Name(name.to_owned()))]).await
    }
}

#[cfg(test)]
mod tests {
    use sealist_lists::model::Preferences;

    use super::*;

    /// Whatever can be set stands in the error for what cannot.
    #[test]
    fn an_unknown_name_is_answered_with_all_names() {
        let error = MemberChange::parse("colour", Some("x")).unwrap_err().to_string();
        for name in Preferences::NAMES.iter().chain([&MODERATION_ACTION]) {
            assert!(error.contains(name), "{error}");
        }
    }
}
