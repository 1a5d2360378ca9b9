//! `sealist queue` for held messages: shows their envelopes, opens them, and decides about them.

use anyhow::{Context as _, bail};
use clap::Args;
use sealist_app::{
    App, AppError, MessageDecision, QueuedMessageView, Rejected, decide, open_for, open_to_file, outside_of,
};
use sealist_lists::model::{EntryNo, ListName};
use sealist_lists::rules::Reason;
use sealist_lists::texts;
use sealist_mail::{Address, Timestamp};
use sealist_store::queue::{self, QueueEntry, QueueName};
use sealist_store::{holds, replay};
use serde_json::{Value, json};

use super::{CommandOutput, find_list, number};
use crate::exit::Ending;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Which held messages are discarded.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct HeldSelection {
    /// The number of one message.
    #[arg(conflicts_with_all = ["reason", "older_than", "all"], value_parser = number::<i64>)]
    entry: Option<i64>,
    /// All messages held for this reason, as `queue list` prints it.
    #[arg(long)]
    reason: Option<Reason>,
    /// All messages that arrived more than this many days ago.
    #[arg(long, value_name = "DAYS", value_parser = number::<u32>)]
    older_than: Option<u32>,
    /// All messages of this list; with the other options, only those of this list.
    #[arg(long, value_name = "LIST")]
    all: Option<ListName>,
}

/// Lists the messages that wait: for a moderator, after faults, for a held list, for the runner.
pub(super) async fn list(app: &App) -> anyhow::Result<CommandOutput> {
    let (mut text, mut data) = (String::new(), Vec::new());
    for place in [QueueName::Hold, QueueName::Shunt, QueueName::Paused, QueueName::In] {
        for entry in queue::listed(&mut *app.store.reader().await?, place).await? {
            let seen = outside_of(app, &entry).await?;
            let reasons: Vec<&str> = entry.reasons.iter().map(|reason| reason.name()).collect();
            text.push_str(&format!(
                "{} {} {} {} {} <{}> {} {}\n",
                entry.no,
                entry.place.name(),
                seen.address,
                entry.received_at.rfc3339(),
                size(seen.octets),
                entry.sender,
                seen.author.as_deref().unwrap_or_default(),
                reasons.join(",")
            ));
            if let Some(subject) = &seen.subject {
                text.push_str(&format!("    {subject}\n"));
            }
            data.push(to_json(&entry, &seen));
        }
    }
    Ok((text, data.into()))
}

/// Shows the envelope of one message, and why it waits.
pub(super) async fn show(app: &App, entry: i64) -> anyhow::Result<CommandOutput> {
    let entry = find(app, entry).await?;
    let seen = outside_of(app, &entry).await?;
    let mut text = format!(
        "{} {} since {}\nto:       {}\nenvelope: <{}>\n",
        entry.no,
        entry.place.name(),
        entry.received_at.rfc3339(),
        seen.address,
        entry.sender,
    );
    for (name, value) in [("author:  ", &seen.author), ("subject: ", &seen.subject)] {
        if let Some(value) = value {
            text.push_str(&format!("{name} {value}\n"));
        }
    }
    text.push_str(&format!("size:     {}\n", size(seen.octets)));
    for reason in &entry.reasons {
        text.push_str(&format!("  {}\n", app.texts.reason(*reason, &texts::TextPlace::default())));
    }
    if let Some(refusal) = replay::refusal(&mut *app.store.reader().await?, entry.no).await? {
        let by = if refusal.by.is_empty() { "the command line" } else { &refusal.by };
        text.push_str(&format!("  It was refused on {} by {by}.\n", refusal.at.rfc3339()));
    }
    if entry.reasons.iter().any(|reason| reason.may_be_captured()) && entry.seen_at.is_none() {
        text.push_str("It could be a captured message: `sealist queue open` shows it to an owner, before it can be accepted.\n");
    }
    Ok((text, to_json(&entry, &seen)))
}

/// Sends a message to an owner or moderator of its list, or writes it to a file, encrypted to that person's
/// key.
pub(super) async fn open(
    app: &App,
    entry: i64,
    to: &Address,
    file: Option<&std::path::Path>,
) -> anyhow::Result<CommandOutput> {
    let entry = find(app, entry).await?;
    let now = app.store.now();
    let where_to = match file {
        Some(path) => {
            let message = open_to_file(app, &entry, to, app.operator.clone(), now).await?;
            std::fs::write(path, message).map_err(|error| Ending::not_written(path, &error))?;
            format!("in {}, encrypted to the key of {to}", path.display())
        }
        None => {
            open_for(app, &entry, to, app.operator.clone(), now).await?;
            format!("on its way to {to}")
        }
    };
    let text = format!("{} is {where_to}; the audit says so\n", entry.no);
    Ok((text, json!({ "opened": entry.no, "to": to.to_string() })))
}

