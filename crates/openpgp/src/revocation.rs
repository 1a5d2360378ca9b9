//! Hard and soft revocations ([RFC 9580, section 5.2.3.31]).

use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::types::{RevocationStatus, RevocationType};

/// What a revocation means for the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Retired or replaced: earlier signatures stay valid, and a newer self-signature cancels the revocation.
    Soft,
    /// Compromised, or without a reason: no signature of the key is valid, and the revocation cannot be
    /// cancelled.
    Hard,
}

impl Revocation {
    /// The kind of a revocation by the key itself. `None`: there is none, or only a third party claims one.
    pub(crate) fn of(status: &RevocationStatus<'_>) -> Option<Self> {
        match status {
            RevocationStatus::Revoked(signatures) => Some(Self::worst(signatures)),
            _ => None,
        }
    }

    pub(crate) fn worst(signatures: &[&Signature]) -> Self {
        let soft = |signature: &&Signature| {
            let reason = signature.reason_for_revocation();
            reason.is_some_and(|(reason, _)| reason.revocation_type() == RevocationType::Soft)
        };
        if signatures.iter().all(soft) { Self::Soft } else { Self::Hard }
    }

    /// One plain sentence without its full stop.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Soft => "the key was retired by its owner",
            Self::Hard => "the key is revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use sealist_mail::Timestamp;
    use sequoia_openpgp::cert::{CertRevocationBuilder, SubkeyRevocationBuilder};
    use sequoia_openpgp::crypto::KeyPair;
    use sequoia_openpgp::packet::signature::SignatureBuilder;
    use sequoia_openpgp::serialize::SerializeInto as _;
    use sequoia_openpgp::types::ReasonForRevocation;
    use sequoia_openpgp::{Cert, Packet};

    use super::Revocation::{Hard, Soft};
    use crate::certificate::Certificate;
    use crate::merge::MergeError;
    use crate::testing::{Kind, Person, member};
    use crate::unusable::Unusable;
    use crate::{Limits, SignatureVerdict, armor, open};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn hour(hour: i64) -> Timestamp {
        NOW.plus_ms(hour * 3_600_000)
    }

    fn at(hours: i64) -> SystemTime {
        hour(hours).to_system_time()
    }

    fn signer(cert: &Cert) -> KeyPair {
        cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap()
    }

    fn revoked(cert: &Cert, when: SystemTime, reason: ReasonForRevocation) -> Vec<Packet> {
        let builder = CertRevocationBuilder::new().set_signature_creation_time(when).unwrap();
        let builder = builder.set_reason_for_revocation(reason, b"").unwrap();
        vec![builder.build(&mut signer(cert), cert, None).unwrap().into()]
    }

    fn renewed(cert: &Cert, when: SystemTime) -> Vec<Packet> {
        let user_id = cert.userids().next().unwrap();
        let old = user_id.self_signatures().next().unwrap().clone();
        let builder = SignatureBuilder::from(old).set_signature_creation_time(when).unwrap();
        let new = user_id.userid().bind(&mut signer(cert), cert, builder).unwrap();
        vec![user_id.userid().clone().into(), new.into()]
    }

    fn certificate_with(cert: &Cert, packets: Vec<Packet>) -> Vec<u8> {
        cert.clone().insert_packets(packets).unwrap().0.strip_secret_key_material().to_vec().unwrap()
    }

    fn loose(packets: Vec<Packet>) -> Vec<u8> {
        packets.iter().flat_map(|packet| packet.to_vec().unwrap()).collect()
    }

    /// Verifies at nine o'clock a text that was signed at `when`.
    fn verdict(person: &Person, when: Timestamp, known: &Certificate) -> SignatureVerdict {
        let text = b"Content-Type: text/plain\r\n\r\nWords.\r\n";
        let mail = person.mail_signed(text, &person.signature(text, when));
        let opened = open(&mail, &[], std::slice::from_ref(known), hour(9), Limits::default());
        opened.signatures()[0].clone()
    }

    /// Retired at one o'clock, cancelled at three, compromised at five, "cancelled" at seven: the verdict for
    /// each state of knowledge and each signing time.
    #[test]
    fn the_ladder_of_revocations() {
        let person = Person::new("anne@example.org", Kind::Curve25519, NOW);
        let anne = person.secret().clone();
        let mut known = person.certificate();
        let check = |known: &Certificate, expected: [Option<super::Revocation>; 5]| {
            for (hours, expected) in [0, 2, 4, 6, 8].into_iter().zip(expected) {
                let usable = known.usable(hour(hours)).map(|_| ());
                assert_eq!(usable, expected.map_or(Ok(()), |r| Err(Unusable::Revoked(r))), "{hours} o'clock");
                let verdict = verdict(&person, hour(hours), known);
                match expected {
                    None => assert!(matches!(verdict, SignatureVerdict::Good(_)), "{hours}: {verdict:?}"),
                    Some(kind) => assert_eq!(verdict, SignatureVerdict::Revoked(kind), "{hours} o'clock"),
                }
            }
        };
        check(&known, [None; 5]);
        let retired = revoked(&anne, at(1), ReasonForRevocation::KeyRetired);
        known = known.merge(&armor::block("PUBLIC KEY BLOCK", &loose(retired))).unwrap();
        check(&known, [None, Some(Soft), Some(Soft), Some(Soft), Some(Soft)]);
        known = known.merge(&certificate_with(&anne, renewed(&anne, at(3)))).unwrap();
        check(&known, [None, Some(Soft), None, None, None]);
        let compromised = revoked(&anne, at(5), ReasonForRevocation::KeyCompromised);
        known = known.merge(&loose(compromised)).unwrap();
        check(&known, [Some(Hard); 5]);
        known = known.merge(&certificate_with(&anne, renewed(&anne, at(7)))).unwrap();
        check(&known, [Some(Hard); 5]);
        // Known revocations stay: an old export removes nothing, and the stored form loses nothing.
        known = known.merge(&Certificate::of(anne.clone()).armored()).unwrap();
        known = Certificate::from_stored(&known.to_bytes()).unwrap();
        check(&known, [Some(Hard); 5]);
    }

