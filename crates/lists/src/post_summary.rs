//! What the archive keeps beside a post, so that an index of posts opens no post.

use sealist_mail::AttachedFile;
use serde::{Deserialize, Serialize};

/// The summary of a post. It holds cleartext, so it has no Debug; on an encrypting list it is stored sealed.
/// A reader of a later version may find fields that it does not know, and lacks none of these.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostSummary {
    /// The Subject that copies show inside their encryption, with the mark of an unsigned one.
    pub subject: String,
    /// The address by which the post was judged.
    pub author: String,
    /// The name by which the list knows the author; empty if copies show none.
    pub author_name: String,
    /// Whether a good signature of the author covers the content.
    pub is_signed: bool,
    /// When the list accepted the post, in milliseconds since 1970.
    pub accepted_at_ms: i64,
    /// The Message-ID that copies show.
    pub message_id: String,
    /// The author's own Message-ID, if copies show another one.
    pub original_id: Option<String>,
    /// The ids of the messages that the post answers, the nearest first.
    pub answered: Vec<String>,
    /// The files of the author's part.
    pub attachments: Vec<AttachedFile>,
}