pub(super) async fn accept(app: &App, entry: i64) -> anyhow::Result<CommandOutput> {
    let entry = find(app, entry).await?;
    let no = entry.no;
    decide(app, entry, MessageDecision::Accept, app.operator.clone(), app.store.now())
        .await
        .map_err(overtaken(no))?;
    Ok((format!("{no} is on its way; it is judged again\n"), json!({ "resumed": no })))
}

pub(super) async fn reject(app: &App, entry: i64, reason: String) -> anyhow::Result<CommandOutput> {
    let entry = find(app, entry).await?;
    let no = entry.no;
    let told =
        decide(app, entry, MessageDecision::Reject(reason), app.operator.clone(), app.store.now()).await;
    let told = told.map_err(overtaken(no))? == Rejected::Told;
    let line = match told {
        true => "its author gets a notice",
        false => "nobody is told: its author is not subscribed, has no usable key, or had many notices today",
    };
    Ok((format!("{no} is rejected; {line}\n"), json!({ "rejected": no, "told": told })))
}

pub(super) async fn discard(app: &App, which: HeldSelection) -> anyhow::Result<CommandOutput> {
    let now = app.store.now();
    if let Some(entry) = which.entry {
        let entry = find(app, entry).await?;
        let no = entry.no;
        decide(app, entry, MessageDecision::Discard, app.operator.clone(), now)
            .await
            .map_err(overtaken(no))?;
        return Ok((format!("{no} is discarded\n"), json!({ "discarded": no })));
    }
    let mut waiting = match &which.all {
        Some(name) => {
            let list = find_list(app, name).await?;
            let held = holds::of_list(&mut *app.store.reader().await?, list.no).await?;
            held.into_iter().map(|held| held.entry).collect()
        }
        None => queue::listed(&mut *app.store.reader().await?, QueueName::Hold).await?,
    };
    if let Some(reason) = which.reason {
        waiting.retain(|entry: &QueueEntry| entry.reasons.contains(&reason));
    }
    if let Some(days) = which.older_than {
        waiting.retain(|entry| entry.received_at.0 < now.0 - i64::from(days) * DAY_MS);
    }
    let mut discarded = Vec::new();
    for entry in waiting {
        let no = entry.no;
        match decide(app, entry, MessageDecision::Discard, app.operator.clone(), now).await {
            Ok(_) => discarded.push(no),
            // Somebody else decided about the message in the meantime.
            Err(AppError::Overtaken) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((format!("messages discarded: {}\n", discarded.len()), json!({ "discarded": discarded })))
}

pub(super) async fn retry(app: &App, entry: i64) -> anyhow::Result<CommandOutput> {
    let entry = find(app, entry).await?;
    let no = entry.no;
    if entry.place != QueueName::Shunt {
        bail!("entry {no} is in {}, not in shunt", entry.place.name());
    }
    let now = app.store.now();
    let resumed = app.store.write(move |db| Box::pin(queue::resume(db, no, now)));
    if !resumed.await.map_err(AppError::Store)? {
        bail!("somebody else decided about entry {no} at this moment");
    }
    Ok((format!("{no} is on its way; it is judged again\n"), json!({ "resumed": no })))
}

fn overtaken(no: EntryNo) -> impl Fn(AppError) -> anyhow::Error {
    move |error| match error {
        AppError::Overtaken => anyhow::anyhow!("somebody else decided about entry {no} at this moment"),
        error => error.into(),
    }
}

async fn find(app: &App, no: i64) -> anyhow::Result<QueueEntry> {
    queue::find(&mut *app.store.reader().await?, EntryNo(no))
        .await?
        .with_context(|| format!("there is no entry {no}; `sealist queue list` names them"))
}

fn size(octets: u64) -> String {
    format!("{} KiB", octets.div_ceil(1024))
}

fn to_json(entry: &QueueEntry, seen: &QueuedMessageView) -> Value {
    json!({
        "entry": entry.no,
        "queue": entry.place.name(),
        "sub_address": entry.sub_address,
        "address": seen.address,
        "received_at": entry.received_at.rfc3339(),
        "age_s": (Timestamp::now().0 - entry.received_at.0) / 1000,
        "attempts": entry.attempts,
        "reasons": entry.reasons,
        "sender": entry.sender,
        "author": seen.author,
        "subject": seen.subject,
        "octets": seen.octets,
        "author_told": entry.author_told,
        "seen": entry.seen_at.is_some(),
    })
}
