//! `sealist db`: the database as a whole.

use anyhow::Context as _;
use clap::Subcommand;
use sealist_app::App;
use sealist_store::{Store, transfer};
use serde_json::json;

use super::Answer;

#[derive(Subcommand)]
pub(crate) enum Db {
    /// Moves a site from SQLite into an empty PostgreSQL database. Stop the server first.
    MigrateTo {
        /// postgres://user@host/name
        url: String,
    },
}

pub(super) async fn run(app: &App, command: Db) -> anyhow::Result<Answer> {
    let Db::MigrateTo { url } = command;
    let to = Store::open_url(&url).await.context("the new database cannot be used")?;
    let mut table = "";
    let rows = transfer::transfer(&app.store, &to, |progress| {
        if progress.table != table || progress.done % 1000 == 0 || progress.done == progress.all {
            table = progress.table;
            crate::complain(&format!("{}: {} of {}\n", progress.table, progress.done, progress.all));
        }
    });
    let rows = rows.await?;
    let text = format!(
        "{rows} rows are over, counted on both sides. Now set in the configuration:\n\n    [database]\n    url = …\n"
    );
    Ok((text, json!({ "rows": rows })))
}
