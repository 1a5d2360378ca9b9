//! What a newer version of Sealist wrote, and this one keeps without knowing it.

use sealist_lists::model::{ListNo, RequestNo};
use sealist_lists::registry::Registry;
use sealist_store::newer::{self, NewerValue};
use sealist_store::{Conn, list_settings, lists, requests};
use serde::Serialize;

use super::ListActions;
use crate::error::AppError;
use crate::requests::workflow_of;
use crate::settings::workflow_names;

/// Something that a newer version wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotKnown {
    /// The name of the list; empty: it belongs to no list.
    pub list: String,
    /// What it is.
    pub kind: NotKnownKind,
}

/// What a newer version wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotKnownKind {
    /// The style of the list, and the style that counts in its place.
    Style {
        /// The style.
        name: String,
        /// The style that counts.
        in_place: &'static str,
    },
    /// A setting of the list, or its value. The list goes by its style there.
    Setting {
        /// The name of the setting.
        name: String,
    },
    /// The workflow that a setting names. Nobody can ask the list for what the workflow is for.
    Workflow {
        /// The name of the setting.
        setting: &'static str,
        /// The name of the workflow.
        name: String,
    },
    /// A request that this version does not know, or of which it does not know a step, by its number. It
    /// waits for the version that knows it, or for a refusal.
    Request {
        /// The number of the request.
        number: i64,
    },
    /// A value about people or messages. A choice counts as not made, an action holds the member's posts, a
    /// ban concerns nobody, and a message waits.
    Value {
        /// What it is: the name of a preference, or words.
        what: &'static str,
        /// The value.
        value: String,
    },
}

impl ListActions<'_> {
    /// All that this version does not know, by list.
    pub async fn not_known(&self) -> Result<Vec<NotKnown>, AppError> {
        let mut db = self.0.app.store.reader().await?;
        let mut found = Vec::new();
        for list in lists::all(&mut db).await? {
            let Some(stored) = list_settings::stored(&mut db, list.no).await? else { continue };
            let style = stored.style_in_place;
            let style = style.map(|in_place| NotKnownKind::Style { name: stored.style.clone(), in_place });
            let settings = stored.unknown.into_iter().map(|(name, _)| NotKnownKind::Setting { name });
            let workflows = workflow_names(&stored.settings)
                .filter(|(_, name)| workflow_of(&stored.settings, &self.0.app.registry, name).is_none())
                .map(|(setting, name)| NotKnownKind::Workflow { setting, name });
            let waiting = unknown_requests(&self.0.app.registry, &mut db, list.no).await?;
            let waiting = waiting.into_iter().map(|no| NotKnownKind::Request { number: no.0 });
            let of_list = |kind| NotKnown { list: list.name.to_string(), kind };
            found.extend(style.into_iter().chain(settings).chain(workflows).chain(waiting).map(of_list));
        }
        let names = lists::names(&mut db).await?;
        found.extend(newer::values(&mut db).await?.into_iter().map(|NewerValue { list, what, value }| {
            let list = list.and_then(|list| names.get(&list)).cloned().unwrap_or_default();
            NotKnown { list, kind: NotKnownKind::Value { what, value } }
        }));
        Ok(found)
    }
}

async fn unknown_requests(
    registry: &Registry,
    db: &mut Conn,
    list: ListNo,
) -> Result<Vec<RequestNo>, AppError> {
    let unreadable = requests::unknown(&mut *db, Some(list)).await?;
    let waiting = requests::waiting(db, Some(list), RequestNo(0), u32::MAX).await?;
    let halted = waiting.iter().filter(|request| registry.steps.unknown_of(&request.run).next().is_some());
    let mut all: Vec<RequestNo> =
        unreadable.iter().map(|one| one.no).chain(halted.map(|request| request.no)).collect();
    all.sort();
    Ok(all)
}
