//! Certificates: the public side of a person's or list's key.

use std::fmt;

use sealist_mail::{Address, Timestamp};
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::types::RevocationStatus;

use crate::armor;
use crate::card::SealingCard;
use crate::dearmor;
use crate::filter::{FoundCertificates, UnreadableCertificate};
use crate::fingerprint::Fingerprint;
use crate::pkesk;
use crate::unusable::{self, Unusable};
use crate::verification_cost::Allowance;

/// The largest input in octets, without armor.
pub(crate) const MAX_INPUT_OCTETS: usize = 16 * 1024 * 1024;
/// The most certificates in one input.
pub(crate) const MAX_CERTIFICATES: usize = 100;

/// A certificate that was filtered and parsed. Whether it can be used depends on a time.
#[derive(Clone)]
pub struct Certificate {
    cert: Cert,
}

/// Why data contains no certificate that we accept. Each error is one plain sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The data is not an OpenPGP public key, armored or binary.
    #[error("this is no OpenPGP public key")]
    NotACertificate,
    /// The data is an archive. Its content is not read.
    #[error("this is a packed file: unpack it")]
    Archive,
    /// The data is a secret key, which must not be sent to anybody.
    #[error("this holds a secret key: send the public key only")]
    SecretKey,
    /// The key has version 3 (before 1998) or 5 (a GnuPG draft).
    #[error("keys of version {version} cannot be used: make a new one")]
    Version {
        /// The version.
        version: u8,
    },
    /// The algorithm is unknown, or a number in the key is too expensive to use.
    #[error("the key uses an algorithm or a size that is not supported here: make a new one")]
    NotSupported,
    /// One key is asked for, but there are several.
    #[error("this holds several keys: send one")]
    Several,
    /// The certificate exceeds the limits even without third-party signatures.
    #[error("the key is too large")]
    TooLarge,
    /// Even the newest self-signatures take too long to verify.
    #[error("the keys have more parts than can be checked: send one key without its old parts")]
    TooCostly,
}

fn binary(data: &[u8]) -> Result<Vec<u8>, CertificateError> {
    dearmor::keys_to_binary(data, MAX_INPUT_OCTETS).ok_or(CertificateError::NotACertificate)
}

impl Certificate {
    /// All certificates in a file of the admin, armored or binary, filtered before they are parsed.
    /// Duplicates are merged. Each certificate may cost as much as all keys of one message. (Data of
    /// strangers is parsed by [`crate::KeyMaterial`].)
    pub fn read(data: &[u8]) -> Result<Vec<Self>, CertificateError> {
        Self::in_binary(&binary(data)?, MAX_CERTIFICATES)
    }

    /// The only certificate in the data.
    pub fn read_one(data: &[u8]) -> Result<Self, CertificateError> {
        let mut all = Self::in_binary(&binary(data)?, 1)?.into_iter();
        all.next().ok_or(CertificateError::NotACertificate)
    }

    fn in_binary(binary: &[u8], most: usize) -> Result<Vec<Self>, CertificateError> {
        let mut found = FoundCertificates::default();
        found.add(binary, MAX_CERTIFICATES)?;
        if found.len() > most {
            return Err(CertificateError::Several);
        }
        let mut allowance = Allowance::of_keys(found.len());
        found.into_kept(&mut allowance).into_iter().map(|one| Self::parse(&one?)).collect()
    }

    /// The certificate with that fingerprint in data from anybody. `None` if the data contains only others.
    pub fn find(data: &[u8], fingerprint: &Fingerprint) -> Result<Option<Self>, CertificateError> {
        let binary = binary(data)?;
        let mut found = FoundCertificates::default();
        found.add(&binary, MAX_CERTIFICATES)?;
        found.keep_only(fingerprint);
        let kept = found.into_kept(&mut Allowance::whole()).into_iter().next();
        kept.map(|one| Self::parse(&one?)).transpose()
    }

    pub(crate) fn parse(binary: &[u8]) -> Result<Self, CertificateError> {
        let cert = Cert::from_bytes(binary).map_err(|_| CertificateError::NotACertificate)?;
        Self::own(&cert)
    }

    /// Parses the output of [`Self::to_bytes`], without limits and filter.
    pub fn from_stored(stored: &[u8]) -> Result<Self, CertificateError> {
        Cert::from_bytes(stored).map(|cert| Self { cert }).map_err(|_| CertificateError::NotACertificate)
    }

