//! What a use case can fail with.

use sealist_openpgp::{CertificateError, Damaged, KeyError, MergeError, SealError, Unusable};
use sealist_store::StoreError;

/// Why a use case did not work. Bad mail is none of these: it gets a verdict.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This server has no keys for the list.
    #[error("the keys of {list} are not in the key directory: restore them from the backup")]
    NoKeys {
        /// The list.
        list: String,
    },
    /// The key directory cannot be written.
    #[error("the key directory cannot be written: {0}")]
    Vault(std::io::Error),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A stored body is damaged.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// No such list.
    #[error("there is no list {0}")]
    NoSuchList(String),
    /// No such style.
    #[error("there is no style {0:?}")]
    NoSuchStyle(String),
    /// The key given for a member.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The update given for a member's key.
    #[error(transparent)]
    Update(#[from] MergeError),
    /// The key given for a member cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The key belongs to another address.
    #[error("the key does not name {0}")]
    OtherAddress(String),
    /// The server is shutting down.
    #[error("the work was interrupted")]
    Interrupted,
}
