//! Certifications of a list's key by its members.
//!
//! Members send the list's key back with their signatures on its user ids. Only what that member's primary key signed
//! over a user id that the list's key has is taken; everything else that came along is dropped.

use sealist_mail::Timestamp;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy as _, StandardPolicy};
use sequoia_openpgp::{Cert, Packet};

use crate::certificate::{Certificate, MAX_OCTETS};
use crate::dearmor;
use crate::filter::{self, Unfit};

/// Certifications by others that a list's key keeps.
const MAX_CERTIFICATIONS: usize = 256;
/// Of them by one member on one user id: nobody takes the room of all.
const MAX_OF_ONE: usize = 8;

/// Why there is nothing to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCertified {
    /// A secret key.
    #[error("this holds a secret key: send the public key only")]
    SecretKey,
    /// No key, several, or one that is too large.
    #[error("this is no OpenPGP public key")]
    Unreadable,
    /// Not the list's key.
    #[error("this is another key")]
    OtherKey,
    /// Nobody but the list itself signed a user id.
    #[error("nobody signed a user id")]
    NoSignedUserIds,
    /// Nothing of that member that is not there already.
    #[error("there is no new signature of yours")]
    NothingNew,
}

impl Certificate {
    /// This certificate, a list's, with the certifications that `by` made on its user ids in `data`, armored or binary.
    pub fn certified_by(&self, by: &Self, data: &[u8], now: Timestamp) -> Result<Self, NotCertified> {
        let sent = read(data)?;
        if sent.fingerprint() != self.cert().fingerprint() {
            return Err(NotCertified::OtherKey);
        }
        if sent.userids().all(|user_id| user_id.certifications().next().is_none()) {
            return Err(NotCertified::NoSignedUserIds);
        }
        let mut new: Vec<Packet> = Vec::new();
        let mut room = MAX_CERTIFICATIONS.saturating_sub(self.certifications());
        for own in self.cert().userids() {
            let Some(same) = sent.userids().find(|user_id| user_id.userid() == own.userid()) else {
                continue;
            };
            let theirs = own.certifications().filter(|known| is_named(known, by)).count();
            let mut room_of_one = MAX_OF_ONE.saturating_sub(theirs);
            for signature in same.certifications() {
                let known = own.certifications().any(|known| known.normalized_eq(signature));
                if !known && room.min(room_of_one) > 0 && self.is_by(signature, by, own.userid(), now) {
                    room -= 1;
                    room_of_one -= 1;
                    new.extend([own.userid().clone().into(), signature.clone().into()]);
                }
            }
        }
        if new.is_empty() {
            return Err(NotCertified::NothingNew);
        }
        let (cert, _) = self.cert().clone().insert_packets(new).map_err(|_| NotCertified::NothingNew)?;
        Self::writable(cert).map_err(|_| NotCertified::NothingNew)
    }

    /// How many certifications by others it has.
    pub fn certifications(&self) -> usize {
        self.cert().userids().map(|user_id| user_id.certifications().count()).sum()
    }

    fn is_by(
        &self,
        signature: &Signature,
        by: &Self,
        user_id: &sequoia_openpgp::packet::UserID,
        now: Timestamp,
    ) -> bool {
        let signer = by.cert().primary_key().key();
        let policy = StandardPolicy::new();
        is_named(signature, by)
            && policy.signature(signature, HashAlgoSecurity::CollisionResistance).is_ok()
            && signature.signature_alive(now.to_system_time(), None).is_ok()
            && signature.verify_userid_binding(signer, self.cert().primary_key().key(), user_id).is_ok()
    }
}

/// Whether it says that it is by that key.
fn is_named(signature: &Signature, by: &Certificate) -> bool {
    let signer = by.cert().primary_key().key();
    signature.get_issuers().iter().any(|issuer| issuer.aliases(signer.key_handle()))
}

/// One certificate, whole: with what others signed.
fn read(data: &[u8]) -> Result<Cert, NotCertified> {
    let binary = dearmor::to_binary(data, MAX_OCTETS).ok_or(NotCertified::Unreadable)?;
    match filter::certificates(&binary, 1) {
        Ok(found) if found.len() == 1 => {}
        Err(Unfit::SecretKey) => return Err(NotCertified::SecretKey),
        _ => return Err(NotCertified::Unreadable),
    }
    Cert::from_bytes(&binary).map_err(|_| NotCertified::Unreadable)
}

#[cfg(test)]
mod tests {
    use sequoia_openpgp::serialize::SerializeInto as _;

    use super::*;
    use crate::testing::{Kind, Person, member};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn signed(list: &Cert, by: &Person) -> Vec<u8> {
        by.certified(&Certificate::of(list.clone()), NOW)
    }

    #[test]
    fn nobody_takes_the_room_of_all() {
        let list = member("team@lists.example", Kind::Curve25519, NOW);
        let anne = Person::new("anne@example.org", Kind::Curve25519, NOW);
        let mut key = Certificate::of(list.clone());
        for number in 0..20_i64 {
            let (at, now) = (NOW.plus_ms(number * 1000), NOW.plus_ms(60_000));
            let sent = anne.certified(&Certificate::of(list.clone()), at);
            key = key.certified_by(&anne.certificate(), &sent, now).unwrap_or(key);
        }
        assert_eq!(key.certifications(), MAX_OF_ONE);
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
