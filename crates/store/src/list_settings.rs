//! Settings of lists: a row for each setting that differs from the list's style. A row with an unknown name
//! or value was written by a newer version: the row is kept, the list follows its style, and the log reports
//! it.

use sealist_lists::model::attributes::attribute;
use sealist_lists::model::{ListNo, ListSettings};
use sealist_lists::registry::Registry;
use sealist_lists::styles::Style;
use serde_json::Value;

use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError, newer};

/// How often the settings of a list were changed.
pub type Generation = i64;

/// The settings of a list, as they are stored.
#[derive(Clone, Debug)]
pub struct StoredSettings {
    /// The name of the style that gives the defaults.
    pub style: String,
    /// The style that counts in place of the list's own, if the site does not have that one.
    pub style_in_place: Option<&'static str>,
    /// The values of the style.
    pub defaults: ListSettings,
    /// The effective settings.
    pub settings: ListSettings,
    /// How often they were changed.
    pub generation: Generation,
    /// The names and values of rows that this version does not know.
    pub unknown: Vec<(String, String)>,
}

/// The settings of a list for a change. Until the transaction ends, nobody else can change them. `None`:
/// there is no such list.
pub async fn locked(db: &mut Conn, list: ListNo) -> Result<Option<StoredSettings>, StoreError> {
    // The rows are read after the lock is taken, because a statement of PostgreSQL sees what was committed
    // before it began.
    let lock = format!("SELECT no FROM lists WHERE no = $1 {}", db.locked());
    query(lock).bind(list.0).fetch_optional(&mut *db).await?;
    stored(db, list).await
}

/// The settings of a list; `None`: there is no such list.
pub async fn stored(db: &mut Conn, list: ListNo) -> Result<Option<StoredSettings>, StoreError> {
    let row = query("SELECT style, openpgp, generation FROM lists WHERE no = $1").bind(list.0);
    let Some(row) = row.fetch_optional(&mut *db).await? else { return Ok(None) };
    let style: String = row.try_get("style")?;
    let registry = db.registry();
    let has_openpgp = row.try_get::<i64>("openpgp")? != 0;
    let style_in_place = registry.styles.named(&style).is_none().then(|| simplest_style(has_openpgp));
    let defaults = defaults(&registry, list, &style, has_openpgp);
    let (mut settings, mut unknown) = (defaults.clone(), Vec::new());
    for (name, value) in rows(db, list).await? {
        if take(&registry, list, &mut settings, &name, &value).is_none() {
            unknown.push((name, value));
        }
    }
    let generation = row.try_get("generation")?;
    Ok(Some(StoredSettings { style, style_in_place, defaults, settings, generation, unknown }))
}

async fn rows(db: &mut Conn, list: ListNo) -> Result<Vec<(String, String)>, StoreError> {
    let rows = query("SELECT name, value FROM list_settings WHERE list_no = $1 ORDER BY name").bind(list.0);
    let read = |row: &SqlRow| Ok((row.try_get("name")?, row.try_get("value")?));
    rows.fetch_all(db).await?.iter().map(read).collect()
}

/// Stores these settings, as rows that differ from the style, and increments the generation.
pub async fn change(
    db: &mut Conn,
    list: ListNo,
    defaults: &ListSettings,
    changed: &[(&'static str, Value)],
) -> Result<(), StoreError> {
    for (name, value) in changed {
        put(&mut *db, list, defaults, name, value).await?;
    }
    query("UPDATE lists SET generation = generation + 1 WHERE no = $1").bind(list.0).execute(db).await?;
    Ok(())
}

/// Stores all settings of a list that has no rows yet.
pub(crate) async fn write_all(
    db: &mut Conn,
    list: ListNo,
    settings: &ListSettings,
) -> Result<(), StoreError> {
    let row = query("SELECT style FROM lists WHERE no = $1").bind(list.0).fetch_one(&mut *db).await?;
    let defaults = defaults(&db.registry(), list, &row.try_get::<String>("style")?, settings.has_openpgp());
    for (name, value) in settings.fields() {
        if attribute(name).and_then(|known| known.get(&defaults)).as_ref() != Some(&value) {
            put(&mut *db, list, &defaults, name, &value).await?;
        }
    }
    Ok(())
}

async fn put(
    db: &mut Conn,
    list: ListNo,
    defaults: &ListSettings,
    name: &str,
    value: &Value,
) -> Result<(), StoreError> {
    let is_default = attribute(name).and_then(|known| known.get(defaults)).as_ref() == Some(value);
    let statement = if is_default {
        query("DELETE FROM list_settings WHERE list_no = $1 AND name = $2").bind(list.0).bind(name)
    } else {
        let insert = query(
            "INSERT INTO list_settings (list_no, name, value) VALUES ($1, $2, $3)
             ON CONFLICT (list_no, name) DO UPDATE SET value = excluded.value",
        );
        insert.bind(list.0).bind(name).bind(value.to_string())
    };
    statement.execute(db).await.map(|_| ())
}

/// Deletes the row of a setting that this version does not know. Returns whether there was one. [`change`]
/// counts the change.
pub async fn forget(db: &mut Conn, list: ListNo, name: &str) -> Result<bool, StoreError> {
    let row = query("DELETE FROM list_settings WHERE list_no = $1 AND name = $2").bind(list.0).bind(name);
    Ok(row.execute(db).await?.rows_affected() > 0)
}

/// The simplest style that this version knows: it counts where the style of a list is that of a newer
/// version. A list with OpenPGP stays one.
fn simplest_style(has_openpgp: bool) -> &'static str {
    if has_openpgp { "pgp-default" } else { "legacy-default" }
}

/// What a list of that style goes by where it has no row of its own.
pub(crate) fn defaults(registry: &Registry, list: ListNo, style: &str, has_openpgp: bool) -> ListSettings {
    let simplest = simplest_style(has_openpgp);
    let known = registry.styles.named(style);
    if known.is_none() && newer::is_first(format!("style of list {}", list.0)) {
        tracing::warn!(
            event = "style-not-known",
            list_no = list.0,
            style,
            simplest,
            "the style of a list is not known to this version; the list goes by the simplest one"
        );
    }
    let style = known.or_else(|| registry.styles.named(simplest));
    let settings = style.map(Style::settings).unwrap_or_default();
    let pgp = has_openpgp.then(|| settings.pgp.clone().unwrap_or_default());
    ListSettings { pgp, ..settings }
}

/// Takes the value of a row. `None`: this version does not know it, and the list goes by its style.
pub(crate) fn take(
    registry: &Registry,
    list: ListNo,
    settings: &mut ListSettings,
    name: &str,
    value: &str,
) -> Option<()> {
    let known = attribute(name);
    let json = serde_json::from_str::<Value>(value).ok();
    let taken = known.zip(json).and_then(|(attribute, json)| attribute.load(registry, settings, &json));
    if taken.is_none() && newer::is_first(format!("setting {name} of list {}", list.0)) {
        tracing::warn!(
            event = "setting-not-known",
            list_no = list.0,
            setting = name,
            "a setting or its value is not known to this version; it is kept, and the list goes by its style"
        );
    }
    taken
}
