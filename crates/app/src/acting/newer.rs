//! What a newer version of Sealist wrote, and this one keeps without knowing it.

use sealist_store::{list_settings, lists, requests};
use serde::Serialize;

use super::ListActions;
use crate::error::AppError;

/// Something that a newer version wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotKnown {
    /// The name of the list.
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
    /// A request, by its number. It waits for the version that knows it, or for a refusal.
    Request {
        /// The number of the request.
        number: i64,
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
            let waiting = requests::unknown(&mut db, Some(list.no)).await?;
            let waiting = waiting.iter().map(|one| NotKnownKind::Request { number: one.no.0 });
            let of_list = |kind| NotKnown { list: list.name.to_string(), kind };
            found.extend(style.into_iter().chain(settings).chain(waiting).map(of_list));
        }
        Ok(found)
    }
}
