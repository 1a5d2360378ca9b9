//! Attributes: the settings of a list as data. Each has one row, from which storage, command line and
//! documentation take what they need; rules and handlers see the typed structs [`ListSettings`] and
//! [`PgpSettings`].
//!
//! The rows of settings are declared with the structs (`settings.rs`, `pgp_settings.rs`), those that are only
//! read in `derived.rs`. The sentence that describes an attribute stands in `texts/LANGUAGE/attributes.txt`.

mod change;
mod derived;
#[cfg(test)]
mod documents;
mod mailman;
#[cfg(test)]
mod tests;
mod values;
mod weakening;

use serde_json::Value;

pub use change::{AttributeChange, NewValue, SettingChange, changed};
pub use derived::{DERIVED, DerivedAttribute};
pub use mailman::{MAILMAN, MailmanAttribute, MailmanSupport};
use weakening::ValueChange;

use super::setting_row::SettingRow;
pub use super::setting_row::{AttributeKind, TimeUnit, Weakening};
use super::{ListSettings, PgpSettings, SettingError};
use crate::registry::Registry;

/// A setting of a list.
#[derive(Clone, Copy)]
pub struct Attribute {
    /// The name: Mailman's, else mailman-pgp's, else our own.
    pub name: &'static str,
    /// What it takes.
    pub kind: AttributeKind,
    /// Which lists have it.
    pub scope: AttributeScope,
    /// Which change of it weakens a list with OpenPGP.
    pub weakening: Weakening,
    row: Row,
}

#[derive(Clone, Copy)]
enum Row {
    EveryList(&'static SettingRow<ListSettings>),
    OpenPgpLists(&'static SettingRow<PgpSettings>),
}

/// Which lists have an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeScope {
    /// Every list.
    EveryList,
    /// Lists with OpenPGP.
    OpenPgpLists,
}

/// The attributes of all lists, and behind them those of lists with OpenPGP.
pub fn attributes() -> impl Iterator<Item = Attribute> {
    let of_every_list = ListSettings::ROWS.iter().map(|row| Attribute {
        name: row.name,
        kind: row.kind,
        scope: AttributeScope::EveryList,
        weakening: row.weakening,
        row: Row::EveryList(row),
    });
    let of_openpgp = PgpSettings::ROWS.iter().map(|row| Attribute {
        name: row.name,
        kind: row.kind,
        scope: AttributeScope::OpenPgpLists,
        weakening: row.weakening,
        row: Row::OpenPgpLists(row),
    });
    of_every_list.chain(of_openpgp)
}

/// The attribute of that name.
pub fn attribute(name: &str) -> Option<Attribute> {
    attributes().find(|attribute| attribute.name == name)
}

impl Attribute {
    /// The value; `None`: such a list has no such setting.
    pub fn get(&self, settings: &ListSettings) -> Option<Value> {
        match self.row {
            Row::EveryList(row) => Some((row.get)(settings)),
            Row::OpenPgpLists(row) => settings.pgp.as_ref().map(row.get),
        }
    }

    /// Takes a value as it is stored, also one that nobody could set anew. `None`, and nothing is changed, if
    /// the list has no such setting or this version does not know the value. The name of a chain or a
    /// pipeline that this version does not have is such a value: a list that went by it would judge no post.
    pub fn load(&self, registry: &Registry, settings: &mut ListSettings, value: &Value) -> Option<()> {
        if matches!(self.kind, AttributeKind::Chain | AttributeKind::Pipeline)
            && !self.kind.takes(registry, value)
        {
            return None;
        }
        match self.row {
            Row::EveryList(row) => (row.load)(settings, value),
            Row::OpenPgpLists(row) => (row.load)(settings.pgp.as_mut()?, value),
        }
    }

    /// Gives the setting a value that people or programs chose. Errs, with nothing changed, if the attribute
    /// does not take it.
    pub fn set(
        &self,
        registry: &Registry,
        settings: &mut ListSettings,
        value: &Value,
    ) -> Result<(), SettingError> {
        let is_taken = self.kind.takes(registry, value);
        let set = is_taken.then(|| self.load(registry, settings, value)).flatten();
        set.ok_or_else(|| {
            self.refused(registry, value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
    }

    /// The same for a value as people write it.
    pub fn set_written(
        &self,
        registry: &Registry,
        settings: &mut ListSettings,
        written: &str,
    ) -> Result<(), SettingError> {
        let value = self.kind.read(registry, written);
        let value = value.ok_or_else(|| self.refused(registry, written.to_owned()))?;
        self.set(registry, settings, &value)
    }

    /// Whether the change from one to the other gives up something that a list with OpenPGP promises.
    pub fn weakens(&self, before: &ListSettings, after: &ListSettings) -> bool {
        if before.pgp.is_none() {
            return false;
        }
        let (Some(from), Some(to)) = (self.get(before), self.get(after)) else { return false };
        self.weakening.is_seen_in(&ValueChange { before: (before, from), after: (after, to) })
    }

    fn refused(&self, registry: &Registry, value: String) -> SettingError {
        SettingError::Value { name: self.name.to_owned(), value, takes: Some(self.kind.allowed(registry)) }
    }
}

impl ListSettings {
    /// Gives one setting a value as people write it: JSON, or a text as it is. It takes only built-in chains
    /// and pipelines. Errs, with nothing changed, if such a list has no such setting, or the setting does not
    /// take the value.
    pub fn set(&mut self, name: &str, written: &str) -> Result<(), SettingError> {
        change::known(self, name)?.set_written(&Registry::built_in(), self, written)
    }

    /// All settings of such a list by name, those of the OpenPGP side behind the others.
    pub fn fields(&self) -> Vec<(&'static str, Value)> {
        attributes().filter_map(|attribute| Some((attribute.name, attribute.get(self)?))).collect()
    }
}
