//! The settings of a list for people and programs to look at.

use sealist_lists::model::attributes::{DERIVED, attributes};
use sealist_lists::texts::TextPlace;
use sealist_store::list_settings::{self, Generation};
use serde_json::Value;

use super::SettingActions;
use crate::error::AppError;

/// All settings of a list.
pub struct SettingsView {
    /// The style that gives the defaults.
    pub style: String,
    /// The style that counts in its place, if this version does not know it.
    pub style_in_place: Option<&'static str>,
    /// How often the settings were changed: who changes them may say which they saw.
    pub generation: Generation,
    /// The settings that such a list has.
    pub settings: Vec<SettingView>,
    /// What follows from the name of the list: names and values.
    pub derived: Vec<(&'static str, String)>,
    /// What a newer version wrote and this version does not know: names and values as they are stored.
    pub unknown: Vec<(String, String)>,
}

/// One setting of a list.
pub struct SettingView {
    /// The name.
    pub name: &'static str,
    /// What counts.
    pub value: Value,
    /// What the style says.
    pub default: Value,
    /// What the setting does, in one sentence.
    pub description: String,
}

impl SettingView {
    /// Whether the list has another value than its style says.
    pub fn differs(&self) -> bool {
        self.value != self.default
    }
}

impl SettingActions<'_> {
    /// The settings of the list; the sentences are in the language of the site. Errs with [`AppError::NoSuchList`].
    pub async fn show(&self) -> Result<SettingsView, AppError> {
        let (app, list) = (self.acting.app, self.acting.named(&self.list).await?);
        let stored = list_settings::stored(&mut *app.store.reader().await?, list.no).await?;
        let stored = stored.ok_or_else(|| AppError::NoSuchList(list.name.to_string()))?;
        let place = app.texts.place(&list, None);
        let place = TextPlace { list: None, ..place };
        let views = attributes().filter_map(|attribute| {
            Some(SettingView {
                name: attribute.name,
                value: attribute.get(&stored.settings)?,
                default: attribute.get(&stored.defaults)?,
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
