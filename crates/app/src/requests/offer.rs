//! Keys that people offer: what is taken.

use sealist_lists::commands::Problem;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, CertificateError};

use crate::AppError;
use crate::key_life::judge;

/// A key that can be taken: one can encrypt to it, it can sign, now. No user id need have the address, but one that has must
/// count.
pub(crate) struct Offer {
    pub(crate) certificate: Certificate,
}

impl Offer {
    /// The one key in what came with a message, for that address. The problem says why it is not taken.
    pub(crate) fn among(blocks: &[Vec<u8>], address: &Address, now: Timestamp) -> Result<Self, Problem> {
        let [block] = blocks else {
            return Err(if blocks.is_empty() { Problem::NoKey } else { Problem::SeveralKeys });
        };
        let certificate = Certificate::read_one(block).map_err(|error| match error {
            CertificateError::SecretKey => Problem::SecretKey,
            CertificateError::Several => Problem::SeveralKeys,
            CertificateError::NotACertificate => Problem::NoKey,
            other => Problem::Unusable(other.to_string()),
        })?;
        match judge(&certificate, address, now).card {
            Ok(_) => Ok(Self { certificate }),
            Err(AppError::OtherAddress(_)) => Err(Problem::NamesOther),
            Err(why) => Err(Problem::Unusable(why.to_string())),
        }
    }

    /// Whether one of its user ids has the address.
    pub(crate) fn names(&self, address: &Address, now: Timestamp) -> bool {
        self.certificate.addresses(now).contains(address)
    }
}
