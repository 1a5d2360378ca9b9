//! The storage of secret keys.

use sealist_openpgp::{KeyError, KeyName, MacKey};
use zeroize::Zeroizing;

/// Where secret keys are stored: in files outside the database, or in the database, wrapped under a master
/// key that is not in it.
pub trait KeyVault: Send + Sync {
    /// The secret octets of the key of that name. `wrapped` is its wrapped form in the database, if there is
    /// one.
    fn secret(&self, name: &KeyName, wrapped: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, Unavailable>;

    /// Stores a new key. Either it is on disk when this returns, or the result is its wrapped form for the
    /// database, to be stored in the transaction that names the key.
    fn keep(&self, name: &KeyName, secret: &[u8]) -> std::io::Result<Option<Vec<u8>>>;

    /// The wrapped form of a key for the database. `None` without a master key.
    fn wrap(&self, name: &KeyName, secret: &[u8]) -> Option<Vec<u8>>;

    /// The site key.
    fn mac(&self) -> &MacKey;
}

/// Why this node lacks a key. It is never a decryption failure of mail: mail for the key waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The key is nowhere.
    #[error("it is neither in the database nor in the key directory")]
    Missing,
    /// It is wrapped, and there is no master key.
    #[error("it is wrapped, and this node has no master key")]
    NoMasterKey,
    /// It is wrapped under another master key or name, or is damaged.
    #[error("the master key does not open it")]
    OtherMasterKey,
    /// Its file cannot be read.
    #[error("its file cannot be read: {0}")]
    File(std::io::ErrorKind),
    /// The stored data is not a key of a list.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is a valid key, but not the one that the row names.
    #[error("what is there is another key than the database names")]
    Other,
}

impl Unavailable {
    /// How a person can fix it.
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
