//! Whose signatures count for a message.

use sealist_mail::Timestamp;
use sequoia_openpgp::{Cert, KeyHandle};

use crate::certificate::Certificate;
use crate::keys::ListKey;

/// The certificates that count, whom they speak to, and the time.
pub(super) struct Signers<'a> {
    certificates: &'a [Certificate],
    keys: &'a [&'a ListKey],
    now: Timestamp,
}

impl<'a> Signers<'a> {
    /// `keys`: those that open mail to the list.
    pub(super) fn new(certificates: &'a [Certificate], keys: &'a [&'a ListKey], now: Timestamp) -> Self {
        Self { certificates, keys, now }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn keys(&self) -> &'a [&'a ListKey] {
        self.keys
    }

    /// Whether what is meant for the holder of that key is meant for the list.
    pub(super) fn speak_to(&self, recipient: &sequoia_openpgp::Fingerprint) -> bool {
        let mut keys = self.keys.iter().flat_map(|key| key.cert().keys());
        keys.any(|key| key.key().fingerprint() == *recipient)
    }

    /// Those that hold a key of one of the handles.
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
