//! Certificates of all kinds, for tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod acts;
pub mod bombs;
mod costly;
mod deflate;
pub mod heavy;
pub mod hostile;
mod life;
mod person;
pub mod twist;
pub mod verifications;

use std::time::Duration;

use sealist_mail::Timestamp;
use sequoia_openpgp::cert::{CertBuilder, CertRevocationBuilder, CipherSuite};
use sequoia_openpgp::types::{KeyFlags, ReasonForRevocation};
use sequoia_openpgp::{Cert, Profile};

pub use acts::Revoked;
pub use life::{Ends, stale_card};
pub use person::Person;

use crate::framing::Packets;
use crate::{armor, dearmor};

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Version 4, Ed25519 and Curve25519.
    Curve25519,
    /// Version 4, RSA of 2048 bits.
    Rsa,
    /// Two encryption subkeys: Curve25519 and NIST P-256.
    TwoEncryptionKeys,
    /// Two encryption subkeys, one of which expires in an hour.
    OneOfTwoEnds,
    /// Curve25519, expires in an hour.
    ExpiresInAnHour,
    /// Without an encryption subkey.
    SignOnly,
    /// Revoked as compromised.
    Revoked,
    /// ECDSA and ECDH over NIST P-256.
    NistP256,
    /// Version 6.
    Version6,
}

/// A public key in armor.
pub fn armored_key(binary: &[u8]) -> Vec<u8> {
    armor::block("PUBLIC KEY BLOCK", binary)
}

/// A secret key for that address, made a day before `now`.
pub(crate) fn member(address: &str, kind: Kind, now: Timestamp) -> Cert {
    let created = now.plus_ms(-24 * 3600 * 1000).to_system_time();
    let encryption = || KeyFlags::empty().set_transport_encryption().set_storage_encryption();
    let mut builder = CertBuilder::new()
        .set_profile(if kind == Kind::Version6 { Profile::RFC9580 } else { Profile::RFC4880 })
        .unwrap()
        .set_cipher_suite(match kind {
            Kind::Rsa => CipherSuite::RSA2k,
            Kind::NistP256 => CipherSuite::P256,
            _ => CipherSuite::Cv25519,
        })
        .set_creation_time(created)
        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
        .add_userid(format!("<{address}>"));
    if kind != Kind::SignOnly {
        builder = builder.add_subkey(encryption(), None, None);
    }
    if kind == Kind::TwoEncryptionKeys {
        builder = builder.add_subkey(encryption(), None, CipherSuite::P256);
    }
    if kind == Kind::OneOfTwoEnds {
        builder = builder.add_subkey(encryption(), Duration::from_secs(25 * 3600), None);
    }
    if kind == Kind::ExpiresInAnHour {
        builder = builder.set_validity_period(Duration::from_secs(25 * 3600));
    }
    let (cert, _) = builder.generate().unwrap();
    if kind != Kind::Revoked {
        return cert;
    }
    let mut signer = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let revocation = CertRevocationBuilder::new()
        .set_signature_creation_time(created)
        .unwrap()
        .set_reason_for_revocation(ReasonForRevocation::KeyCompromised, b"")
        .unwrap()
        .build(&mut signer, &cert, None)
        .unwrap();
    cert.insert_packets(revocation).unwrap().0
}

/// The packets of an armored or binary message: tag and body.
pub fn packets(message: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let binary = dearmor::to_binary(message, usize::MAX >> 1).unwrap_or_default();
    Packets::new(&binary).flatten().map(|packet| (packet.tag, packet.body.to_vec())).collect()
}

/// The packets of a detached signature in armor.
pub fn armored_signature(packets: &[u8]) -> Vec<u8> {
    armor::block("SIGNATURE", packets)
}

/// The packets of a message in armor.
pub fn armored(packets: &[u8]) -> Vec<u8> {
    armor::block("MESSAGE", packets)
}
