//! Certifications of a list's key by its members.
//!
//! Members send the list's key back with their signatures on its user ids. Only signatures by the member's
//! primary key on existing user ids are accepted: the newest one per member, of limited size, and without
//! unsigned subpackets. Otherwise anybody could add octets until programs refuse the list's key.

use sealist_mail::Timestamp;
use sequoia_openpgp::packet::signature::subpacket::{SubpacketArea, SubpacketTag};
use sequoia_openpgp::packet::{Signature, UserID};
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy as _, StandardPolicy};
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::{Cert, KeyID, Packet};

use crate::certificate::{Certificate, CertificateError};
use crate::dearmor;
use crate::filter::{self, UnreadableCertificate};
use crate::limits::MAX_CERTIFICATE_OCTETS;
use crate::verification_cost::Allowance;

/// The most certifications that a list's key keeps.
const MAX_CERTIFICATIONS: usize = 256;
/// The most certifications in the name of one member that are verified per user id, until one is valid.
const MAX_TRIED: usize = 16;
/// The largest certification in octets, without unsigned subpackets.
const MAX_CERTIFICATION_OCTETS: usize = 8 * 1024;
/// The largest list key in octets, with all certifications.
const MAX_CERTIFIED_OCTETS: usize = 128 * 1024;

/// Why no certification is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCertified {
    /// A secret key.
    #[error("this holds a secret key: send the public key only")]
    SecretKey,
    /// The data has no key, several keys, or one that is too large.
    #[error("this is no OpenPGP public key")]
    Unreadable,
    /// The key is not the list's.
    #[error("this is another key")]
    OtherKey,
    /// Only the list itself signed the user ids.
    #[error("nobody signed a user id")]
    NoSignedUserIds,
    /// There is no new certification by that member.
    #[error("there is no new signature of yours")]
    NothingNew,
}

impl Certificate {
    /// This certificate (a list's) with the certifications that `by` made on its user ids in `data`, armored
    /// or binary.
    pub fn certified_by(&self, by: &Self, data: &[u8], now: Timestamp) -> Result<Self, NotCertified> {
        let sent = read(data)?;
        if sent.fingerprint() != self.cert().fingerprint() {
            return Err(NotCertified::OtherKey);
        }
        if sent.userids().all(|user_id| user_id.certifications().next().is_none()) {
            return Err(NotCertified::NoSignedUserIds);
        }
        let before = self.clean();
        let mut kept = before.clone();
        for own in self.cert().userids() {
            let same = sent.userids().filter(|user_id| user_id.userid() == own.userid());
            let mut theirs: Vec<&Signature> = same.flat_map(|same| same.certifications()).collect();
            theirs.retain(|signature| is_named(signature, by));
            theirs.sort_by_key(|signature| std::cmp::Reverse(signature.signature_creation_time()));
            let mut newest = theirs.into_iter().take(MAX_TRIED);
            let good = newest.find(|signature| self.is_by(signature, by, own.userid(), now));
            kept.extend(good.and_then(|signature| Some((own.userid().clone(), bare(signature)?))));
        }
        let kept = newest(kept);
        if kept == newest(before) && kept.len() == self.certifications() && self.is_clean() {
            return Err(NotCertified::NothingNew);
        }
        let certified = self.with(kept).ok_or(NotCertified::NothingNew)?;
        let fits = certified.certifications() <= MAX_CERTIFICATIONS
            && certified.to_bytes().len() <= MAX_CERTIFIED_OCTETS;
        if fits { Ok(certified) } else { Err(NotCertified::NothingNew) }
    }

    /// This certificate without certifications by others.
    pub fn without_certifications(&self) -> Result<Self, CertificateError> {
        Self::own(self.cert())
    }

    fn with(&self, certifications: Vec<(UserID, Signature)>) -> Option<Self> {
        let own = self.without_certifications().ok()?;
        let packets: Vec<Packet> =
            certifications.into_iter().flat_map(|(user_id, one)| [user_id.into(), one.into()]).collect();
        let (cert, _) = own.cert().clone().insert_packets(packets).ok()?;
        Self::writable(cert).ok()
    }

