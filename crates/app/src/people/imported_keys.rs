//! The keys of an import: which key of a folder is meant for which person.

use std::collections::{BTreeSet, HashMap, HashSet};

use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, MergeError};

use crate::error::AppError;

/// The certificates of a folder, by their fingerprints and by the addresses that they name.
#[derive(Clone, Debug, Default)]
pub struct ImportedKeys {
    certificates: HashMap<String, NamedCertificate>,
    /// The fingerprints of the certificates that name an address.
    named: HashMap<String, BTreeSet<String>>,
}

/// A certificate with everything that its copies bring.
#[derive(Clone, Debug)]
struct NamedCertificate {
    certificate: Certificate,
    /// What any of the copies names. A user id that another copy revokes is among them, so that the admin is
    /// told about that key.
    names: BTreeSet<String>,
}

impl ImportedKeys {
    /// Takes the certificates of a file, armored or binary. Copies of one certificate are merged, so that no
    /// revocation is lost, whatever the order of the files is. Returns how many certificates there were. Errs
    /// if there was none, or if the copies together are too large.
    pub fn add(&mut self, file: &[u8], now: Timestamp) -> Result<usize, MergeError> {
        let certificates = Certificate::read(file)?;
        let count = certificates.len();
        for copy in certificates {
            let fingerprint = copy.fingerprint().to_string();
            let names: BTreeSet<String> = copy.addresses(now).iter().map(Address::key).collect();
            for name in &names {
                self.named.entry(name.clone()).or_default().insert(fingerprint.clone());
            }
            match self.certificates.get_mut(&fingerprint) {
                Some(known) => {
                    known.certificate = known.certificate.merge(&copy.to_bytes())?;
                    known.names.extend(names);
                }
                None => {
                    self.certificates.insert(fingerprint, NamedCertificate { certificate: copy, names });
                }
            }
        }
        Ok(count)
    }

    /// Whether there is no certificate at all.
    pub(super) fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// The certificate that is meant for an address of the people of the import; `None` if no certificate is.
    /// `known` is the fingerprint of the certificate that the address has: a copy of it is an update,
    /// whatever else is in the folder. Errs with the reason if nobody can say which certificate is meant, or
    /// for whom a certificate is meant: anybody can add any user id to a certificate of their own.
    pub(super) fn meant_for(
        &self,
        address: &Address,
        known: Option<&str>,
        people: &HashSet<String>,
    ) -> Result<Option<&Certificate>, String> {
        if let Some(update) = known.and_then(|fingerprint| self.certificates.get(fingerprint)) {
            return Ok(Some(&update.certificate));
        }
        let key = address.key();
        let mut named = self.named.get(&key).into_iter().flatten();
        let one = match (named.next(), named.count()) {
            (None, _) => return Ok(None),
            (Some(_), _) if known.is_some() => {
                return Err(AppError::HasOtherKey(address.to_string()).to_string());
            }
            (Some(one), 0) => &self.certificates[one],
            (Some(_), more) => {
                return Err(format!("{} keys name the address: import the right one alone", more + 1));
            }
        };
        match one.names.iter().find(|name| **name != key && people.contains(*name)) {
            None => Ok(Some(&one.certificate)),
            Some(other) => Err(format!(
                "the key also names {other}, who is in the file too, and it is not known whose key it is: \
                 `sealist keys import {address} FILE` gives it to this address"
            )),
        }
    }
}