    /// Checks that the certificate can be serialized. Some subpackets can be parsed but not serialized.
    pub(crate) fn writable(cert: Cert) -> Result<Self, CertificateError> {
        cert.to_vec().map_err(|_| CertificateError::NotACertificate)?;
        Ok(Self { cert })
    }

    pub(crate) fn of(cert: Cert) -> Self {
        Self { cert: cert.strip_secret_key_material() }
    }

    pub(crate) fn cert(&self) -> &Cert {
        &self.cert
    }

    /// The fingerprint of the primary key.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.cert.fingerprint())
    }

    /// The user ids as text, valid or not, for display.
    pub fn user_ids(&self) -> Vec<String> {
        self.cert.userids().map(|u| String::from_utf8_lossy(u.userid().value()).into_owned()).collect()
    }

    /// The addresses of the user ids that are bound and not revoked at that time.
    pub fn addresses(&self, now: Timestamp) -> Vec<Address> {
        let policy = StandardPolicy::new();
        let Ok(valid) = self.cert.with_policy(&policy, now.to_system_time()) else {
            return Vec::new();
        };
        valid
            .userids()
            .filter(|u| !matches!(u.revocation_status(), RevocationStatus::Revoked(_)))
            .filter_map(|u| u.userid().email().ok().flatten()?.parse().ok())
            .collect()
    }

    /// The name in a user id that has that address and is bound and not revoked at that time.
    pub fn name_of(&self, address: &Address, now: Timestamp) -> Option<String> {
        let policy = StandardPolicy::new();
        let valid = self.cert.with_policy(&policy, now.to_system_time()).ok()?;
        let named = |email: &str| email.parse::<Address>().is_ok_and(|named| named == *address);
        valid
            .userids()
            .filter(|u| !matches!(u.revocation_status(), RevocationStatus::Revoked(_)))
            .filter(|u| u.userid().email().ok().flatten().is_some_and(named))
            .find_map(|u| u.userid().name().ok().flatten().map(str::to_owned))
    }

    /// Whether a user id has the address, valid or not.
    pub fn mentions(&self, address: &Address) -> bool {
        let named = |text: &str| text.parse::<Address>().is_ok_and(|named| named == *address);
        self.cert.userids().any(|u| u.userid().email().ok().flatten().is_some_and(named))
    }

    /// The sealing card, if the key can encrypt and sign at that time.
    pub fn usable(&self, now: Timestamp) -> Result<SealingCard, Unusable> {
        SealingCard::of(&self.cert, now, pkesk::can_wrap)
    }

    /// When the primary key expires, according to the self-signatures that are valid at that time.
    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        let policy = StandardPolicy::new();
        let valid = self.cert.with_policy(&policy, now.to_system_time()).ok()?;
        valid.primary_key().key_expiration_time().map(Timestamp::from_system_time)
    }

    /// The fingerprints of the subkeys that the holder must extend together with the key at that time.
    pub fn subkeys_to_prolong(&self, now: Timestamp) -> Vec<Fingerprint> {
        unusable::to_prolong(&self.cert, now)
    }

    /// The binary form, for the database.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.cert.to_vec().expect("it could when it was read, or we made it")
    }

    /// ASCII armor with CRLF line ends, for people.
    pub fn armored(&self) -> Vec<u8> {
        armor::block("PUBLIC KEY BLOCK", &self.to_bytes())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.fingerprint())
    }
}

impl From<UnreadableCertificate> for CertificateError {
    fn from(unfit: UnreadableCertificate) -> Self {
        match unfit {
            UnreadableCertificate::Framing => Self::NotACertificate,
            UnreadableCertificate::SecretKey => Self::SecretKey,
            UnreadableCertificate::Version(version) => Self::Version { version },
            UnreadableCertificate::Size => Self::NotSupported,
            UnreadableCertificate::TooLarge => Self::TooLarge,
            UnreadableCertificate::TooCostly => Self::TooCostly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Kind, member};

    #[test]
    fn what_cannot_be_written_is_dropped() {
        let now = Timestamp(1_790_000_000_000);
        let mut bytes = Certificate::of(member("anne@example.org", Kind::Curve25519, now)).to_bytes();
        // An issuer fingerprint of an unknown version can be parsed but not serialized.
        let at = bytes.windows(3).position(|octets| octets == [0x16, 0x21, 4]).unwrap();
        bytes[at + 2] = 9;
        let read = Certificate::read_one(&bytes).unwrap();
        assert!(read.to_bytes().len() < bytes.len());
    }
}