    /// The certifications by others, without unsigned subpackets and without those that are too large.
    fn clean(&self) -> Vec<(UserID, Signature)> {
        let each = self.cert().userids().flat_map(|own| {
            own.certifications().filter_map(move |one| Some((own.userid().clone(), bare(one)?)))
        });
        each.collect()
    }

    fn is_clean(&self) -> bool {
        self.cert().userids().all(|own| {
            own.certifications()
                .all(|one| bare(one).is_some_and(|bare| bare.unhashed_area() == one.unhashed_area()))
        })
    }

    /// The number of certifications by others.
    pub fn certifications(&self) -> usize {
        self.cert().userids().map(|user_id| user_id.certifications().count()).sum()
    }

    fn is_by(&self, signature: &Signature, by: &Self, user_id: &UserID, now: Timestamp) -> bool {
        let signer = by.cert().primary_key().key();
        let policy = StandardPolicy::new();
        is_named(signature, by)
            && policy.signature(signature, HashAlgoSecurity::CollisionResistance).is_ok()
            && bare(signature).is_some()
            && signature.signature_alive(now.to_system_time(), None).is_ok()
            && signature.verify_userid_binding(signer, self.cert().primary_key().key(), user_id).is_ok()
    }
}

/// The newest certification per user id and issuer.
fn newest(mut all: Vec<(UserID, Signature)>) -> Vec<(UserID, Signature)> {
    let made = |one: &Signature| one.signature_creation_time();
    let issuer =
        |one: &Signature| one.get_issuers().into_iter().next().map(|issuer| KeyID::from(issuer).to_hex());
    all.sort_by(|(a_id, a), (b_id, b)| {
        (a_id, issuer(a), made(b), b.mpis()).cmp(&(b_id, issuer(b), made(a), a.mpis()))
    });
    all.dedup_by(|(b_id, b), (a_id, a)| a_id == b_id && issuer(a) == issuer(b));
    all
}

/// The certification with only the issuer as unsigned data. `None` if it is still too large.
fn bare(signature: &Signature) -> Option<Signature> {
    use SubpacketTag::{Issuer, IssuerFingerprint};
    let mut bare = signature.clone();
    let named =
        signature.unhashed_area().iter().filter(|one| matches!(one.tag(), Issuer | IssuerFingerprint));
    *bare.unhashed_area_mut() = SubpacketArea::new(named.take(2).cloned().collect()).ok()?;
    (Packet::from(bare.clone()).to_vec().ok()?.len() <= MAX_CERTIFICATION_OCTETS).then_some(bare)
}

/// Whether the signature claims to be by that key.
fn is_named(signature: &Signature, by: &Certificate) -> bool {
    let signer = by.cert().primary_key().key();
    signature.get_issuers().iter().any(|issuer| issuer.aliases(signer.key_handle()))
}

