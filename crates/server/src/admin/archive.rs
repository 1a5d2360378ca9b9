//! `sealist archive`: the posts that lists keep after their last delivery. Nothing can read them yet.

use clap::Subcommand;
use sealist_app::App;
use sealist_lists::model::ListName;
use sealist_store::{archive, lists};
use serde_json::{Value, json};

use super::CommandOutput;

#[derive(Subcommand)]
pub(crate) enum Archive {
    /// Prints how much each list keeps.
    List,
    /// Deletes the posts that a list keeps. Posts that are still being delivered are deleted after delivery.
    Purge {
        /// The name of the list.
        list: ListName,
    },
}

pub(super) async fn run(app: &App, command: Archive) -> anyhow::Result<CommandOutput> {
    Ok(match command {
        Archive::List => {
            let mut db = app.store.reader().await?;
            let mut rows = Vec::new();
            for list in lists::all(&mut db).await? {
                rows.push((
                    list.name.to_string(),
                    list.settings.archive,
                    archive::kept(&mut db, list.no).await?,
                ));
            }
            let line = |(name, on, kept): &(String, bool, archive::ArchiveSize)| {
                let keeps = if *on { "keeps new posts" } else { "keeps no new posts" };
                format!("{name:<40} {} posts, {} octets; {keeps}\n", kept.posts, kept.octets)
            };
            let data: Vec<Value> = rows
                .iter()
                .map(|(name, on, kept)| {
                    json!({ "list": name, "archive": on, "posts": kept.posts, "octets": kept.octets })
                })
                .collect();
            (rows.iter().map(line).collect(), data.into())
        }
        Archive::Purge { list } => {
            let purged = app.as_operator().lists().purge_archive(&list).await?;
            (format!("posts of {list} deleted: {purged}\n"), json!({ "purged": purged }))
        }
    })
}
