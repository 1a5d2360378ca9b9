//! `sealist lists show`, `set` and `reset`: the settings of a list.

use anyhow::bail;
use sealist_app::App;
use sealist_lists::model::ListName;
use sealist_lists::model::attributes::{NewValue, SettingChange};
use serde_json::{Value, json};

use super::{CommandOutput, warned};

/// What `set` was told: a name and a value, or any number of `NAME=VALUE`.
pub(super) fn written(changes: &[String]) -> anyhow::Result<Vec<SettingChange>> {
    let change = |name: &str, value: &str| SettingChange {
        name: name.to_owned(),
        to: NewValue::Written(value.to_owned()),
    };
    if let [name, value] = changes
        && !name.contains('=')
    {
        return Ok(vec![change(name, value)]);
    }
    let pair = |pair: &String| match pair.split_once('=') {
        Some((name, value)) => Ok(change(name, value)),
        None => bail!("{pair:?} has no value: write NAME VALUE for one setting, or NAME=VALUE for each"),
    };
    changes.iter().map(pair).collect()
}

/// What `reset` was told.
pub(super) fn to_default(names: Vec<String>) -> Vec<SettingChange> {
    names.into_iter().map(|name| SettingChange { name, to: NewValue::Default }).collect()
}

/// Changes settings, and warns of what the list gives up by that.
pub(super) async fn change(
    app: &App,
    list: &ListName,
    wishes: Vec<SettingChange>,
) -> anyhow::Result<CommandOutput> {
    let names: Vec<String> = wishes.iter().map(|wish| wish.name.clone()).collect();
    let done = app.as_operator().settings(list).change(None, wishes).await?;
    let warnings = done
        .given_up
        .iter()
        .map(|one| format!("{list}: {}; fix: sealist lists set {list} {}", one.what, one.mend));

    let changes = done
        .changes
        .iter()
        .map(|change| json!({ "setting": change.name, "before": change.before, "after": change.after }));
    let forgotten = done.forgotten.iter();
    let forgotten = forgotten.map(|(name, value)| json!({ "setting": name, "before": value, "after": null }));
    let data = json!({
        "set": names,
        "changes": changes.chain(forgotten).collect::<Vec<Value>>(),
        "generation": done.generation,
    });
    let is_gone = |name: &String| done.forgotten.iter().any(|(gone, _)| gone == name);
    let line = |name| format!("{name} is {}\n", if is_gone(name) { "removed" } else { "set" });
    let lines: String = names.iter().map(line).collect();
    Ok(warned((lines, data), warnings))
}

/// All settings of a list.
pub(super) async fn show(app: &App, list: &ListName) -> anyhow::Result<CommandOutput> {
    let view = app.as_operator().settings(list).show().await?;
    let mut text = String::new();
    if let Some(in_place) = view.style_in_place {
        text += &format!("style = {}  (not known to this version; {in_place} counts)\n", view.style);
    }
    for one in &view.settings {
        let differs = if one.differs { format!("  (default {})", one.default) } else { String::new() };
        text += &format!("{} = {}{differs}\n", one.name, one.value);
    }
    for (name, value) in &view.unknown {
        text += &format!("{name} = {value}  (not known to this version)\n");
    }
    Ok((text, json!(view)))
}