/// Parses one certificate with the signatures by others.
fn read(data: &[u8]) -> Result<Cert, NotCertified> {
    let binary = dearmor::to_binary(data, MAX_CERTIFICATE_OCTETS).ok_or(NotCertified::Unreadable)?;
    match filter::certificates(&binary, 1, &mut Allowance::whole()) {
        Ok(found) if found.len() == 1 => {}
        Err(UnreadableCertificate::SecretKey) => return Err(NotCertified::SecretKey),
        _ => return Err(NotCertified::Unreadable),
    }
    Cert::from_bytes(&binary).map_err(|_| NotCertified::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Kind, Person, member};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn signed(list: &Cert, by: &Person) -> Vec<u8> {
        by.certified(&Certificate::of(list.clone()), NOW)
    }

    #[test]
    fn the_last_of_each_member_stays() {
        let list = member("team@lists.example", Kind::Curve25519, NOW);
        let anne = Person::new("anne@example.org", Kind::Curve25519, NOW);
        let mut key = Certificate::of(list.clone());
        for number in 0..20_i64 {
            let (at, now) = (NOW.plus_ms(number * 1000), NOW.plus_ms(60_000));
            let sent = anne.certified(&Certificate::of(list.clone()), at);
            key = key.certified_by(&anne.certificate(), &sent, now).unwrap();
            assert_eq!(key.certifications(), 1);
        }
        let old = anne.certified(&Certificate::of(list.clone()), NOW);
        let again = key.certified_by(&anne.certificate(), &old, NOW.plus_ms(60_000));
        assert_eq!(again.map(|_| ()), Err(NotCertified::NothingNew), "an older one replaces none");
        assert_eq!(key.without_certifications().unwrap().certifications(), 0);
    }

    /// Unsigned data is not accepted, and unsigned data that was accepted earlier is removed.
    #[test]
    fn what_is_not_signed_is_not_taken() {
        use sequoia_openpgp::packet::signature::subpacket::{Subpacket, SubpacketValue};
        let list = member("team@lists.example", Kind::Curve25519, NOW);
        let anne = Person::new("anne@example.org", Kind::Curve25519, NOW);
        let key = Certificate::of(list.clone());
        let clean = signed(&list, &anne);
        let stuffed = |octets: usize| {
            let cert =
                Cert::from_bytes(&dearmor::to_binary(&clean, MAX_CERTIFICATE_OCTETS).unwrap()).unwrap();
            let packets: Vec<Packet> = cert
                .into_packets()
                .map(|packet| match packet {
                    Packet::Signature(mut one) if is_named(&one, &anne.certificate()) => {
                        let body = vec![0; octets];
                        let junk = SubpacketValue::Unknown { tag: SubpacketTag::Private(100), body };
                        one.unhashed_area_mut().add(Subpacket::new(junk, false).unwrap()).unwrap();
                        one.into()
                    }
                    other => other,
                })
                .collect();
            Cert::from_packets(packets.into_iter()).unwrap()
        };
        let now = NOW.plus_ms(1000);
        let wanted = key.certified_by(&anne.certificate(), &clean, now).unwrap().to_bytes();
        for octets in [10, 1000, 60_000] {
            let sent = stuffed(octets);
            let made = key.certified_by(&anne.certificate(), &sent.to_vec().unwrap(), now).unwrap();
            assert_eq!(made.to_bytes(), wanted, "{octets}");
            let stored = Certificate::of(sent);
            let mended = stored.certified_by(&anne.certificate(), &clean, now).unwrap();
            assert_eq!(mended.to_bytes(), wanted, "{octets}");
        }
    }

    #[test]
    fn only_the_members_own_signatures_are_taken() {
        let list = member("team@lists.example", Kind::Curve25519, NOW);
        let other = member("team@lists.example", Kind::Curve25519, NOW);
        let (anne, bart) = (
            Person::new("anne@example.org", Kind::Curve25519, NOW),
            Person::new("bart@example.org", Kind::Curve25519, NOW),
        );
        let key = Certificate::of(list.clone());
        let check = |data: &[u8], expected: Result<usize, NotCertified>| {
            let made = key.certified_by(&anne.certificate(), data, NOW.plus_ms(1000));
            assert_eq!(made.map(|made| made.certifications()), expected);
        };
        check(&signed(&list, &anne), Ok(1));
        check(&signed(&list, &bart), Err(NotCertified::NothingNew));
        check(&signed(&other, &anne), Err(NotCertified::OtherKey));
        check(&key.to_bytes(), Err(NotCertified::NoSignedUserIds));
        check(&list.as_tsk().to_vec().unwrap(), Err(NotCertified::SecretKey));
        check(b"no key", Err(NotCertified::Unreadable));
        let sent = signed(&list, &anne);
        let once = key.certified_by(&anne.certificate(), &sent, NOW.plus_ms(1000)).unwrap();
        let again = once.certified_by(&anne.certificate(), &sent, NOW.plus_ms(1000));
        assert_eq!(again.map(|_| ()), Err(NotCertified::NothingNew));
        let both = once.certified_by(&bart.certificate(), &signed(&list, &bart), NOW.plus_ms(1000)).unwrap();
        assert_eq!(both.certifications(), 2);
        let stored = Certificate::from_stored(&both.to_bytes()).unwrap();
        assert_eq!(stored.certifications(), 2, "they outlive the database");
        assert_eq!(stored.fingerprint(), key.fingerprint());
    }
}
