//! `sealist queue`: messages that wait, and copies that are being delivered.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Subcommand};
use sealist_app::{App, AppError};
use sealist_lists::model::{DeliveryNo, EntryNo, ListName, SendingNo};
use sealist_lists::rules::Reason;
use sealist_mail::Address;
use sealist_store::copies::{self, CopySelection};
use sealist_store::lists;
use sealist_store::queue;
use serde_json::json;

use super::{CommandOutput, find_list, holds, number};

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
    Discard(holds::HeldSelection),
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
        QueueCommands::Hold { post, .. } => {
            let which = named_copies(app, None, post).await?;
            let held = app.store.write(move |db| Box::pin(copies::hold(db, which)));
            let none = "no copy of that post waits for its next try";
            report_count(app, which, held.await.map_err(AppError::Store)?, ("held", none)).await?
        }
        QueueCommands::Release { list } => {
            let list = find_list(app, &list).await?;
            let released = app.store.write(move |db| Box::pin(lists::release(db, list.no)));
            if !released.await.map_err(AppError::Store)? {
                bail!("{} is not held", list.name);
            }
            (format!("{} goes on\n", list.name), json!({ "released": list.name.to_string() }))
        }
        QueueCommands::Posts => posts(app).await?,
        QueueCommands::Copies => copies(app).await?,
        QueueCommands::Resend { copy: None, post: None } => {
            let now = app.store.now();
            let made = app.store.write(move |db| Box::pin(copies::retry_all(db, now)));
            let made = made.await.map_err(AppError::Store)?;
            (format!("copies tried now: {made}\n"), json!({ "retried": made }))
        }
        QueueCommands::Resend { copy, post } => {
            let (which, now) = (named_copies(app, copy, post).await?, app.store.now());
            let made = app.store.write(move |db| Box::pin(copies::retry(db, which, now)));
            let made = made.await.map_err(AppError::Store)?;
            report_count(app, which, made, ("retried", "that is on its way, out, or waits for a key")).await?
        }
        QueueCommands::Drop { copy, post } => {
            let which = named_copies(app, copy, post).await?;
            let given_up = app.store.write(move |db| Box::pin(copies::give_up(db, which)));
            let given_up = given_up.await.map_err(AppError::Store)?;
            let none = "that does not wait: it is on its way, out, or has failed";
            report_count(app, which, given_up, ("dropped", none)).await?
        }
    })
}

/// Clap lets exactly one of the two through. Errs if there is no such copy or post.
async fn named_copies(app: &App, copy: Option<i64>, post: Option<i64>) -> anyhow::Result<CopySelection> {
    let (which, name) = match post {
        Some(post) => {
            (CopySelection::Of(SendingNo(post)), format!("post {post}; `sealist queue posts` names them"))
        }
        None => {
            let copy = copy.unwrap_or_default();
            (CopySelection::One(DeliveryNo(copy)), format!("copy {copy}; `sealist queue copies` names them"))
        }
    };
    if !copies::is_there(&mut *app.store.reader().await?, which).await? {
        bail!("there is no {name}");
    }
    Ok(which)
}

/// Reports how many copies were changed. Errs with `none` if there was no copy to change, or no copy at all.
async fn report_count(
    app: &App,
    which: CopySelection,
    copies: u64,
    (done, none): (&str, &str),
) -> anyhow::Result<CommandOutput> {
    if copies == 0 {
        match which {
            _ if copies::is_known(&mut *app.store.reader().await?, which).await? => bail!("{none}"),
            CopySelection::One(copy) => {
                bail!("there is no copy {copy}; `sealist queue copies` has all that are not out")
            }
            CopySelection::Of(post) => {
                bail!("there is no post {post}; `sealist queue posts` has all that are going out")
            }
        }
    }
    Ok((format!("copies {done}: {copies}\n"), json!({ done: copies })))
}

async fn hold(app: &App, what: &str) -> anyhow::Result<CommandOutput> {
    let now = app.store.now();
    if let Ok(no) = what.parse() {
        let held = app.store.write(move |db| Box::pin(queue::hold(db, EntryNo(no), Reason::ByAdmin)));
        if !held.await.map_err(AppError::Store)? {
            bail!("entry {no} does not wait to be judged");
        }
        return Ok((
            format!("{no} is held; `sealist queue accept {no}` lets it go on\n"),
            json!({ "held": no }),
        ));
    }
    let name: ListName = what.parse().context("give the number of an entry or the name of a list")?;
    let list = find_list(app, &name).await?;
    let held = app.store.write(move |db| Box::pin(lists::hold(db, list.no, now)));
    held.await.map_err(AppError::Store)?;
    let text =
        format!("{name} is held: its mail is taken in, and waits for `sealist queue release {name}`\n");
    Ok((text, json!({ "held": name.to_string() })))
}

async fn posts(app: &App) -> anyhow::Result<CommandOutput> {
    let now = app.store.now();
    let (mut text, mut data) = (String::new(), Vec::new());
    for post in copies::on_their_way(&mut *app.store.reader().await?).await? {
        let list = lists::by_no(&mut *app.store.reader().await?, post.list).await?;
        let name = list.map(|list| list.name.to_string()).unwrap_or_default();
        let age_s = (now.0 - post.accepted_at.0) / 1000;
        let copies: Vec<String> =
            post.copies.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let rest = if post.whole_roster { "" } else { ", more to come" };
        text.push_str(&format!("{} {} {name} {age_s} s: {}{rest}\n", post.no, post.kind, copies.join(", ")));
        data.push(json!({
            "post": post.no,
            "list": name,
            "kind": post.kind,
            "accepted_at": post.accepted_at.rfc3339(),
            "age_s": age_s,
            "whole_roster": post.whole_roster,
            "copies": post.copies,
        }));
    }
    Ok((text, data.into()))
}

/// Reads page by page, so that a hundred thousand copies need no more memory than their lines.
async fn copies(app: &App) -> anyhow::Result<CommandOutput> {
    let now = app.store.now();
    let (mut text, mut data, mut after) = (String::new(), Vec::new(), DeliveryNo(0));
    loop {
        let page = copies::unsent(&mut *app.store.reader().await?, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.no;
        for copy in &page {
            let age_s = (now.0 - copy.accepted_at.0) / 1000;
            text.push_str(&format!(
                "{} {} {} {age_s} s, tried {}: {}\n",
                copy.no, copy.state, copy.email, copy.attempts, copy.reply
            ));
            data.push(json!({
                "copy": copy.no,
                "post": copy.post,
                "list": copy.list,
                "email": copy.email,
                "state": copy.state,
                "attempts": copy.attempts,
                "next_at": (copy.state == "due").then(|| copy.next_at.rfc3339()),
                "age_s": age_s,
                "reply": copy.reply,
            }));
        }
    }
    Ok((text, data.into()))
}
