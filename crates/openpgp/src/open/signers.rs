//! Whose signatures count for a message.

use sealist_mail::Timestamp;
use sequoia_openpgp::{Cert, KeyHandle};

use crate::certificate::Certificate;
use crate::keys::ListKey;

/// The certificates that count, the keys that they may address, and the time.
pub(super) struct Signers<'a> {
    certificates: &'a [Certificate],
    keys: &'a [&'a ListKey],
    now: Timestamp,
}

impl<'a> Signers<'a> {
    /// `keys` are the keys that open mail to the list.
    pub(super) fn new(certificates: &'a [Certificate], keys: &'a [&'a ListKey], now: Timestamp) -> Self {
        Self { certificates, keys, now }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn keys(&self) -> &'a [&'a ListKey] {
        self.keys
    }

    /// Whether a message for the holder of that key is for the list.
    pub(super) fn speak_to(&self, recipient: &sequoia_openpgp::Fingerprint) -> bool {
        let mut keys = self.keys.iter().flat_map(|key| key.cert().keys());
        keys.any(|key| key.key().fingerprint() == *recipient)
    }

    /// The certificates that contain one of the keys.
    pub(super) fn named(&self, handles: &[KeyHandle]) -> Vec<Cert> {
        self.certificates
            .iter()
            .map(Certificate::cert)
            .filter(|cert| {
                cert.keys().any(|key| handles.iter().any(|handle| key.key().key_handle().aliases(handle)))
            })
            .cloned()
            .collect()
    }
}
