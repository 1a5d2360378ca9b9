//! Why a node has no keys.

use std::path::PathBuf;

use sealist_app::AppError;
use sealist_openpgp::NotAMasterKey;

/// Why the keys of this node cannot be used. The texts say what is wrong, and [`Self::fix`] what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    #[error("the key directory {} cannot be used: {source}", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    #[error("the master key {} cannot be read: {source}", path.display())]
    MasterKey { path: PathBuf, source: std::io::Error },
    #[error("there is no credential {0:?} for the master key")]
    Credential(String),
    #[error("{} holds no master key: {source}", path.display())]
    NotAMasterKey { path: PathBuf, source: NotAMasterKey },
    #[error("the key of the site is wrapped, and this node has no master key")]
    NoMasterKey,
    #[error("the master key does not open the key of the site")]
    OtherMasterKey,
    #[error("the key of the site is neither in the database nor in {}", path.display())]
    NoSiteKey { path: PathBuf },
    #[error("the key of the site in {} is not that of the database, or is damaged", path.display())]
    OtherSiteKey { path: PathBuf },
    #[error(transparent)]
    Database(#[from] AppError),
}

impl VaultError {
    /// How to fix it.
    pub(crate) fn fix(&self) -> String {
        match self {
            Self::Directory { path, .. } => {
                format!("run this as the server's user, and let it own {}", path.display())
            }
            Self::MasterKey { path, .. } => format!(
                "copy it from another node or restore it; for a new site make one: sealist keys master-key {}",
                path.display()
            ),
            Self::Credential(name) => {
                format!("add LoadCredential={name}:/path/to/master.key to the service")
            }
            Self::NotAMasterKey { .. } => {
                "copy the file from another node or restore it from the backup".to_owned()
            }
            Self::NoMasterKey => "set master_key in [keydirs] as on the other nodes".to_owned(),
            Self::OtherMasterKey => "give this node the master key of the other nodes".to_owned(),
            Self::NoSiteKey { path } | Self::OtherSiteKey { path } => format!(
                "copy site.mac or site.mac.wrapped from another node or from the backup to {}",
                path.display()
            ),
            Self::Database(_) => "see that the database can be reached and written".to_owned(),
        }
    }
}
