//! The archive: what is stored with a post. Nothing reads it yet.

use sealist_lists::model::MailingList;
use sealist_lists::post_summary::PostSummary;
use sealist_store::StoreError;
use sealist_store::archive::ArchiveEntry;

use crate::error::AppError;
use crate::sealing::enclose_own;
use crate::site::App;

/// What the archive stores with a post that has that summary. The database learns no Message-ID.
pub(crate) async fn entry(
    app: &App,
    list: &MailingList,
    summary: &PostSummary,
) -> Result<ArchiveEntry, AppError> {
    let key = |id: &String| app.vault.mac().message_mark(&list.name.list_id(), id);
    let octets = serde_json::to_vec(summary).map_err(|_| StoreError::Damaged { table: "archive" })?;
    Ok(ArchiveEntry {
        message_key: key(&summary.message_id),
        original_key: summary.original_id.as_ref().map(key),
        answered: summary.answered.iter().map(key).collect(),
        summary: enclose_own(app, list, octets).await?,
    })
}
