//! What is kept beside a message that waits for a person, so that a list of such messages opens none of them.

use sealist_mail::{AttachedFile, Entity, Headers, attachments, shortened};
use serde::{Deserialize, Serialize};

/// What everybody on the way of a message sees of it. Anybody can write anything there. It has no Debug,
/// because on plain lists it is content; on an encrypting list it is stored sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSummary {
    /// The From field, on one line and shortened.
    pub author: String,
    /// The Subject field, on one line and shortened.
    pub subject: String,
    /// The Message-ID, on one line and shortened; empty if there is none.
    pub message_id: String,
    /// The size of the message as it came.
    pub octets: u64,
    /// Its files. Of an encrypted message that is its ciphertext.
    pub attachments: Vec<AttachedFile>,
}

impl HeldSummary {
    /// The summary of a message as it came.
    pub fn of(message: &[u8]) -> Self {
        let (outer, _) = Headers::parse(message);
        let field = |name: &str| shortened(&outer.text(name).unwrap_or_default());
        Self {
            author: field("from"),
            subject: field("subject"),
            message_id: field("message-id"),
            octets: message.len() as u64,
            attachments: attachments(&Entity::parse(message)),
        }
    }
}