    /// Somebody who stole the key makes soft revocations and a newer self-signature. The hard revocation
    /// stays.
    #[test]
    fn nothing_pushes_a_hard_revocation_out() {
        let anne = member("anne@example.org", Kind::Curve25519, NOW);
        let hard = loose(revoked(&anne, at(0), ReasonForRevocation::KeyCompromised));
        let mut before = Certificate::of(anne.clone()).merge(&hard).unwrap();
        let mut after = Certificate::of(anne.clone());
        for hours in 1..12 {
            let soft = loose(revoked(&anne, at(hours), ReasonForRevocation::KeyRetired));
            before = before.merge(&soft).unwrap_or(before);
            after = after.merge(&soft).unwrap_or(after);
        }
        after = after.merge(&hard).unwrap();
        for known in [before, after] {
            let known = known.merge(&certificate_with(&anne, renewed(&anne, at(13)))).unwrap();
            assert_eq!(known.usable(hour(14)).map(|_| ()), Err(Unusable::Revoked(Hard)));
        }
    }

    /// Anybody can add unsigned data. It is dropped and takes no room from a revocation.
    #[test]
    fn what_is_not_signed_takes_no_room() {
        use sequoia_openpgp::packet::signature::subpacket::{Subpacket, SubpacketTag, SubpacketValue};
        let anne = member("anne@example.org", Kind::Curve25519, NOW);
        let known = Certificate::of(anne.clone());
        let stuffed = known.cert().clone().into_packets().map(|packet| match packet {
            Packet::Signature(mut signature) => {
                let body = vec![0; 60_000];
                let noise = SubpacketValue::Unknown { tag: SubpacketTag::Private(100), body };
                signature.unhashed_area_mut().add(Subpacket::new(noise, false).unwrap()).unwrap();
                signature.into()
            }
            other => other,
        });
        let stuffed: Vec<u8> = stuffed.flat_map(|packet| packet.to_vec().unwrap()).collect();
        assert!(stuffed.len() > 150_000);
        let merged = known.merge(&stuffed).unwrap();
        assert_eq!(merged.to_bytes().len(), known.to_bytes().len());
        let hard = loose(revoked(&anne, at(0), ReasonForRevocation::KeyCompromised));
        assert_eq!(merged.merge(&hard).unwrap().usable(hour(1)).map(|_| ()), Err(Unusable::Revoked(Hard)));
    }

    #[test]
    fn a_revoked_subkey_leaves_the_others() {
        let anne = member("anne@example.org", Kind::TwoEncryptionKeys, NOW);
        let known = Certificate::of(anne.clone());
        assert_eq!(known.usable(NOW).unwrap().keys().count(), 2);
        let revoke = |subkey: usize| {
            let subkey = anne.keys().subkeys().nth(subkey).unwrap();
            let builder = SubkeyRevocationBuilder::new().set_signature_creation_time(at(0)).unwrap();
            let builder = builder.set_reason_for_revocation(ReasonForRevocation::KeyRetired, b"").unwrap();
            loose(vec![builder.build(&mut signer(&anne), &anne, subkey.key(), None).unwrap().into()])
        };
        let one = known.merge(&revoke(0)).unwrap();
        assert_eq!(one.usable(hour(1)).unwrap().keys().count(), 1);
        let none = one.merge(&revoke(1)).unwrap();
        assert_eq!(none.usable(hour(1)), Err(Unusable::NoEncryptionKey));
    }

    #[test]
    fn nothing_is_taken_that_the_key_did_not_sign() {
        let (anne, eve) = (
            member("anne@example.org", Kind::Curve25519, NOW),
            member("anne@example.org", Kind::Curve25519, NOW),
        );
        let known = Certificate::of(anne.clone());
        let check = |data: &[u8], expected: MergeError| {
            assert_eq!(known.merge(data).map(|merged| merged.to_bytes()), Err(expected));
        };
        let by_eve = revoked(&eve, at(1), ReasonForRevocation::KeyCompromised);
        check(&loose(by_eve), MergeError::Unverified);
        check(&Certificate::of(eve.clone()).to_bytes(), MergeError::OtherKey);
        check(b"words", MergeError::Unreadable(crate::CertificateError::NotACertificate));

        // Eve's subkey and user id under Anne's primary key, as a keyserver would return them.
        let stolen: Vec<Packet> = eve.clone().into_packets().skip(1).collect();
        let merged = known.merge(&certificate_with(&anne, stolen)).unwrap();
        assert_eq!(merged.to_bytes(), known.to_bytes());
    }
}
