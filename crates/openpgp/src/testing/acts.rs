//! What people do with their secret keys: revoke, certify, change their keys.

use sealist_mail::Timestamp;
use sequoia_openpgp::Packet;
use sequoia_openpgp::cert::{CertRevocationBuilder, SubkeyRevocationBuilder, UserIDRevocationBuilder};
use sequoia_openpgp::packet::UserID;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::types::{ReasonForRevocation, SignatureType};

use super::Person;
use super::person::ONLY_IN_TESTS;
use crate::{Certificate, armor};

/// What a revocation revokes, and for which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The key, as compromised.
    Compromised,
    /// The key, as retired.
    Retired,
    /// The first subkey.
    Subkey,
    /// The user id.
    UserId,
}

impl Person {
    /// A revocation as people store it: an armored block with one signature.
    pub fn revocation(&self, what: Revoked, at: Timestamp) -> Vec<u8> {
        let (cert, mut signer, at) = (self.secret(), self.pair(), at.to_system_time());
        let retired = ReasonForRevocation::KeyRetired;
        let signature = match what {
            Revoked::Compromised | Revoked::Retired => {
                let compromised = ReasonForRevocation::KeyCompromised;
                let reason = if what == Revoked::Compromised { compromised } else { retired };
                CertRevocationBuilder::new()
                    .set_signature_creation_time(at)
                    .and_then(|builder| builder.set_reason_for_revocation(reason, b""))
                    .and_then(|builder| builder.build(&mut signer, cert, None))
            }
            Revoked::Subkey => {
                let subkey = cert.keys().subkeys().next().expect("a key with a subkey");
                SubkeyRevocationBuilder::new()
                    .set_signature_creation_time(at)
                    .and_then(|builder| builder.set_reason_for_revocation(retired, b""))
                    .and_then(|builder| builder.build(&mut signer, cert, subkey.key(), None))
            }
            Revoked::UserId => {
                let user_id = cert.userids().next().expect("a key with a user id").userid();
                UserIDRevocationBuilder::new()
                    .set_signature_creation_time(at)
                    .and_then(|builder| {
                        builder.set_reason_for_revocation(ReasonForRevocation::UIDRetired, b"")
                    })
                    .and_then(|builder| builder.build(&mut signer, cert, user_id, None))
            }
        };
        let packet = Packet::from(signature.expect(ONLY_IN_TESTS)).to_vec().expect(ONLY_IN_TESTS);
        armor::block("PUBLIC KEY BLOCK", &packet)
    }

    /// A list's certificate with the person's certification on its first user id.
    pub fn certified(&self, list: &Certificate, at: Timestamp) -> Vec<u8> {
        let user_id = list.cert().userids().next().expect("a list's key has a user id").userid().clone();
        let builder = SignatureBuilder::new(SignatureType::GenericCertification)
            .set_signature_creation_time(at.to_system_time())
            .expect(ONLY_IN_TESTS);
        let signature = user_id.bind(&mut self.pair(), list.cert(), builder).expect(ONLY_IN_TESTS);
        let packets: Vec<Packet> = vec![user_id.into(), signature.into()];
        let cert = list.cert().clone().insert_packets(packets).expect(ONLY_IN_TESTS).0;
        armor::block("PUBLIC KEY BLOCK", &cert.to_vec().expect(ONLY_IN_TESTS))
    }

    /// The same person with one more user id.
    pub fn also_named(&self, address: &str, at: Timestamp) -> Self {
        self.with_user_id(&format!("<{address}>"), at)
    }

    /// The same person with an additional user id.
    pub fn with_user_id(&self, user_id: &str, at: Timestamp) -> Self {
        let user_id = UserID::from(user_id);
        let builder = SignatureBuilder::new(SignatureType::PositiveCertification)
            .set_signature_creation_time(at.to_system_time())
            .expect(ONLY_IN_TESTS);
        let signature = user_id.bind(&mut self.pair(), self.secret(), builder).expect(ONLY_IN_TESTS);
        let packets: Vec<Packet> = vec![user_id.into(), signature.into()];
        let cert = self.secret().clone().insert_packets(packets).expect(ONLY_IN_TESTS).0;
        self.with(cert)
    }
}
