//! The settings of a list for people and programs to look at.

use sealist_lists::model::attributes::{DERIVED, attributes};
use sealist_lists::texts::TextPlace;
use sealist_store::list_settings::{self, Generation};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::SettingActions;
use crate::error::AppError;

/// All settings of a list.
#[derive(Clone, Debug, Serialize)]
pub struct SettingsView {
    /// The style that gives the defaults.
    pub style: String,
    /// The style that counts in its place, if this version does not know it.
    pub style_in_place: Option<&'static str>,
    /// How often the settings were changed: who changes them may say which they saw.
    pub generation: Generation,
    /// The settings that such a list has. As data they stand below their names.
    #[serde(serialize_with = "by_name")]
    pub settings: Vec<SettingView>,
    /// What follows from the name of the list: names and values.
    #[serde(serialize_with = "as_map")]
    pub derived: Vec<(&'static str, String)>,
    /// What a newer version wrote and this version does not know: names and values as they are stored.
    #[serde(serialize_with = "as_map")]
    pub unknown: Vec<(String, String)>,
}

/// One setting of a list.
#[derive(Clone, Debug, Serialize)]
pub struct SettingView {
    /// The name.
    #[serde(skip)]
    pub name: &'static str,
    /// What counts.
    pub value: Value,
    /// What the style says.
    pub default: Value,
    /// Whether the list has another value than its style says.
    pub differs: bool,
    /// What the setting does, in one sentence.
    pub description: String,
}

fn by_name<S: Serializer>(settings: &[SettingView], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(settings.iter().map(|one| (one.name, one)))
}

fn as_map<N: AsRef<str>, S: Serializer>(pairs: &[(N, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(pairs.iter().map(|(name, value)| (name.as_ref(), value)))
}

impl SettingActions<'_> {
    /// The settings of the list; the sentences are in the language of the site. Errs with
    /// [`AppError::NoSuchList`].
    pub async fn show(&self) -> Result<SettingsView, AppError> {
        let (app, list) = (self.acting.app, self.acting.named(&self.list).await?);
        let stored = list_settings::stored(&mut *app.store.reader().await?, list.no).await?;
        let stored = stored.ok_or_else(|| AppError::NoSuchList(list.name.to_string()))?;
        let place = app.texts.place(&list, None);
        let place = TextPlace { list: None, ..place };
        let views = attributes().filter_map(|attribute| {
            let value = attribute.get(&stored.settings)?;
            let default = attribute.get(&stored.defaults)?;
            Some(SettingView {
                name: attribute.name,
                differs: value != default,
                value,
                default,
                description: app.texts.attribute(attribute.name, &place).trim().to_owned(),
            })
        });
        Ok(SettingsView {
            settings: views.collect(),
            derived: DERIVED.iter().map(|one| (one.name, (one.of)(&list))).collect(),
            style_in_place: stored.style_in_place,
            style: stored.style,
            generation: stored.generation,
            unknown: stored.unknown,
        })
    }
}
