//! Settings of a list: changed by name, all or none of those that are named, and only to what the list can
//! work with.
//!
//! ```text
//! names and values ──▶ locked ──▶ what becomes of them ──▶ can the list work with it? ──▶ rows, audit, facts for the owners
//! ```

mod check;
mod refused;
mod view;

use std::sync::Arc;

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::attributes::{AttributeChange, NewValue, SettingChange, attribute, changed};
use sealist_lists::model::{ListName, ListSettings, MailingList};
use sealist_lists::registry::Registry;
use sealist_lists::texts::Text;
use sealist_lists::weaknesses::{self, GivenUp};
use sealist_store::events::Occasion;
use sealist_store::list_settings::{self, Generation, StoredSettings};
use sealist_store::{Conn, lists};
use serde_json::Value;

pub use refused::SettingRefused;
pub use view::{SettingView, SettingsView};

use crate::acting::Acting;
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::seal_stored::seal_earlier;
use crate::summary_facts::{SummaryFact, gathered};
pub(crate) use check::workflow_names;
use check::{check, check_new};

/// What came of a wish to change settings.
#[derive(Debug)]
pub struct SettingsChanged {
    /// The list with the settings that count now.
    pub list: MailingList,
    /// How often they were changed.
    pub generation: Generation,
    /// The settings that have another value than before.
    pub changes: Vec<AttributeChange>,
    /// What a newer version wrote and this version forgot: names and values as they were stored.
    pub forgotten: Vec<(String, String)>,
    /// What the list gives up by the settings that were named: the owners are told of each change that does
    /// so.
    pub given_up: Vec<GivenUp>,
}

/// The settings of one list, with somebody who looks at them or changes them.
pub struct SettingActions<'a> {
    acting: Acting<'a>,
    list: ListName,
}

impl<'a> Acting<'a> {
    /// The settings of a list.
    pub fn settings(self, list: &ListName) -> SettingActions<'a> {
        SettingActions { acting: self, list: list.clone() }
    }
}

impl SettingActions<'_> {
    /// Changes settings of the list: all that are named, or none. Only these are written, so that two who
    /// change different settings at the same time lose nothing. A change that weakens a list with OpenPGP
    /// stands in the audit, and the owners are told of it.
    ///
    /// Errs, with nothing changed, if the list could not work with what the settings become, and with
    /// [`SettingRefused::Conflict`] if the settings are no longer of the expected generation.
    pub async fn change(
        &self,
        expected: Option<Generation>,
        wishes: Vec<SettingChange>,
    ) -> Result<SettingsChanged, SettingRefused> {
        let app = self.acting.app;
        let list = lists::by_name(&mut *app.store.reader().await?, &self.list).await?;
        let wish = Wish {
            list: list.ok_or_else(|| SettingRefused::NoSuchList(self.list.to_string()))?,
            expected,
            wishes,
            registry: app.registry.clone(),
        };
        let done = self.acting.make(wish).await?;
        if done.list.settings.encrypting() {
            // What comes from now on is sealed; what came before is sealed here, also if an earlier change
            // was interrupted.
            let sealed = seal_earlier(app, &done.list).await;
            sealed.map_err(|error| SettingRefused::NotSealed(Box::new(error)))?;
        }
        Ok(done)
    }
}

/// What is to be done in one transaction.
struct Wish {
    list: MailingList,
    expected: Option<Generation>,
    wishes: Vec<SettingChange>,
    registry: Arc<Registry>,
}

impl Change for Wish {
    type Answer = SettingsChanged;
    type Error = SettingRefused;

