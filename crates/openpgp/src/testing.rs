//! Certificates of all kinds for the tests of this crate.

use std::io::Write as _;
use std::time::Duration;

use sealist_mail::{Boundary, Timestamp, compose};
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::serialize::stream::{Message, Signer};
use sequoia_openpgp::types::{KeyFlags, ReasonForRevocation, SignatureType};
use sequoia_openpgp::{Cert, Profile};

use crate::{Certificate, Limits, SignatureVerdict, armor, open};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Curve25519,
    Rsa,
    TwoEncryptionKeys,
    ExpiresInAnHour,
    SignOnly,
    Revoked,
    Version6,
}

/// A secret key for that address, made a day before `now`.
pub(crate) fn member(address: &str, kind: Kind, now: Timestamp) -> Cert {
    let created = now.plus_ms(-24 * 3600 * 1000).to_system_time();
    let encryption = || KeyFlags::empty().set_transport_encryption().set_storage_encryption();
    let mut builder = CertBuilder::new()
        .set_profile(if kind == Kind::Version6 { Profile::RFC9580 } else { Profile::RFC4880 })
        .unwrap()
        .set_cipher_suite(if kind == Kind::Rsa { CipherSuite::RSA2k } else { CipherSuite::Cv25519 })
        .set_creation_time(created)
        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
        .add_userid(format!("<{address}>"));
    if kind != Kind::SignOnly {
        builder = builder.add_subkey(encryption(), None, None);
    }
    if kind == Kind::TwoEncryptionKeys {
        builder = builder.add_subkey(encryption(), None, CipherSuite::P256);
    }
    if kind == Kind::ExpiresInAnHour {
        builder = builder.set_validity_period(Duration::from_secs(25 * 3600));
    }
    let (cert, _) = builder.generate().unwrap();
    if kind != Kind::Revoked {
        return cert;
    }
    let mut signer = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let revocation = sequoia_openpgp::cert::CertRevocationBuilder::new()
        .set_signature_creation_time(created)
        .unwrap()
        .set_reason_for_revocation(ReasonForRevocation::KeyCompromised, b"")
        .unwrap()
        .build(&mut signer, &cert, None)
        .unwrap();
    cert.insert_packets(revocation).unwrap().0
}

/// The verdict at `now` on a text that `secret` signs at `when`, where `known` is what is known of it.
pub(crate) fn signed_at(
    secret: &Cert,
    when: Timestamp,
    known: &Certificate,
    now: Timestamp,
) -> SignatureVerdict {
    let text = b"Content-Type: text/plain\r\n\r\nWords.\r\n";
    let pair = secret.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let mut packet = Vec::new();
    let signer =
        Signer::with_template(Message::new(&mut packet), pair, SignatureBuilder::new(SignatureType::Binary))
            .unwrap();
    let mut message = signer.creation_time(when.to_system_time()).detached().build().unwrap();
    message.write_all(text).unwrap();
    message.finalize().unwrap();
    let armor = armor::block("SIGNATURE", &packet);
    let entity = compose::signed(text, &armor, "pgp-sha512", &Boundary::from_entropy([8; 16]));
    let mail = [b"From: anne@example.org\r\n", &entity[..]].concat();
    let opened = open(&mail, &[], std::slice::from_ref(known), now, Limits::default());
    opened.signatures()[0].clone()
}
