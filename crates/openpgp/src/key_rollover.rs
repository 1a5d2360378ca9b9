//! Replaces one key of a list by the next: the old key certifies the new one, and is later revoked as
//! superseded.

use sealist_mail::Timestamp;
use sequoia_openpgp::Packet;
use sequoia_openpgp::cert::CertRevocationBuilder;
use sequoia_openpgp::crypto::KeyPair;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::types::{ReasonForRevocation, SignatureType};

use crate::certificate::Certificate;
use crate::keys::{KeyError, ListKey};

impl ListKey {
    /// That certificate with this key's certification on its user ids. Errs if the key cannot sign.
    pub fn certify(&self, other: &Certificate, now: Timestamp) -> Result<Certificate, KeyError> {
        self.certified(other, now).map_err(|_| KeyError::Incomplete)
    }

    /// This key's certificate, revoked as superseded. Its earlier signatures stay valid. Errs if the key
    /// cannot sign.
    pub fn superseded(&self, now: Timestamp) -> Result<Certificate, KeyError> {
        self.revoked(now).map_err(|_| KeyError::Incomplete)
    }

    fn certified(&self, other: &Certificate, now: Timestamp) -> sequoia_openpgp::Result<Certificate> {
        let mut signer = self.primary()?;
        let mut packets = Vec::new();
        for user_id in other.cert().userids() {
            let signature = SignatureBuilder::new(SignatureType::GenericCertification)
                .set_signature_creation_time(now.to_system_time())?
                .sign_userid_binding(&mut signer, other.cert().primary_key().key(), user_id.userid())?;
            packets.extend([Packet::from(user_id.userid().clone()), signature.into()]);
        }
        Ok(Certificate::of(other.cert().clone().insert_packets(packets)?.0))
    }

    fn revoked(&self, now: Timestamp) -> sequoia_openpgp::Result<Certificate> {
        let certificate = self.certificate();
        let revocation = CertRevocationBuilder::new()
            .set_signature_creation_time(now.to_system_time())?
            .set_reason_for_revocation(ReasonForRevocation::KeySuperseded, b"the list has a newer key")?
            .build(&mut self.primary()?, certificate.cert(), None)?;
        Ok(Certificate::of(certificate.cert().clone().insert_packets(revocation)?.0))
    }

    fn primary(&self) -> sequoia_openpgp::Result<KeyPair> {
        self.cert().primary_key().key().clone().parts_into_secret()?.into_keypair()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Revocation, Unusable};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn key() -> ListKey {
        let address = |local: &str| format!("{local}@x.example").parse().unwrap();
        ListKey::generate("Team", &[address("team"), address("team-request")], NOW).unwrap()
    }

    #[test]
    fn the_old_key_vouches_for_the_new_one() {
        let (old, new) = (key(), key());
        let certified = old.certify(&new.certificate(), NOW.plus_ms(1000)).unwrap();
        let by = old.certificate();
        for user_id in certified.cert().userids() {
            let certifications: Vec<_> = user_id.certifications().collect();
            let [certification] = certifications[..] else { panic!("{certifications:?}") };
            let (key, of) = (by.cert().primary_key().key(), certified.cert().primary_key().key());
            assert!(certification.verify_userid_binding(key, of, user_id.userid()).is_ok());
        }
        assert_eq!(certified.cert().userids().count(), 2);
    }

    #[test]
    fn a_superseded_key_is_softly_revoked() {
        let old = key();
        let revoked = old.superseded(NOW.plus_ms(1000)).unwrap();
        assert!(old.belongs_to(&revoked));
        let later = NOW.plus_ms(2000);
        assert_eq!(revoked.usable(later).map(|_| ()), Err(Unusable::Revoked(Revocation::Soft)));
        let merged = old.certificate().merge(&revoked.to_bytes()).unwrap();
        assert!(merged.usable(later).is_err(), "who has the key learns of it");
    }
}
