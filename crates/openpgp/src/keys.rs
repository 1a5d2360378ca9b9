//! The secret keys of a list: the posting key and the storage key.

use sealist_mail::{Address, Timestamp};
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::crypto::KeyPair;
use sequoia_openpgp::packet::UserID;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::types::{Features, KeyFlags};
use sequoia_openpgp::{Cert, KeyID, Profile};
use zeroize::Zeroizing;

use crate::armor;
use crate::card::SealingCard;
use crate::certificate::Certificate;
use crate::fingerprint::Fingerprint;

/// The posting key: correspondents encrypt to it and see its signatures.
pub struct ListKey(SecretCertificate);

/// The key that a list's stored bodies are sealed to. Its certificate is never published. So no stored body
/// is a valid inbound message, and the posting key can be rotated independently.
pub struct StorageKey {
    secret: SecretCertificate,
    certificate: StorageCertificate,
}

/// The public part of a [`StorageKey`], which suffices to seal.
#[derive(Clone)]
pub struct StorageCertificate {
    certificate: Certificate,
    card: SealingCard,
}

/// Why a key file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The data is not exactly one OpenPGP key, armored or binary, with unprotected secret parts.
    #[error("this is no OpenPGP secret key without a passphrase")]
    NotASecretKey,
    /// The key cannot decrypt or sign.
    #[error("the key lacks a part that signs or a part that decrypts")]
    Incomplete,
    /// The public and secret parts do not match.
    #[error("the secret and the public part of the key do not match")]
    Inconsistent,
    /// The library could not generate a key.
    #[error("no key could be generated")]
    Generation,
}

/// A certificate with its secret parts. Sequoia keeps them encrypted in memory and zeroes them.
struct SecretCertificate {
    cert: Cert,
    signer: KeyPair,
    decryptors: Vec<(KeyID, KeyPair)>,
}

impl ListKey {
    /// Generates a key: v4, Ed25519 and Curve25519, SEIPDv1 only, without expiry. Its user ids are those
    /// addresses, the posting address first, with the list's display name.
    pub fn generate(name: &str, addresses: &[Address], now: Timestamp) -> Result<Self, KeyError> {
        let user_ids: Vec<UserID> = addresses.iter().map(|address| user_id(name, address)).collect();
        SecretCertificate::generate(&user_ids, now).map(Self)
    }

    /// Parses a key file and checks that its secret and public parts match.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        SecretCertificate::read(bytes).map(Self)
    }

    /// The armored secret key, for the key file.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.0.to_bytes()
    }

    /// The certificate for correspondents.
    pub fn certificate(&self) -> Certificate {
        Certificate::of(self.0.cert.clone())
    }

    /// The fingerprint of the certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0.cert.fingerprint())
    }

    /// Whether `certificate` is the public part of this key: the same primary key and the same subkeys.
    pub fn belongs_to(&self, certificate: &Certificate) -> bool {
        self.0.belongs_to(certificate)
    }

    pub(crate) fn signer(&self) -> KeyPair {
        self.0.signer.clone()
    }

    /// The certificate with its secret parts.
    pub(crate) fn cert(&self) -> &Cert {
        &self.0.cert
    }

    pub(crate) fn decryptors(&self) -> &[(KeyID, KeyPair)] {
        &self.0.decryptors
    }
}

impl StorageKey {
    /// Generates a key for the list of that name.
    pub fn generate(list: &str, now: Timestamp) -> Result<Self, KeyError> {
        SecretCertificate::generate(&[UserID::from(format!("Sealist storage key of {list}"))], now)
            .and_then(Self::of)
    }

    /// Parses a key file and checks that its secret and public parts match.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        SecretCertificate::read(bytes).and_then(Self::of)
    }

    /// The armored secret key, for the key file.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.secret.to_bytes()
    }

    /// The public part.
    pub fn certificate(&self) -> StorageCertificate {
        self.certificate.clone()
    }

    /// Whether `certificate` is the public part of this key: the same primary key and the same subkeys.
    pub fn belongs_to(&self, certificate: &Certificate) -> bool {
        self.secret.belongs_to(certificate)
    }

    fn of(secret: SecretCertificate) -> Result<Self, KeyError> {
        let certificate = Certificate::of(secret.cert.clone());
        // The key is judged at its creation time, because a storage key has no expiry and everything sealed
        // to it must stay readable.
        let created = Timestamp::from_system_time(secret.cert.primary_key().key().creation_time());
        let card = certificate.usable(created).map_err(|_| KeyError::Incomplete)?;
        Ok(Self { secret, certificate: StorageCertificate { certificate, card } })
    }

    pub(crate) fn decryptors(&self) -> &[(KeyID, KeyPair)] {
        &self.secret.decryptors
    }
}

impl StorageCertificate {
    /// The certificate, for the key's row in the database.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(crate) fn card(&self) -> &SealingCard {
        &self.card
    }
}

impl SecretCertificate {
    fn generate(user_ids: &[UserID], now: Timestamp) -> Result<Self, KeyError> {
        Self::build(user_ids, now).map_err(|_| KeyError::Generation).and_then(Self::of)
    }

