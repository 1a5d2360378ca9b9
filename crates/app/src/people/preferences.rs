//! Preferences on one level: of a user, of an address, or of the whole site. Those of one membership are
//! changed with the member.

use sealist_lists::model::{
    PreferenceChange, PreferenceLevel, PreferenceSource, PreferenceValue, Preferences, SettingError,
};
use sealist_mail::Address;
use sealist_store::events::Occasion;
use sealist_store::{Conn, people};
use serde::Serialize;

use super::PreferenceActions;
use crate::changes::{Change, ChangeOutcome};
use crate::effects::{Effect, carry_out};
use crate::error::AppError;
use crate::user_of_address::user_of;

/// Whose preferences are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreferenceHolder {
    /// Everybody on the site.
    Site,
    /// An address, on all lists.
    Address(Address),
    /// The user to whom that address is linked, for all addresses.
    User(Address),
}

/// What one level chose, as an admin sees it.
#[derive(Clone, Debug, Serialize)]
pub struct LevelView {
    /// The level.
    pub level: PreferenceSource,
    /// Every choice that the level takes.
    pub preferences: Vec<ChosenPreference>,
}

/// One choice of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ChosenPreference {
    /// The name of the choice.
    pub name: &'static str,
    /// What is chosen; without a word or flag in it: nothing, so that the next level decides.
    pub value: PreferenceValue,
}

/// Reads the choice of a preference where one more name can be set that is no preference. An error about an
/// unknown name says that name, too.
pub(super) fn parse_beside(
    other: &str,
    name: &str,
    value: Option<&str>,
) -> Result<PreferenceChange, SettingError> {
    PreferenceChange::parse(name, value).map_err(|error| match error {
        SettingError::Unknown { .. } => {
            let names: Vec<&str> = Preferences::NAMES.iter().copied().chain([other]).collect();
            SettingError::unknown(name, &names)
        }
        error => error,
    })
}

impl PreferenceActions<'_> {
    /// What that level chose. Errs with [`AppError::NotKnown`] or [`AppError::NoUserOf`] if there is no such
    /// level.
    pub async fn of(&self, holder: &PreferenceHolder) -> Result<LevelView, AppError> {
        let mut db = self.0.app.store.reader().await?;
        let level = holder.level(&mut db).await?;
        Ok(view(level, people::choices(&mut db, level).await?))
    }

    /// Makes one choice on that level, or takes it back; nothing else changes. The same choice again is no
    /// change. Returns what the level chose then. Errs as [`Self::of`], and with [`AppError::Setting`] if the
    /// level does not take that choice.
    pub async fn choose(
        &self,
        holder: PreferenceHolder,
        change: PreferenceChange,
    ) -> Result<LevelView, AppError> {
        self.0.make(ChoosePreference { holder, change }).await
    }
}

/// One choice on one level.
pub(super) struct ChoosePreference {
    pub(super) holder: PreferenceHolder,
    pub(super) change: PreferenceChange,
}

impl Change for ChoosePreference {
    type Answer = LevelView;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<LevelView>, AppError> {
        let Self { holder, change } = self;
        let level = holder.level(&mut *db).await?;
        level.takes(change)?;
        let effect = Effect::Prefer(holder.address().cloned(), level, change);
        carry_out(&mut *db, None, vec![effect], occasion).await?;
        Ok(ChangeOutcome::nothing(view(level, people::choices(db, level).await?)))
    }
}

impl PreferenceHolder {
    fn address(&self) -> Option<&Address> {
        match self {
            Self::Site => None,
            Self::Address(address) | Self::User(address) => Some(address),
        }
    }

    async fn level(&self, db: &mut Conn) -> Result<PreferenceLevel, AppError> {
        match self {
            Self::Site => Ok(PreferenceLevel::Site),
            Self::Address(address) => {
                let no = people::find_address(db, address).await?;
                Ok(PreferenceLevel::Address(no.ok_or_else(|| AppError::NotKnown(address.to_string()))?))
            }
            Self::User(address) => Ok(PreferenceLevel::User(user_of(db, address).await?.no)),
        }
    }
}

/// What a level chose, as people see it.
pub(super) fn view(level: PreferenceLevel, chosen: Preferences) -> LevelView {
    let taken = chosen.changes().into_iter().filter(|choice| level.takes(*choice).is_ok());
    LevelView {
        level: level.source(),
        preferences: taken
            .map(|choice| ChosenPreference { name: choice.name(), value: choice.value() })
            .collect(),
    }
}
