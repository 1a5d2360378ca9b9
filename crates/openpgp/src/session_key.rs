//! The session key of a sealed body.

use sequoia_openpgp::crypto::SessionKey as LibraryKey;
use sequoia_openpgp::types::SymmetricAlgorithm;

/// The cipher of everything that is sealed here.
pub(crate) const CIPHER: SymmetricAlgorithm = SymmetricAlgorithm::AES256;

/// The session key of one sealed body; zeroed on drop, never printed.
pub struct SessionKey(pub(crate) LibraryKey);

pub(crate) fn fresh_session_key() -> SessionKey {
    SessionKey(crate::random::<32>().to_vec().into())
}
