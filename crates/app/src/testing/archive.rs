//! Reads what the archive keeps.

use sealist_lists::model::MailingList;
use sealist_lists::post_summary::PostSummary;
use sealist_store::StoreError;
use sealist_store::archive::ArchivedPost;

use crate::error::AppError;
use crate::opening::open_body;
use crate::site::App;

/// Opens the summary of a post that is kept; `None` for a post from before there were summaries. Errs if this
/// node lacks the keys of the list.
pub async fn archived_summary(
    app: &App,
    list: &MailingList,
    post: &ArchivedPost,
) -> Result<Option<PostSummary>, AppError> {
    let Some(summary) = post.summary else { return Ok(None) };
    let octets = open_body(app, list, summary).await?;
    let summary = serde_json::from_slice(&octets).map_err(|_| StoreError::Damaged { table: "archive" })?;
    Ok(Some(summary))
}
