//! `sealist queue` about messages that wait: what stands outside of them, who opens them, and what is
//! decided.

use std::path::Path;

use clap::Args;
use sealist_app::{
    App, HeldSelection, MessageDecision, PageRange, QueuedMessageView, QueuedMessages, Rejected,
};
use sealist_lists::model::{EntryNo, ListName};
use sealist_lists::rules::Reason;
use sealist_lists::texts;
use sealist_mail::Address;
use serde_json::json;

use super::{CommandOutput, number};
use crate::ending::Ending;

/// The held messages to discard.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct DiscardArguments {
    /// The number of one message.
    #[arg(conflicts_with_all = ["reason", "older_than", "all"], value_parser = number::<i64>)]
    entry: Option<i64>,
    /// All that are held for this reason, as `queue list` names it.
    #[arg(long)]
    reason: Option<Reason>,
    /// All that came more than this number of days ago.
    #[arg(long, value_name = "DAYS", value_parser = number::<u32>)]
    older_than: Option<u32>,
    /// All of this list. Together with the other arguments: only of this list.
    #[arg(long, value_name = "LIST")]
    all: Option<ListName>,
}

fn messages(app: &App) -> QueuedMessages<'_> {
    app.as_operator().messages()
}

/// What waits: for a moderator, after faults, for its list, for the runner.
pub(super) async fn list(app: &App) -> anyhow::Result<CommandOutput> {
    let all = messages(app).page(PageRange::ALL).await?.entries;
    Ok((all.iter().map(line).collect(), json!(all)))
}

fn line(message: &QueuedMessageView) -> String {
    let reasons: Vec<&str> = message.reasons.iter().map(|reason| reason.name()).collect();
    let subject = message.subject.as_ref().map(|subject| format!("    {subject}\n")).unwrap_or_default();
    format!(
        "{} {} {} {} {} <{}> {} {}\n{subject}",
        message.entry,
        message.queue,
        message.address,
        message.received_at,
        size(message.octets),
        message.sender,
        message.author.as_deref().unwrap_or_default(),
        reasons.join(",")
    )
}

/// What stands outside of one message, and why it waits.
pub(super) async fn show(app: &App, entry: i64) -> anyhow::Result<CommandOutput> {
    let message = messages(app).show(EntryNo(entry)).await?;
    let mut text = format!(
        "{} {} since {}\nto:       {}\nenvelope: <{}>\n",
        message.entry, message.queue, message.received_at, message.address, message.sender,
    );
    for (name, value) in [("author:  ", &message.author), ("subject: ", &message.subject)] {
        if let Some(value) = value {
            text.push_str(&format!("{name} {value}\n"));
        }
    }
    text.push_str(&format!("size:     {}\n", size(message.octets)));
    for reason in &message.reasons {
        text.push_str(&format!("  {}\n", app.texts.reason(*reason, &texts::TextPlace::default())));
    }
    if let Some(refusal) = messages(app).refusal(EntryNo(entry)).await? {
        let by = if refusal.by.is_empty() { "the command line" } else { &refusal.by };
        text.push_str(&format!("  It was refused on {} by {by}.\n", refusal.at));
    }
    if message.reasons.iter().any(|reason| reason.may_be_captured()) && !message.seen {
        text.push_str("It could be a captured message: `sealist queue open` shows it to an owner, before it can be accepted.\n");
    }
    Ok((text, json!(message)))
}

/// Sends a message to an owner or moderator of its list, or writes it to a file, encrypted to their key.
pub(super) async fn open(
    app: &App,
    entry: i64,
    to: &Address,
    file: Option<&Path>,
) -> anyhow::Result<CommandOutput> {
    let where_to = match file {
        Some(path) => {
            let message = messages(app).open_to_file(EntryNo(entry), to).await?;
            std::fs::write(path, message).map_err(|error| Ending::not_written(path, &error))?;
            format!("in {}, encrypted to the key of {to}", path.display())
        }
        None => {
            messages(app).open_for(EntryNo(entry), to).await?;
            format!("on its way to {to}")
        }
    };
    let text = format!("{entry} is {where_to}; the audit says so\n");
    Ok((text, json!({ "opened": entry, "to": to.to_string() })))
}

pub(super) async fn accept(app: &App, entry: i64) -> anyhow::Result<CommandOutput> {
    messages(app).decide(EntryNo(entry), MessageDecision::Accept).await?;
    Ok((format!("{entry} is on its way; it is judged again\n"), json!({ "resumed": entry })))
}

pub(super) async fn reject(app: &App, entry: i64, reason: String) -> anyhow::Result<CommandOutput> {
    let told = messages(app).decide(EntryNo(entry), MessageDecision::Reject(reason)).await? == Rejected::Told;
    let line = match told {
        true => "its author gets a notice",
        false => "nobody is told: its author is not subscribed, has no usable key, or had many notices today",
    };
    Ok((format!("{entry} is rejected; {line}\n"), json!({ "rejected": entry, "told": told })))
}

pub(super) async fn discard(app: &App, which: DiscardArguments) -> anyhow::Result<CommandOutput> {
    if let Some(entry) = which.entry {
        messages(app).decide(EntryNo(entry), MessageDecision::Discard).await?;
        return Ok((format!("{entry} is discarded\n"), json!({ "discarded": entry })));
    }
    let DiscardArguments { all: list, reason, older_than: older_than_days, .. } = which;
    let discarded = messages(app).discard_all(&HeldSelection { list, reason, older_than_days }).await?;
    Ok((format!("messages discarded: {}\n", discarded.len()), json!({ "discarded": discarded })))
}

pub(super) async fn retry(app: &App, entry: i64) -> anyhow::Result<CommandOutput> {
    messages(app).retry(EntryNo(entry)).await?;
    Ok((format!("{entry} is on its way; it is judged again\n"), json!({ "resumed": entry })))
}

pub(super) async fn hold(app: &App, entry: i64) -> anyhow::Result<CommandOutput> {
    messages(app).hold(EntryNo(entry)).await?;
    let text = format!("{entry} is held; `sealist queue accept {entry}` releases it\n");
    Ok((text, json!({ "held": entry })))
}

fn size(octets: u64) -> String {
    format!("{} KiB", octets.div_ceil(1024))
}
