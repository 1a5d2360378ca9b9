//! Where secret keys rest.

use sealist_openpgp::{KeyError, KeyName, MacKey};
use zeroize::Zeroizing;

/// Where secret keys are kept: in files apart from the database, or in it, wrapped under a master key that is not.
pub trait KeyVault: Send + Sync {
    /// The secret octets of the key of that name. `wrapped`: what the database keeps of it.
    fn secret(&self, name: &KeyName, wrapped: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, Unavailable>;

    /// Keeps a new key. Either it is on disk when this returns, or the answer is what the database is to keep, in the
    /// transaction that names the key.
    fn keep(&self, name: &KeyName, secret: &[u8]) -> std::io::Result<Option<Vec<u8>>>;

    /// What the database may keep of a key; `None` without a master key.
    fn wrap(&self, name: &KeyName, secret: &[u8]) -> Option<Vec<u8>>;

    /// The key of the site.
    fn mac(&self) -> &MacKey;
}

/// Why this node has not got a key. Never a decryption failure: what the key would open waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It is nowhere.
    #[error("it is neither in the database nor in the key directory")]
    Missing,
    /// It is wrapped, and there is nothing to open it with.
    #[error("it is wrapped, and this node has no master key")]
    NoMasterKey,
    /// Wrapped under another master key or for another place, or damaged.
    #[error("the master key does not open it")]
    OtherMasterKey,
    /// Its file.
    #[error("its file cannot be read: {0}")]
    File(std::io::ErrorKind),
    /// What is there is no key for a list.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is a good key, and not the one that it is named.
    #[error("what is there is another key than the database names")]
    Other,
}

impl Unavailable {
    /// What a person does about it.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Missing => "copy its file from another node, or restore it from the backup",
            Self::NoMasterKey => "set master_key in [keydirs] as on the other nodes",
            Self::OtherMasterKey => "give this node the master key of the other nodes",
            Self::File(_) => "let the server's user own the key directory",
            Self::Key(_) | Self::Other => "restore key directory and database from the same backup",
        }
    }
}
