//! `sealist queue`: what came in and waits, and what becomes of it.

use anyhow::{Context as _, bail};
use clap::Subcommand;
use sealist_app::{App, AppError, Rejected, reject};
use sealist_lists::model::EntryNo;
use sealist_lists::texts;
use sealist_mail::Timestamp;
use sealist_store::lists;
use sealist_store::queue::{self, Entry, Place};
use serde_json::{Value, json};

use super::Answer;

#[derive(Subcommand)]
pub(crate) enum Queue {
    /// What waits, for a moderator or for the runner.
    List,
    /// Why an entry waits.
    Show { entry: i64 },
    /// Lets a held message pass for the reasons shown; it is opened and judged again.
    Accept { entry: i64 },
    /// Deletes a message and tells its author, if that is a member.
    Reject { entry: i64 },
    /// Deletes a message and tells nobody.
    Discard { entry: i64 },
    /// Tries a shunted message again.
    Retry { entry: i64 },
}

pub(super) async fn run(app: &App, command: Queue) -> anyhow::Result<Answer> {
    Ok(match command {
        Queue::List => {
            let mut entries = Vec::new();
            for place in [Place::Hold, Place::Shunt, Place::In] {
                entries.extend(queue::listed(&mut *app.store.reader().await?, place).await?);
            }
            let mut text = String::new();
            for entry in &entries {
                let list = lists::by_no(&mut *app.store.reader().await?, entry.list).await?;
                let name = list.map(|list| list.name.address(entry.door).to_string()).unwrap_or_default();
                let reasons: Vec<String> = entry.reasons.iter().map(|reason| reason.name()).collect();
                text.push_str(&format!(
                    "{} {} {name} {} {}\n",
                    entry.no,
                    entry.place.name(),
                    entry.received_at.rfc3339(),
                    reasons.join(",")
                ));
            }
            (text, entries.iter().map(to_json).collect())
        }
        Queue::Show { entry } => {
            let entry = find(app, entry).await?;
            let reasons: String =
                entry.reasons.iter().map(|reason| format!("  {}\n", texts::sentence(*reason))).collect();
            (
                format!(
                    "{} {} since {}\n{reasons}",
                    entry.no,
                    entry.place.name(),
                    entry.received_at.rfc3339()
                ),
                to_json(&entry),
            )
        }
        Queue::Accept { entry } => resume(app, entry, Place::Hold).await?,
        Queue::Retry { entry } => resume(app, entry, Place::Shunt).await?,
        Queue::Reject { entry } => {
            let entry = find(app, entry).await?;
            let no = entry.no;
            let told = reject(app, entry, Timestamp::now()).await? == Rejected::Told;
            let line = match told {
                true => "its author gets a notice",
                false => {
                    "nobody is told: its author is not subscribed, has no usable key, or had a notice today"
                }
            };
            (format!("{no} is rejected; {line}\n"), json!({ "rejected": no, "told": told }))
        }
        Queue::Discard { entry } => {
            let entry = find(app, entry).await?;
            let no = entry.no;
            app.store
                .write(move |db| Box::pin(async move { queue::finish(db, &entry).await }))
                .await
                .map_err(AppError::Store)?;
            (format!("{no} is discarded\n"), json!({ "discarded": no }))
        }
    })
}

async fn find(app: &App, no: i64) -> anyhow::Result<Entry> {
    queue::find(&mut *app.store.reader().await?, EntryNo(no))
        .await?
        .with_context(|| format!("there is no entry {no}"))
}

async fn resume(app: &App, no: i64, from: Place) -> anyhow::Result<Answer> {
    let entry = find(app, no).await?;
    if entry.place != from {
        bail!("entry {no} is in {}, not in {}", entry.place.name(), from.name());
    }
    app.store
        .write(move |db| Box::pin(queue::resume(db, entry.no, Timestamp::now())))
        .await
        .map_err(AppError::Store)?;
    Ok((format!("{no} is on its way; it is judged again\n"), json!({ "resumed": no })))
}

fn to_json(entry: &Entry) -> Value {
    json!({
        "entry": entry.no,
        "queue": entry.place.name(),
        "door": entry.door,
        "received_at": entry.received_at.rfc3339(),
        "attempts": entry.attempts,
        "reasons": entry.reasons,
    })
}