    fn build(user_ids: &[UserID], now: Timestamp) -> sequoia_openpgp::Result<Cert> {
        let features = Features::empty().set_seipdv1();
        let mut builder = CertBuilder::new()
            .set_profile(Profile::RFC4880)?
            .set_features(features)?
            .set_cipher_suite(CipherSuite::Cv25519)
            .set_creation_time(now.to_system_time())
            .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing());
        for user_id in user_ids {
            builder = builder.add_userid(user_id.clone());
        }
        let encryption = KeyFlags::empty().set_transport_encryption().set_storage_encryption();
        Ok(builder.add_subkey(encryption, None, None).generate()?.0)
    }

    fn read(bytes: &[u8]) -> Result<Self, KeyError> {
        let cert = Cert::from_bytes(bytes).map_err(|_| KeyError::NotASecretKey)?;
        Self::of(cert).and_then(|secret| secret.check().map(|()| secret))
    }

    fn of(cert: Cert) -> Result<Self, KeyError> {
        if cert.keys().unencrypted_secret().next().is_none() {
            return Err(KeyError::NotASecretKey);
        }
        let policy = StandardPolicy::new();
        let pair =
            |key: sequoia_openpgp::packet::Key<_, _>| key.into_keypair().map_err(|_| KeyError::NotASecretKey);
        let mut signer = None;
        let mut decryptors = Vec::new();
        // The key is judged without a time, because an expired list key still opens old mail.
        let valid = cert.with_policy(&policy, None).map_err(|_| KeyError::Incomplete)?;
        for key in valid.keys().unencrypted_secret().supported() {
            if key.for_signing() && signer.is_none() {
                signer = Some(pair(key.key().clone())?);
            }
            if key.for_transport_encryption() || key.for_storage_encryption() {
                decryptors.push((key.key().keyid(), pair(key.key().clone())?));
            }
        }
        let signer = signer.ok_or(KeyError::Incomplete)?;
        if decryptors.is_empty() {
            return Err(KeyError::Incomplete);
        }
        Ok(Self { cert, signer, decryptors })
    }

    /// Signs, verifies, encrypts and decrypts once. A key whose public part was exchanged would leak its
    /// secret at its first use ("Victory by KO").
    fn check(&self) -> Result<(), KeyError> {
        use sequoia_openpgp::crypto::{Decryptor as _, SessionKey, Signer as _};
        use sequoia_openpgp::types::HashAlgorithm;
        let digest = [0x5a; 64];
        let mut signer = self.signer.clone();
        let signature = signer.sign(HashAlgorithm::SHA512, &digest).map_err(|_| KeyError::Inconsistent)?;
        signer
            .public()
            .verify(&signature, HashAlgorithm::SHA512, &digest)
            .map_err(|_| KeyError::Inconsistent)?;
        for (_, pair) in &self.decryptors {
            let mut pair = pair.clone();
            let secret = SessionKey::from(vec![7; 16]);
            let sealed = pair.public().encrypt(&secret).map_err(|_| KeyError::Inconsistent)?;
            let opened = pair.decrypt(&sealed, Some(secret.len())).map_err(|_| KeyError::Inconsistent)?;
            if opened.as_ref() != secret.as_ref() {
                return Err(KeyError::Inconsistent);
            }
        }
        Ok(())
    }

    fn belongs_to(&self, certificate: &Certificate) -> bool {
        let keys = |cert: &Cert| cert.keys().map(|key| key.key().fingerprint()).collect::<Vec<_>>();
        keys(&self.cert) == keys(certificate.cert())
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let binary = Zeroizing::new(self.cert.as_tsk().to_vec().expect("a parsed key can be written"));
        Zeroizing::new(armor::block("PRIVATE KEY BLOCK", &binary))
    }
}

fn user_id(name: &str, address: &Address) -> UserID {
    let name: String = name.chars().filter(|c| !c.is_control() && !"<>()@,;:\\\"[]".contains(*c)).collect();
    match name.trim() {
        "" => UserID::from(address.to_string()),
        name => UserID::from(format!("{name} <{address}>")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sequoia_openpgp::cert::Preferences as _;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn key() -> ListKey {
        ListKey::generate(
            "Team",
            &["team", "team-request"].map(|local| format!("{local}@x.example").parse().unwrap()),
            NOW,
        )
        .unwrap()
    }

    #[test]
    fn a_list_key_is_what_all_clients_can_use() {
        let key = key();
        let cert = key.certificate();
        assert_eq!(cert.addresses(NOW).len(), 2);
        assert_eq!(cert.fingerprint().to_string().len(), 40, "version 4");
        let policy = StandardPolicy::new();
        let valid = cert.cert().with_policy(&policy, NOW.to_system_time()).unwrap();
        let primary = valid.primary_userid().unwrap();
        assert_eq!(primary.userid().value(), b"Team <team@x.example>");
        let features = valid.features().unwrap();
        assert!(features.supports_seipdv1() && !features.supports_seipdv2());
        assert!(valid.primary_key().key_expiration_time().is_none());
        assert!(cert.usable(NOW).is_ok());
    }

    #[test]
    fn a_key_file_is_read_again() {
        let key = key();
        let read = ListKey::from_secret_bytes(&key.to_secret_bytes()).unwrap();
        assert_eq!(read.fingerprint(), key.fingerprint());
        let stored = Certificate::from_stored(&key.certificate().to_bytes()).unwrap();
        assert!(read.belongs_to(&stored));
        let other = ListKey::generate("", &["a@x.example".parse().unwrap()], NOW);
        assert!(!read.belongs_to(&other.unwrap().certificate()));
    }

    #[test]
    fn public_and_foreign_parts_are_refused() {
        let read = |bytes: &[u8]| ListKey::from_secret_bytes(bytes).err();
        assert_eq!(read(&key().certificate().armored()), Some(KeyError::NotASecretKey));
        assert_eq!(read(b"rubbish"), Some(KeyError::NotASecretKey));
    }
}
