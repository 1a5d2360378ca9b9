//! Changes of settings by name: which values become which, and what that weakens.

use serde_json::Value;

use super::super::{ListSettings, SettingError};
use super::{Attribute, AttributeScope, attribute, attributes};
use crate::registry::Registry;

/// A wish to change one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// The name of the attribute.
    pub name: String,
    /// What it is to become.
    pub to: NewValue,
}

/// What a setting is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewValue {
    /// As people write it.
    Written(String),
    /// As programs say it.
    Json(Value),
    /// What the style of the list says.
    Default,
}

/// A setting that another value took the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeChange {
    /// The name of the attribute.
    pub name: &'static str,
    /// The value before.
    pub before: Value,
    /// The value from now on.
    pub after: Value,
    /// Whether the change gives up something that a list with OpenPGP promises.
    pub weakens: bool,
}

/// The settings with these changes, and what is another value than before. `defaults` are the values of the
/// list's style. Errs, naming what would be taken, if there is no such setting or it does not take the value.
pub fn changed(
    registry: &Registry,
    settings: &ListSettings,
    defaults: &ListSettings,
    changes: &[SettingChange],
) -> Result<(ListSettings, Vec<AttributeChange>), SettingError> {
    let mut after = settings.clone();
    let mut named: Vec<Attribute> = Vec::new();
    for change in changes {
        let attribute = known(settings, &change.name)?;
        match &change.to {
            NewValue::Written(written) => attribute.set_written(registry, &mut after, written)?,
            NewValue::Json(value) => attribute.set(registry, &mut after, value)?,
            NewValue::Default => {
                let default = attribute.get(defaults).unwrap_or_default();
                attribute.load(registry, &mut after, &default);
            }
        }
        if named.iter().all(|earlier| earlier.name != attribute.name) {
            named.push(attribute);
        }
    }
    let other = |attribute: &Attribute| {
        let (before, now) = (attribute.get(settings)?, attribute.get(&after)?);
        (before != now).then(|| AttributeChange {
            name: attribute.name,
            weakens: attribute.weakens(settings, &after),
            before,
            after: now,
        })
    };
    let changes = named.iter().filter_map(other).collect();
    Ok((after, changes))
}

/// The attribute of that name, if such a list has it.
pub(super) fn known(settings: &ListSettings, name: &str) -> Result<Attribute, SettingError> {
    match attribute(name) {
        Some(attribute) if attribute.scope == AttributeScope::OpenPgpLists && !settings.has_openpgp() => {
            Err(SettingError::OfOpenpgp(name.to_owned()))
        }
        Some(attribute) => Ok(attribute),
        None => {
            let of_list = attributes().filter(|attribute| attribute.get(settings).is_some());
            let names: Vec<String> = of_list.map(|attribute| attribute.name.to_owned()).collect();
            Err(SettingError::unknown(name, &names))
        }
    }
}
