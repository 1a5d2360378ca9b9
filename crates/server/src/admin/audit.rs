//! `sealist audit`: who did or tried what. It contains nothing of a message.

use std::collections::BTreeMap;

use sealist_app::App;
use sealist_lists::model::ListName;
use sealist_mail::shown;
use sealist_store::{audit, lists};
use serde_json::{Value, json};

use super::{CommandOutput, named};

pub(super) async fn run(app: &App, list: Option<ListName>, limit: u32) -> anyhow::Result<CommandOutput> {
    let of = match &list {
        Some(name) => Some(named(app, name).await?.no),
        None => None,
    };
    let mut db = app.store.reader().await?;
    let names: BTreeMap<_, _> =
        lists::all(&mut db).await?.into_iter().map(|list| (list.no, list.name.to_string())).collect();
    let events = audit::newest(&mut db, of, limit).await?;
    let name =
        |event: &audit::AuditEntry| event.list.and_then(|no| names.get(&no)).cloned().unwrap_or_default();
    let email =
        |event: &audit::AuditEntry| if event.who.contains('@') { event.who.as_str() } else { "" }.to_owned();
    let text = events
        .iter()
        .map(|event| {
            let (at, list) = (event.at.rfc3339(), name(event));
            let (who, times) = match event.times {
                1 => (shown(&event.who), String::new()),
                times => ("(anybody)".into(), format!("{times} times ")),
            };
            format!("{at}  {list:<30} {who:<30} {:<18} {times}{}\n", event.event, event.detail)
        })
        .collect();
    let data: Vec<Value> = events
        .iter()
        .map(|event| {
            json!({
                "at": event.at.rfc3339(), "list": name(event), "who": event.who, "email": email(event),
                "event": event.event, "detail": event.detail, "times": event.times,
            })
        })
        .collect();
    Ok((text, data.into()))
}