    async fn apply(
        mut self,
        db: &mut Conn,
        occasion: &Occasion,
    ) -> Result<ChangeOutcome<SettingsChanged>, SettingRefused> {
        let stored = list_settings::locked(&mut *db, self.list.no).await?;
        let stored = stored.ok_or_else(|| SettingRefused::NoSuchList(self.list.name.to_string()))?;
        if self.expected.is_some_and(|expected| expected != stored.generation) {
            return Err(SettingRefused::Conflict { generation: stored.generation });
        }
        let forgotten = self.take_forgotten(&stored);
        let (after, mut changes) = changed(&self.registry, &stored.settings, &stored.defaults, &self.wishes)?;
        changes.extend(self.taken_from_newer(&stored, &after));
        check(&stored.settings, &after, &self.registry)?;
        for wish in &self.wishes {
            check_new(&after, &wish.name)?;
        }
        let named: Vec<&str> = self.wishes.iter().map(|wish| wish.name.as_str()).collect();
        let given_up =
            weaknesses::to_report(&stored.settings, &after, &self.registry.steps, &named, &changes);
        let list = MailingList { settings: after, ..self.list.clone() };
        let mut generation = stored.generation;
        let mut happened = Vec::new();
        if !changes.is_empty() || !forgotten.is_empty() {
            let rows: Vec<_> = changes.iter().map(|change| (change.name, change.after.clone())).collect();
            list_settings::change(&mut *db, list.no, &stored.defaults, &rows).await?;
            generation += 1;
            happened = recorded(&stored, &list, &self.registry, &changes);
            gather_weakened(&mut *db, occasion, &stored, &list, &changes).await?;
            for (name, value) in &forgotten {
                list_settings::forget(&mut *db, list.no, name).await?;
                let (name, old, new) = (name.clone(), shown(&Value::String(value.clone())), String::new());
                let kind = EventKind::SettingChanged { name, old, new, weakens: Vec::new() };
                happened.push(Happened::Change(Event::of_list(list.no, kind)));
            }
        }
        Ok(ChangeOutcome::new(SettingsChanged { list, generation, changes, forgotten, given_up }, happened))
    }
}

impl Wish {
    /// Takes those wishes out that reset a setting of a newer version, which this version does not know: its
    /// row can be deleted, and nothing else can be done with it. Returns these settings.
    fn take_forgotten(&mut self, stored: &StoredSettings) -> Vec<(String, String)> {
        let is_strange = |name: &str| attribute(name).is_none_or(|one| one.get(&stored.settings).is_none());
        let is_forgotten = |name: &str| {
            let resets = |wish: &SettingChange| wish.name == name && wish.to == NewValue::Default;
            is_strange(name) && self.wishes.iter().any(resets)
        };
        let forgotten = stored.unknown.iter().filter(|(name, _)| is_forgotten(name)).cloned();
        let forgotten: Vec<(String, String)> = forgotten.collect();
        let is_done = |wish: &SettingChange| {
            wish.to == NewValue::Default && forgotten.iter().any(|(name, _)| *name == wish.name)
        };
        self.wishes.retain(|wish| !is_done(wish));
        forgotten
    }

    /// The settings that are named and have a value of a newer version. The value that is chosen now takes
    /// its place, also where it is the one that the list went by meanwhile: otherwise the value of the newer
    /// version would count again there.
    fn taken_from_newer(&self, stored: &StoredSettings, after: &ListSettings) -> Vec<AttributeChange> {
        let is_named = |name: &str| self.wishes.iter().any(|wish| wish.name == name);
        let replaced = |(name, value): &(String, String)| {
            let attribute = attribute(name).filter(|_| is_named(name))?;
            let chosen = attribute.get(after)?;
            (attribute.get(&stored.settings).as_ref() == Some(&chosen)).then(|| AttributeChange {
                name: attribute.name,
                before: serde_json::from_str(value).unwrap_or_else(|_| value.as_str().into()),
                after: chosen,
                weakens: false,
            })
        };
        stored.unknown.iter().filter_map(replaced).collect()
    }
}

/// One event for each change.
fn recorded(
    before: &StoredSettings,
    list: &MailingList,
    registry: &Registry,
    changes: &[AttributeChange],
) -> Vec<Happened> {
    let event = |change: &AttributeChange| {
        let weakens = weaknesses::given_up(&before.settings, &list.settings, &registry.steps, change);
        EventKind::SettingChanged {
            name: change.name.to_owned(),
            old: shown(&change.before),
            new: shown(&change.after),
            weakens: weakens.into_iter().map(|one| one.what).collect(),
        }
    };
    changes.iter().map(|change| Happened::Change(Event::of_list(list.no, event(change)))).collect()
}

/// Notes for those in charge what weakens the list.
async fn gather_weakened(
    db: &mut Conn,
    occasion: &Occasion,
    before: &StoredSettings,
    list: &MailingList,
    changes: &[AttributeChange],
) -> Result<(), SettingRefused> {
    let fact = |change: &AttributeChange| SummaryFact::Weakened {
        setting: change.name.to_owned(),
        old: shown(&change.before),
        new: shown(&change.after),
        by: occasion.actor.to_string(),
        generation: before.generation,
    };
    let facts: Vec<SummaryFact> = changes.iter().filter(|change| change.weakens).map(fact).collect();
    if !facts.is_empty() {
        gathered(list, None, Text::Weakened, &facts).store(db, occasion.now).await?;
    }
    Ok(())
}

/// Characters of a value in a notice or in the audit.
const MAX_SHOWN: usize = 200;

/// A value as people read it.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
