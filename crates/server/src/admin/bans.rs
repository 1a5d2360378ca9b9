//! `sealist bans`: addresses and domains that may neither post nor join.

use clap::Subcommand;
use sealist_app::{App, BanChange, BanResult, BanView, PageRange};
use sealist_lists::model::{BanPattern, ListName};
use serde_json::json;

use super::CommandOutput;
use crate::ending::{Code, Ending};

#[derive(Subcommand)]
pub(crate) enum Bans {
    /// Bans an address or a domain: its mail is discarded, and it cannot join. Members stay members.
    Add {
        /// The address, or a domain like @example.org.
        pattern: BanPattern,
        /// Only on this list; without it, on all lists.
        #[arg(long)]
        list: Option<ListName>,
    },
    /// Prints the bans: all, or those that apply on a list.
    List {
        /// The name of the list.
        list: Option<ListName>,
    },
    /// Takes a ban back.
    Remove {
        /// The address or domain, as `bans list` prints it.
        pattern: BanPattern,
        /// The ban of this list; without it, the ban of the whole site.
        #[arg(long)]
        list: Option<ListName>,
    },
}

pub(super) async fn run(app: &App, command: Bans) -> anyhow::Result<CommandOutput> {
    match command {
        Bans::Add { pattern, list } => change(app, &pattern, list, BanChange::Add).await,
        Bans::Remove { pattern, list } => change(app, &pattern, list, BanChange::Remove).await,
        Bans::List { list } => print(app, list).await,
    }
}

async fn change(
    app: &App,
    pattern: &BanPattern,
    list: Option<ListName>,
    change: BanChange,
) -> anyhow::Result<CommandOutput> {
    let place = list.as_ref().map_or("all lists".to_owned(), ToString::to_string);
    let result = app.as_operator().bans().change(list.as_ref(), pattern, change).await?;
    let (verb, said) = match (change, result) {
        (BanChange::Add, BanResult::Changed) => ("banned", format!("{pattern} is banned from {place}\n")),
        (BanChange::Remove, BanResult::Changed) => {
            ("unbanned", format!("{pattern} is banned from {place} no more\n"))
        }
        (BanChange::Add, BanResult::Unchanged) => {
            let text = format!("{pattern} is banned from {place} already");
            return Err(Ending::new(Code::CannotCreate, text).into());
        }
        (BanChange::Remove, BanResult::Unchanged) => {
            let text = format!("{pattern} is not banned from {place}: `sealist bans list` prints all bans");
            return Err(Ending::new(Code::NoUser, text).into());
        }
    };
    Ok((said, json!({ verb: pattern.to_string(), "list": list })))
}

async fn print(app: &App, list: Option<ListName>) -> anyhow::Result<CommandOutput> {
    let bans = app.as_operator().bans().page(list.as_ref(), PageRange::ALL).await?.entries;
    let line = |ban: &BanView| {
        let place = ban.list.as_deref().unwrap_or("(all lists)");
        format!("{:<40} {place:<40} {}\n", ban.pattern, ban.created_at)
    };
    Ok((bans.iter().map(line).collect(), json!(bans)))
}
