//! `sealist db`: migrates or moves the database.

use anyhow::Context as _;
use clap::Subcommand;
use sealist_app::{App, AppError, Deployment, SiteDatabase, TransferError};
use serde_json::{Value, json};

use super::CommandOutput;
use crate::config::Config;
use crate::opening::{self, NoSite};

#[derive(Subcommand)]
pub(crate) enum Db {
    /// Updates the tables after a new version was installed. A SQLite database is copied first. With
    /// PostgreSQL stop all nodes and make a backup first.
    Migrate,
    /// Moves a site from SQLite into an empty PostgreSQL database. Stop the server first.
    MigrateTo {
        /// The address of the new database: postgres://user@host/name
        url: String,
    },
}

/// `sealist db migrate`: works on a database that other commands refuse to open.
pub(super) async fn migrate(config: &Config) -> anyhow::Result<CommandOutput> {
    let database = opening::place(config)?;
    if database.is_missing().await? {
        return Err(NoSite::missing(config).into());
    }
    let _alone = opening::lock_database(config)?;
    let migrated = database.migrate().await?;
    let removed = opening::remove_old_copies(&database);
    let text = migrated.as_ref().map_or("the database is up to date".to_owned(), opening::describe_migration);
    let removed_too: String =
        removed.iter().map(|copy| format!("removed, as it is old: {}\n", copy.display())).collect();
    let data = json!({
        "from": migrated.as_ref().map(|migrated| migrated.from),
        "to": migrated.as_ref().map(|migrated| migrated.to),
        "copy": migrated.as_ref().and_then(|migrated| migrated.copy.clone()),
        "removed": removed,
    });
    Ok((format!("{text}\n{removed_too}"), data))
}

pub(super) async fn run(app: &App, command: Db) -> anyhow::Result<CommandOutput> {
    let Db::MigrateTo { url } = command else { return Ok((String::new(), Value::Null)) };
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(AppError::from(TransferError::Target).into());
    }
    if app.deployment() != Deployment::SingleProcess {
        return Err(AppError::from(TransferError::Source).into());
    }
    let made = async { SiteDatabase::server(&url)?.make().await };
    let to = made.await.context("the new database cannot be used")?;
    let mut table = "";
    let rows = app.move_to(&to, |progress| {
        if progress.table != table || progress.done % 1000 == 0 || progress.done == progress.all {
            table = progress.table;
            crate::print_error(&format!("{}: {} of {}\n", progress.table, progress.done, progress.all));
        }
    });
    let rows = rows.await?;
    let text = format!(
        "{rows} rows are over, counted on both sides. Now set the key `url` in the table [database] of the configuration \
         to that address, and start the server.\n"
    );
    Ok((text, json!({ "rows": rows })))
}
