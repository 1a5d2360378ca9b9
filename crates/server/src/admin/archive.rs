//! `sealist archive`: the posts that lists keep after their last delivery. Nothing can read them yet.

use clap::Subcommand;
use sealist_app::{App, ArchiveSizeView};
use sealist_lists::model::ListName;
use serde_json::json;

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
            let sizes = app.as_operator().lists().archive_sizes().await?;
            (sizes.iter().map(line).collect(), json!(sizes))
        }
        Archive::Purge { list } => {
            let purged = app.as_operator().lists().purge_archive(&list).await?;
            (format!("posts of {list} deleted: {purged}\n"), json!({ "purged": purged }))
        }
    })
}

fn line(size: &ArchiveSizeView) -> String {
    let ArchiveSizeView { list, archive, posts, octets } = size;
    let keeps = if *archive { "keeps new posts" } else { "keeps no new posts" };
    format!("{list:<40} {posts} posts, {octets} octets; {keeps}\n")
}
