//! `sealist audit`: who did or tried what. It contains nothing of a message.

use std::collections::BTreeMap;

use sealist_app::App;
use sealist_lists::events::in_words;
use sealist_lists::model::ListName;
use sealist_mail::shown;
use sealist_store::events::{self, RecordedEvent};
use sealist_store::lists;
use serde_json::{Value, json};

use super::{CommandOutput, find_list};

pub(super) async fn run(app: &App, list: Option<ListName>, limit: u32) -> anyhow::Result<CommandOutput> {
    let of = match &list {
        Some(name) => Some(find_list(app, name).await?.no),
        None => None,
    };
    let mut db = app.store.reader().await?;
    let names: BTreeMap<_, _> =
        lists::all(&mut db).await?.into_iter().map(|list| (list.no, list.name.to_string())).collect();
    let found = events::newest(&mut db, of, limit).await?;
    let name =
        |one: &RecordedEvent| one.event.list.and_then(|no| names.get(&no)).cloned().unwrap_or_default();
    let text = found.iter().map(|one| line(one, &name(one))).collect();
    let data: Vec<Value> = found.iter().map(|one| data(one, &name(one))).collect();
    Ok((text, data.into()))
}

fn subject(one: &RecordedEvent) -> String {
    one.event.subject.as_ref().map_or_else(String::new, |subject| subject.key())
}

fn line(one: &RecordedEvent, list: &str) -> String {
    let (at, actor, subject) = (one.at.rfc3339(), one.actor.to_string(), subject(one));
    let about =
        if subject.is_empty() || subject == actor { String::new() } else { format!("{} ", shown(&subject)) };
    let times = if one.times == 1 { String::new() } else { format!("{} times ", one.times) };
    let (kind, words) = (one.event.kind.name(), in_words(&one.data));
    let (actor, words) = (shown(&actor), shown(&words));
    format!("{at}  {list:<30} {actor:<30} {kind:<18} {times}{about}{words}\n")
}

/// `who` acts, and `email` is the address that the event is about.
fn data(one: &RecordedEvent, list: &str) -> Value {
    json!({
        "at": one.at.rfc3339(),
        "list": list,
        "who": one.actor.to_string(),
        "by": one.actor.stored().kind,
        "email": subject(one),
        "event": one.event.kind.name(),
        "detail": in_words(&one.data),
        "data": one.data,
        "times": one.times,
    })
}
