//! Checks keys that people offer.

use sealist_lists::commands::Problem;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, CertificateError, KeyMaterial};

use crate::error::AppError;
use crate::key_life::judge;

/// An acceptable key: it can encrypt and sign now. No user id needs to have the address, but one that has it
/// must be valid.
pub(crate) struct Offer {
    pub(crate) certificate: Certificate,
}

impl Offer {
    /// The one key in the attachments, for that address; of several keys the only one that names it. The
    /// problem says why there is none.
    pub(crate) fn among(brought: &KeyMaterial, address: &Address, now: Timestamp) -> Result<Self, Problem> {
        let unreadable = brought.unreadable.as_ref();
        if unreadable == Some(&CertificateError::SecretKey) {
            return Err(Problem::SecretKey);
        }
        let all = &brought.certificates;
        let named: Vec<&Certificate> = all.iter().filter(|one| one.mentions(address)).collect();
        let certificate: &Certificate = match (&all[..], &named[..]) {
            ([one], _) => one,
            (_, [one]) => one,
            ([], _) => {
                return Err(match unreadable {
                    Some(CertificateError::Archive) => Problem::Packed,
                    None | Some(CertificateError::NotACertificate) => Problem::NoKey,
                    Some(other) => Problem::Unusable(other.to_string()),
                });
            }
            _ => return Err(Problem::SeveralKeys),
        };
        match judge(certificate, address, now).card {
            Ok(_) => Ok(Self { certificate: certificate.clone() }),
            Err(AppError::OtherAddress(_)) => Err(Problem::NamesOther),
            Err(why) => Err(Problem::Unusable(why.to_string())),
        }
    }

    /// Whether one of its user ids has the address.
    pub(crate) fn names(&self, address: &Address, now: Timestamp) -> bool {
        self.certificate.addresses(now).contains(address)
    }
}
