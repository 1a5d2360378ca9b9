//! Keys that expire, are extended and revoked.

use std::time::Duration;

use sealist_mail::Timestamp;
use sequoia_openpgp::Packet;
use sequoia_openpgp::cert::{CertBuilder, CipherSuite, UserIDRevocationBuilder};
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::types::{KeyFlags, ReasonForRevocation};

use super::Person;
use crate::{Certificate, MacKey, POLICY_EPOCH};

const DAY_S: u64 = 24 * 3600;

/// When the parts of a key expire, in days from now. `None`: never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    /// The primary key, and so the whole key.
    pub primary: Option<u64>,
    /// The encryption subkey.
    pub encryption: Option<u64>,
    /// A signing subkey; `None`: the primary key signs.
    pub signing: Option<u64>,
}

/// A sealing card of a certificate in the stored form of older rules.
pub fn stale_card(certificate: &Certificate, mac: &MacKey, holder: &str, now: Timestamp) -> Vec<u8> {
    certificate.usable(now).unwrap().to_bytes_of(POLICY_EPOCH - 1, mac, holder)
}

impl Person {
    /// A key for that address, one day old, whose parts expire as given.
    pub fn ending(address: &str, ends: Ends, now: Timestamp) -> Self {
        let days = |days: Option<u64>| days.map(|days| Duration::from_secs((days + 1) * DAY_S));
        let certification = KeyFlags::empty().set_certification();
        let encryption = KeyFlags::empty().set_transport_encryption().set_storage_encryption();
        let mut builder = CertBuilder::new()
            .set_cipher_suite(CipherSuite::Cv25519)
            .set_creation_time(now.plus_ms(-24 * 3600 * 1000).to_system_time())
            .set_validity_period(days(ends.primary))
            .add_userid(format!("<{address}>"))
            .add_subkey(encryption, days(ends.encryption), None);
        builder = match ends.signing {
            Some(_) => builder.set_primary_key_flags(certification).add_subkey(
                KeyFlags::empty().set_signing(),
                days(ends.signing),
                None,
            ),
            None => builder.set_primary_key_flags(certification.set_signing()),
        };
        Self { address: address.to_owned(), cert: builder.generate().unwrap().0 }
    }

    /// The same key with another end for its primary key and its encryption subkey, said at that time.
    pub fn renewed(&self, until: Timestamp, at: Timestamp) -> Self {
        let again = |old: &Signature| {
            let created = self.cert.primary_key().key().creation_time();
            let period = until.to_system_time().duration_since(created).unwrap();
            let builder = SignatureBuilder::from(old.clone());
            let builder = builder.set_signature_creation_time(at.to_system_time()).unwrap();
            builder.set_key_validity_period(period).unwrap()
        };
        let mut packets: Vec<Packet> = Vec::new();
        for user_id in self.cert.userids() {
            let old = user_id.self_signatures().next().unwrap();
            let new = user_id.userid().bind(&mut self.pair(), &self.cert, again(old)).unwrap();
            packets.extend([user_id.userid().clone().into(), new.into()]);
        }
        for key in self.cert.keys().subkeys() {
            let old = key.self_signatures().next().unwrap();
            if old.key_flags().is_some_and(|flags| flags.for_transport_encryption()) {
                let new = key.key().bind(&mut self.pair(), &self.cert, again(old)).unwrap();
                packets.extend([key.key().clone().into(), new.into()]);
            }
        }
        Self { address: self.address.clone(), cert: self.cert.clone().insert_packets(packets).unwrap().0 }
    }

    /// A certificate by which the person revokes all user ids of the key.
    pub fn nameless(&self, at: Timestamp) -> Certificate {
        let revoked = self.cert.userids().map(|user_id| {
            let builder =
                UserIDRevocationBuilder::new().set_signature_creation_time(at.to_system_time()).unwrap();
            let builder = builder.set_reason_for_revocation(ReasonForRevocation::UIDRetired, b"").unwrap();
            builder.build(&mut self.pair(), &self.cert, user_id.userid(), None).unwrap()
        });
        let revoked: Vec<_> = revoked.collect();
        Certificate::of(self.cert.clone().insert_packets(revoked).unwrap().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Need, Unusable};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn day(days: i64) -> Timestamp {
        NOW.plus_ms(days * 24 * 3600 * 1000)
    }

    #[test]
    fn a_key_ends_with_its_first_part_and_is_renewed() {
        fn check(ends: Ends, end: i64, then: impl Fn(&Certificate, Timestamp) -> Unusable) {
            let person = Person::ending("anne@example.org", ends, NOW);
            let known = person.certificate();
            let until = known.usable(NOW).unwrap().valid_until().unwrap();
            assert_eq!(until, day(end), "{ends:?}");
            assert_eq!(known.usable(until).unwrap_err(), then(&known, until), "{ends:?}");
            if ends.signing.is_none() {
                let renewed = known.merge(&person.renewed(day(100), day(end + 1)).certificate().to_bytes());
                let until = renewed.unwrap().usable(day(end + 2)).unwrap().valid_until();
                assert_eq!(until, Some(day(100)), "{ends:?}");
            }
        }
        let expired = |_: &Certificate, at| Unusable::Expired { at };
        let part = |person: &Certificate, at, need| {
            let subkey = person.subkeys_to_prolong(at).pop().unwrap();
            Unusable::PartExpired { subkey, need, at }
        };
        check(Ends { primary: Some(7), ..Ends::default() }, 7, expired);
        check(Ends { encryption: Some(3), primary: Some(7), ..Ends::default() }, 3, |key, at| {
            part(key, at, Need::Encrypt)
        });
        check(Ends { signing: Some(2), ..Ends::default() }, 2, |key, at| part(key, at, Need::Sign));
    }
}
