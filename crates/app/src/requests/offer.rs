//! Keys that people offer: what is taken, and how it is stored.

use sealist_lists::commands::Problem;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, CertificateError, Unusable};
use sealist_store::keys::CertificateRow;

use crate::App;

/// A key that can be taken: one can encrypt to it, it can sign, now.
pub(crate) struct Offer {
    pub(crate) certificate: Certificate,
}

impl Offer {
    /// The one key in what came with a message. The problem says why it is not taken.
    pub(crate) fn among(blocks: &[Vec<u8>], now: Timestamp) -> Result<Self, Problem> {
        let [block] = blocks else {
            return Err(if blocks.is_empty() { Problem::NoKey } else { Problem::SeveralKeys });
        };
        let certificate = Certificate::read_one(block).map_err(|error| match error {
            CertificateError::SecretKey => Problem::SecretKey,
            CertificateError::Several => Problem::SeveralKeys,
            CertificateError::NotACertificate => Problem::NoKey,
            other => Problem::Unusable(other.to_string()),
        })?;
        match certificate.usable(now) {
            Ok(_) => Ok(Self { certificate }),
            Err(why) => Err(Problem::Unusable(why.to_string())),
        }
    }

    /// Whether one of its user ids has the address.
    pub(crate) fn names(&self, address: &Address, now: Timestamp) -> bool {
        self.certificate.addresses(now).contains(address)
    }
}

/// What the database keeps of a confirmed certificate: with its card if it can be used, else with the reason.
pub(crate) fn row_of(
    app: &App,
    address: &Address,
    certificate: &Certificate,
    now: Timestamp,
) -> CertificateRow {
    let card = certificate.usable(now).map(|card| card.to_bytes(app.vault.mac(), &address.key()));
    CertificateRow {
        fingerprint: certificate.fingerprint().to_string(),
        certificate: certificate.to_bytes(),
        unusable: card.as_ref().err().map(Unusable::to_string),
        card: card.ok(),
        confirmed_at: Some(now),
    }
}
