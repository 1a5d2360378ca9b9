//! `sealist queue`: messages that wait, and copies that are being delivered.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Subcommand};
use sealist_app::{App, CopyChange, CopySelection, SendingView};
use sealist_lists::model::{DeliveryNo, ListName, SendingNo};
use sealist_mail::Address;
use serde_json::json;

use super::{CommandOutput, holds, number};

const PAGE: u32 = 500;

#[derive(Subcommand)]
pub(crate) enum QueueCommands {
    /// Lists the messages that wait: for a moderator, after a fault, or to be judged.
    List,
    /// Shows the envelope of a message, and why it waits.
    Show {
        /// The number of the message, as `queue list` prints it.
        #[arg(value_parser = number::<i64>)]
        entry: i64,
    },
    /// Sends a message, encrypted, to an owner or moderator of its list. The audit records it.
    Open {
        /// The number of the message, as `queue list` prints it.
        #[arg(value_parser = number::<i64>)]
        entry: i64,
        /// Who gets it. Only an owner may see a message that may be a captured one.
        #[arg(long, value_name = "ADDRESS")]
        to: Address,
        /// Writes the message to a file, encrypted to that person's key, instead of sending it.
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
    },
    /// Accepts a held message despite the reasons shown. It is opened and judged again, and held again for
    /// any other reason.
    Accept {
        /// The number of the message, as `queue list` prints it.
        #[arg(value_parser = number::<i64>)]
        entry: i64,
    },
    /// Rejects a held message: deletes it and tells its author, if the list may write to them.
    Reject {
        /// The number of the message, as `queue list` prints it.
        #[arg(value_parser = number::<i64>)]
        entry: i64,
        /// The reason, in words for the author.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Discards held messages: deletes them and tells nobody.
    Discard(holds::DiscardArguments),
    /// Retries a message that was set aside after three faults (queue `shunt`).
    Retry {
        /// The number of the message, as `queue list` prints it.
        #[arg(value_parser = number::<i64>)]
        entry: i64,
    },
    /// Holds an entry that was not judged yet, the remaining copies of a post, or all mail of a list. A held
    /// list still accepts mail, but nothing is judged or sent.
    #[command(group(ArgGroup::new("held").required(true).args(["what", "post"])))]
    Hold {
        /// The number of an entry, or the name of a list.
        what: Option<String>,
        /// The post whose remaining copies are held.
        #[arg(long, value_parser = number::<i64>)]
        post: Option<i64>,
    },
    /// Releases a held list: its mail is judged and sent again.
    Release {
        /// The name of the list.
        list: ListName,
    },
    /// Lists the posts that are being delivered, and the state of their copies.
    Posts,
    /// Lists the copies that are not delivered: recipient, age, number of tries, and the last error.
    Copies,
    /// Retries copies now: one, or all of a post, including failed and held ones. Without a number, all
    /// copies that wait for their next try.
    Resend {
        /// The number of the copy, as `queue copies` prints it.
        #[arg(value_parser = number::<i64>)]
        copy: Option<i64>,
        /// The number of the post, as `queue posts` prints it.
        #[arg(long, conflicts_with = "copy", value_parser = number::<i64>)]
        post: Option<i64>,
    },
    /// Discards copies that are not delivered: one, or all of a post.
    #[command(group(ArgGroup::new("dropped").required(true).args(["copy", "post"])))]
    Drop {
        /// The number of the copy, as `queue copies` prints it.
        #[arg(value_parser = number::<i64>)]
        copy: Option<i64>,
        /// The number of the post, as `queue posts` prints it.
        #[arg(long, value_parser = number::<i64>)]
        post: Option<i64>,
    },
}

pub(super) async fn run(app: &App, command: QueueCommands) -> anyhow::Result<CommandOutput> {
    Ok(match command {
        QueueCommands::List => holds::list(app).await?,
        QueueCommands::Show { entry } => holds::show(app, entry).await?,
        QueueCommands::Open { entry, to, file } => holds::open(app, entry, &to, file.as_deref()).await?,
        QueueCommands::Accept { entry } => holds::accept(app, entry).await?,
        QueueCommands::Retry { entry } => holds::retry(app, entry).await?,
        QueueCommands::Reject { entry, reason } => holds::reject(app, entry, reason).await?,
        QueueCommands::Discard(which) => holds::discard(app, which).await?,
        QueueCommands::Hold { what: Some(what), .. } => hold(app, &what).await?,
        QueueCommands::Hold { post, .. } => change(app, target(None, post), CopyChange::Hold).await?,
        QueueCommands::Release { list } => {
            app.as_operator().lists().release(&list).await?;
            (format!("{list} is released\n"), json!({ "released": list.to_string() }))
        }
        QueueCommands::Posts => posts(app).await?,
        QueueCommands::Copies => copies(app).await?,
        QueueCommands::Resend { copy: None, post: None } => {
            let made = app.as_operator().copies().retry_all().await?;
            (format!("copies retried now: {made}\n"), json!({ "retried": made }))
        }
        QueueCommands::Resend { copy, post } => change(app, target(copy, post), CopyChange::Retry).await?,
        QueueCommands::Drop { copy, post } => change(app, target(copy, post), CopyChange::GiveUp).await?,
    })
}

/// Clap lets exactly one of the two through.
fn target(copy: Option<i64>, post: Option<i64>) -> CopySelection {
    match post {
        Some(post) => CopySelection::Of(SendingNo(post)),
        None => CopySelection::One(DeliveryNo(copy.unwrap_or_default())),
    }
}

/// Changes copies and reports how many were changed. Errs if there was no copy to change.
async fn change(app: &App, which: CopySelection, change: CopyChange) -> anyhow::Result<CommandOutput> {
    let (done, none) = match change {
        CopyChange::Hold => ("held", "no copy of that post waits to be retried"),
        CopyChange::Retry => ("retried", "it is being delivered, is delivered, or waits for a key"),
        CopyChange::GiveUp => {
            ("dropped", "it does not wait: it is being delivered, is delivered, or has failed")
        }
    };
    let copies = app.as_operator().copies().change(which, change).await?;
    if copies == 0 {
        bail!("{none}");
    }
    Ok((format!("copies {done}: {copies}\n"), json!({ done: copies })))
}

async fn hold(app: &App, what: &str) -> anyhow::Result<CommandOutput> {
    if let Ok(no) = what.parse() {
        return holds::hold(app, no).await;
    }
    let name: ListName = what.parse().context("give the number of an entry or the name of a list")?;
    app.as_operator().lists().hold(&name).await?;
    let text =
        format!("{name} is held: its mail is accepted, and waits for `sealist queue release {name}`\n");
    Ok((text, json!({ "held": name.to_string() })))
}

async fn posts(app: &App) -> anyhow::Result<CommandOutput> {
    let all = app.as_operator().copies().sendings().await?;
    let line = |one: &SendingView| {
        let copies: Vec<String> =
            one.copies.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let rest = if one.whole_roster { "" } else { ", more to come" };
        format!("{} {} {} {} s: {}{rest}\n", one.post, one.kind, one.list, one.age_s, copies.join(", "))
    };
    Ok((all.iter().map(line).collect(), json!(all)))
}

/// Reads page by page, so that a hundred thousand copies need no more memory than their lines.
async fn copies(app: &App) -> anyhow::Result<CommandOutput> {
    let (mut text, mut data, mut after) = (String::new(), Vec::new(), DeliveryNo(0));
    loop {
        let page = app.as_operator().copies().unsent(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.copy;
        for one in &page {
            text.push_str(&format!(
                "{} {} {} {} s, tried {}: {}\n",
                one.copy, one.state, one.email, one.age_s, one.attempts, one.reply
            ));
            data.push(json!(one));
        }
    }
    Ok((text, data.into()))
}
