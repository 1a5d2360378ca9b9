//! The session key of a sealed body.

use sequoia_openpgp::crypto::SessionKey as LibraryKey;
use sequoia_openpgp::types::SymmetricAlgorithm;

/// The cipher of all sealed data.
pub(crate) const CIPHER: SymmetricAlgorithm = SymmetricAlgorithm::AES256;

/// The session key of one sealed body. It is zeroed on drop and never printed.
pub struct SessionKey(pub(crate) LibraryKey);

pub(crate) fn fresh_session_key() -> SessionKey {
    SessionKey(crate::random::<32>().to_vec().into())
}
