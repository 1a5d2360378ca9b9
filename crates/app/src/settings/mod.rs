//! Settings of a list: changed by name, all or none of those that are named, and only to what the list can work with.
//!
//! ```text
//! names and values ──▶ locked ──▶ what becomes of them ──▶ can the list work with it? ──▶ rows, audit, facts for the owners
//! ```

mod check;
mod refused;
mod view;

use std::sync::Arc;

use sealist_lists::events::{Actor, Event, EventKind};
use sealist_lists::model::attributes::{AttributeChange, SettingChange, attribute, changed};
use sealist_lists::model::{ListSettings, MailingList};
use sealist_lists::texts::Text;
use sealist_lists::weaknesses::{self, GivenUp};
use sealist_lists::workflows::Workflows;
use sealist_mail::Timestamp;
use sealist_store::Conn;
use sealist_store::events::{self, Occasion};
use sealist_store::list_settings::{self, Generation, StoredSettings};

pub use refused::SettingRefused;
pub use view::{SettingView, SettingsView, view_settings};

use crate::seal_stored::seal_earlier;
use crate::site::App;
use crate::summary_facts::{SummaryFact, gathered};
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
    /// What the list gives up by the settings that were named: the owners are told of each change that does so.
    pub given_up: Vec<GivenUp>,
}

/// Changes settings of a list: all that are named, or none. Only these are written, so that two who change different settings
/// at the same time lose nothing. A change that weakens a list with OpenPGP stands in the audit, and the owners are told of it.
///
/// Errs, with nothing changed, if the list could not work with what the settings become, and with
/// [`SettingRefused::Conflict`] if the settings are no longer of the expected generation.
pub async fn change_settings(
    app: &App,
    actor: &Actor,
    list: &MailingList,
    expected: Option<Generation>,
    wishes: Vec<SettingChange>,
    now: Timestamp,
) -> Result<SettingsChanged, SettingRefused> {
    let wish = Wish {
        actor: actor.clone(),
        list: list.clone(),
        expected,
        wishes,
        workflows: app.workflows.clone(),
        now,
    };
    let done = app.store.write(move |db| Box::pin(wish.carry_out(db))).await?;
    if done.list.settings.encrypting() {
        // What comes from now on is sealed; what came before is sealed here, also if an earlier change was interrupted.
        let sealed = seal_earlier(app, &done.list).await;
        sealed.map_err(|error| SettingRefused::NotSealed(Box::new(error)))?;
    }
    Ok(done)
}

/// What is to be done in one transaction.
struct Wish {
    actor: Actor,
    list: MailingList,
    expected: Option<Generation>,
    wishes: Vec<SettingChange>,
    workflows: Arc<Workflows>,
    now: Timestamp,
}

impl Wish {
    async fn carry_out(self, db: &mut Conn) -> Result<SettingsChanged, SettingRefused> {
        let stored = list_settings::locked(&mut *db, self.list.no).await?;
        let stored = stored.ok_or_else(|| SettingRefused::NoSuchList(self.list.name.to_string()))?;
        if self.expected.is_some_and(|expected| expected != stored.generation) {
            return Err(SettingRefused::Conflict { generation: stored.generation });
        }
        let (after, mut changes) = changed(&stored.settings, &stored.defaults, &self.wishes)?;
        changes.extend(self.taken_from_newer(&stored, &after));
        check(&after, &self.workflows)?;
        for wish in &self.wishes {
            check_new(&after, &wish.name)?;
        }
        let named: Vec<&str> = self.wishes.iter().map(|wish| wish.name.as_str()).collect();
        let given_up = weaknesses::to_report(&stored.settings, &after, &named, &changes);
        let list = MailingList { settings: after, ..self.list.clone() };
        let mut generation = stored.generation;
        if !changes.is_empty() {
            let rows: Vec<_> = changes.iter().map(|change| (change.name, change.after.clone())).collect();
            list_settings::change(&mut *db, list.no, &stored.defaults, &rows).await?;
            generation += 1;
            self.record(&mut *db, &stored, &list, &changes).await?;
        }
        Ok(SettingsChanged { list, generation, changes, given_up })
    }

    /// The settings that are named and have a value of a newer version. The value that is chosen now takes its place, also where
    /// it is the one that the list went by meanwhile: otherwise the value of the newer version would count again there.
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

    /// Records each change, and notes for those in charge what weakens the list.
    async fn record(
        &self,
        db: &mut Conn,
        before: &StoredSettings,
        list: &MailingList,
        changes: &[AttributeChange],
    ) -> Result<(), SettingRefused> {
        let occasion = Occasion { actor: self.actor.clone(), now: self.now };
        for change in changes {
            let weakens = weaknesses::given_up(&before.settings, &list.settings, change);
            let kind = EventKind::SettingChanged {
                name: change.name.to_owned(),
                old: shown(&change.before),
                new: shown(&change.after),
                weakens: weakens.into_iter().map(|one| one.what).collect(),
            };
            events::record(&mut *db, &occasion, &Event::of_list(list.no, kind)).await?;
        }
        let fact = |change: &AttributeChange| SummaryFact::Weakened {
            setting: change.name.to_owned(),
            old: shown(&change.before),
            new: shown(&change.after),
            by: self.actor.to_string(),
            generation: before.generation,
        };
        let facts: Vec<SummaryFact> = changes.iter().filter(|change| change.weakens).map(fact).collect();
        if !facts.is_empty() {
            gathered(list, None, Text::Weakened, &facts).store(db, self.now).await?;
        }
        Ok(())
    }
}

/// Characters of a value in a notice or in the audit.
const MAX_SHOWN: usize = 200;

/// A value as people read it.
fn shown(value: &serde_json::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
