//! The commands of an admin ([`AdminCommand`]). Each calls one use case and prints its result.

mod archive;
mod audit;
mod bans;
mod db;
mod deletion;
mod holds;
mod keys;
mod lists;
mod members;
pub(crate) mod owners;
mod preferences;
mod queue;
mod refresh;
mod requests;
mod settings;
mod texts;
mod trace;
mod users;
mod wkd;

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use clap::Subcommand;
use sealist_app::App;
use sealist_lists::model::{ListName, MailingList};
use serde_json::{Value, json};

use crate::config::Config;
use crate::opening::{self, OpeningPurpose};

/// The output of a command: text for people, and data.
pub(crate) type CommandOutput = (String, Value);

/// Adds warnings to an output: a line each, and as data.
fn warned((text, mut data): CommandOutput, warnings: impl IntoIterator<Item = String>) -> CommandOutput {
    let warnings: Vec<String> = warnings.into_iter().collect();
    let lines: String = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    if let Some(data) = data.as_object_mut() {
        data.insert("warnings".to_owned(), json!(warnings));
    }
    (text + &lines, data)
}

/// The format of the output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Text,
    Json,
}

#[derive(Subcommand)]
pub(crate) enum AdminCommand {
    /// Creates, shows, changes and deletes lists.
    #[command(subcommand)]
    Lists(lists::Lists),
    /// Adds, lists, changes and removes members, owners and moderators of a list.
    #[command(subcommand)]
    Members(members::Members),
    /// Says which addresses belong to one person, sets what counts for the person, and deletes a person.
    #[command(subcommand)]
    Users(users::Users),
    /// Sets the preferences of an address on all lists, and those of everybody.
    #[command(subcommand)]
    Preferences(preferences::PreferenceCommands),
    /// Bans addresses and domains from one list or from all, and takes bans back.
    #[command(subcommand)]
    Bans(bans::Bans),
    /// Shows the requests that wait for an answer, and decides about them for the owners.
    #[command(subcommand)]
    Requests(requests::Requests),
    /// Prints the workflows: the steps that a request passes.
    Workflows,
    /// Prints who did or tried what, the newest first.
    Audit {
        /// Only entries of this list.
        list: Option<ListName>,
        /// How many entries are printed at most.
        #[arg(long, default_value_t = 50, value_parser = number::<u32>)]
        limit: u32,
    },
    /// Hands the events to programs that follow the site.
    #[command(subcommand)]
    Events(audit::Events),
    /// Shows, imports and checks the OpenPGP keys of people, and rotates and publishes those of lists.
    #[command(subcommand)]
    Keys(keys::KeyCommands),
    /// Shows the messages that wait and the copies that are being delivered, and decides about them.
    #[command(subcommand)]
    Queue(queue::QueueCommands),
    /// Shows what became of a message and of its copies, or the last mail from and to an address.
    Trace(trace::TraceArguments),
    /// Counts and deletes posts that lists keep after their last delivery.
    #[command(subcommand)]
    Archive(archive::Archive),
    /// Shows the texts that people read in mail, and the files that they come from.
    #[command(subcommand)]
    Texts(texts::TextCommands),
    /// Updates the tables of the database, or moves the site to PostgreSQL.
    #[command(subcommand)]
    Db(db::Db),
}

impl AdminCommand {
    /// Whether the command works on a site. A master key is made before there is a site.
    pub(crate) fn needs_a_site(&self) -> bool {
        !matches!(self, Self::Keys(keys::KeyCommands::MasterKey { .. }))
    }
}

/// Runs a command on the site of the configuration at `path`.
pub(crate) async fn run(path: &Path, command: AdminCommand) -> anyhow::Result<CommandOutput> {
    if let AdminCommand::Keys(keys::KeyCommands::MasterKey { file }) = &command {
        return Ok((keys::make_master_key(file)?, json!({ "made": file })));
    }
    let config = &Config::read(path)?;
    if let AdminCommand::Db(db::Db::Migrate) = command {
        return db::migrate(config).await;
    }
    let app = &opening::open(config, purpose(&command)).await?;
    match command {
        AdminCommand::Lists(command) => lists::run(app, command).await,
        AdminCommand::Members(command) => members::run(app, command).await,
        AdminCommand::Users(command) => users::run(app, command).await,
        AdminCommand::Preferences(command) => preferences::run(app, command).await,
        AdminCommand::Bans(command) => bans::run(app, command).await,
        AdminCommand::Keys(command) => keys::run(app, config, command).await,
        AdminCommand::Requests(command) => requests::run(app, command).await,
        AdminCommand::Workflows => Ok(requests::workflows(app)),
        AdminCommand::Audit { list, limit } => audit::run(app, list, limit).await,
        AdminCommand::Events(command) => audit::follow(app, command).await,
        AdminCommand::Queue(command) => queue::run(app, command).await,
        AdminCommand::Trace(arguments) => trace::run(app, arguments).await,
        AdminCommand::Archive(command) => archive::run(app, command).await,
        AdminCommand::Texts(command) => texts::run(app, command).await,
        AdminCommand::Db(command) => db::run(app, command).await,
    }
}

/// Only the first list creates a site.
fn purpose(command: &AdminCommand) -> OpeningPurpose {
    match command {
        AdminCommand::Lists(lists::Lists::Create { .. }) => OpeningPurpose::Make,
        _ => OpeningPurpose::Use,
    }
}

/// Parses a number of the command line.
fn number<T: std::str::FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "it is no whole number, or too large")
}

async fn find_list(app: &App, name: &ListName) -> anyhow::Result<MailingList> {
    Ok(app.as_operator().lists().find(name).await?)
}

/// Reads a file that was named on the command line; `-` is standard input.
fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut octets = Vec::new();
        std::io::stdin().read_to_end(&mut octets).context("cannot read standard input")?;
        return Ok(octets);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
