//! Makes copies: the stored packet after one recipient's PKESK, in armor.
//!
//! The body is base64-encoded once and shared by all copies. A copy costs its PKESK, a few lines, and a
//! checksum that is computed from partial checksums. If the length of the PKESKs is not a multiple of three,
//! they borrow the first octets of the body. So there are three phases of the shared lines, each made when it
//! is first needed.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::armor::{self, TailChecksum};
use crate::card::SealingCard;
use crate::family::Family;
use crate::pkesk::{self, CannotEncrypt, KeyIds};
use crate::sealed::Sealed;
use crate::session_key::SessionKey;

/// One post, ready to be copied for any number of recipients.
pub struct SealedPost {
    session_key: SessionKey,
    family: Family,
    body: Vec<u8>,
    phases: [OnceLock<Phase>; 3],
    ids: KeyIds,
}

struct Phase {
    lines: Bytes,
    checksum: TailChecksum,
}

/// The armor of one copy: three pieces to be written in order.
pub struct CopyArmor {
    /// The first line and the recipient's PKESKs.
    pub head: Vec<u8>,
    /// The lines that all copies share.
    pub shared: Bytes,
    /// The checksum and the last line.
    pub tail: Vec<u8>,
}

impl SealedPost {
    /// Prepares copies of a sealed post, for recipients of its packet family.
    pub fn new(sealed: Sealed, session_key: SessionKey, ids: KeyIds) -> Self {
        Self {
            session_key,
            family: sealed.family(),
            body: sealed.into_payload(),
            phases: Default::default(),
            ids,
        }
    }

    /// The copy for the holders of those cards, with their PKESKs and no others. There is one recipient,
    /// unless the list puts several into one message. Errs if a recipient belongs to the other packet family.
    pub fn copy(&self, readers: &[&SealingCard]) -> Result<CopyArmor, CannotEncrypt> {
        let mut packets = Vec::with_capacity(96 * readers.len());
        for reader in readers {
            if reader.family() != self.family {
                return Err(CannotEncrypt);
            }
            for key in reader.keys() {
                packets.extend_from_slice(&pkesk::wrap(key, &self.session_key, self.ids)?);
            }
        }
        let borrowed = (3 - packets.len() % 3) % 3;
        let phase = self.phase(borrowed);
        packets.extend_from_slice(&self.body[..borrowed]);

        let mut head = armor::MESSAGE_HEAD.to_vec();
        head.extend_from_slice(&armor::lines(&packets));
        let tail = armor::message_tail(phase.checksum.after(&packets));
        Ok(CopyArmor { head, shared: phase.lines.clone(), tail })
    }

    fn phase(&self, borrowed: usize) -> &Phase {
        self.phases[borrowed].get_or_init(|| {
            let tail = &self.body[borrowed..];
            Phase { lines: armor::lines(tail).into(), checksum: TailChecksum::of(tail) }
        })
    }
}

impl CopyArmor {
    /// The concatenated pieces: for single copies and tests.
    pub fn joined(&self) -> Vec<u8> {
        [&self.head[..], &self.shared, &self.tail].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dearmor;
    use crate::seal::{SignWith, seal, seal_copy};
    use crate::testing::{Kind, Person, member};
    use crate::{Certificate, ListKey, StorageKey};
    use proptest::prelude::*;
    use sealist_mail::Timestamp;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_copy_is_proper_armor(payload in proptest::collection::vec(any::<u8>(), 0..600)) {
            let storage = StorageKey::generate("team", NOW).unwrap();
            let sealed = seal(&payload, b"", SignWith::Nobody, &storage.certificate()).unwrap();
            let copies = SealedPost::new(sealed.clone(), storage.session_key(&sealed).unwrap(), KeyIds::Named);
            for kind in [Kind::Curve25519, Kind::Rsa, Kind::TwoEncryptionKeys] {
                let card = Certificate::of(member("anne@example.org", kind, NOW)).usable(NOW).unwrap();
                let copy = copies.copy(&[&card]).unwrap().joined();
                let binary = dearmor::to_binary(&copy, 100_000).unwrap();
                prop_assert!(binary.ends_with(sealed.payload()));
                let own = binary.len() - sealed.payload().len();
                let packets: Vec<u8> = crate::framing::Packets::new(&binary).map(|p| p.unwrap().tag).collect();
                prop_assert_eq!(packets, [vec![1; card.keys().count()], vec![18]].concat());
                prop_assert!(own >= 96);
                // The checksum line must be the same as that of the whole armor.
                let plain = armor::block("MESSAGE", &binary);
                let end = |armor: &[u8]| String::from_utf8_lossy(armor).lines().rev().take(2).map(str::to_owned).collect::<Vec<_>>();
                prop_assert_eq!(end(&copy), end(&plain));
                prop_assert!(copy.split(|b| *b == b'\n').all(|line| line.len() <= 65));
            }
        }
    }

    #[test]
    fn the_body_is_encoded_once() {
        let storage = StorageKey::generate("team", NOW).unwrap();
        let sealed = seal(&[7; 10_000], b"", SignWith::Nobody, &storage.certificate()).unwrap();
        let copies = SealedPost::new(sealed.clone(), storage.session_key(&sealed).unwrap(), KeyIds::Named);
        let card = Certificate::of(member("anne@example.org", Kind::Curve25519, NOW)).usable(NOW).unwrap();
        let (one, two) = (copies.copy(&[&card]).unwrap(), copies.copy(&[&card]).unwrap());
        assert_eq!(one.shared.as_ptr(), two.shared.as_ptr());
        assert_ne!(one.head, two.head, "a fresh ephemeral key for each");
    }

    struct Post {
        list: ListKey,
        storage: StorageKey,
        sealed: Sealed,
    }

    fn post() -> Post {
        let address = |local: &str| format!("{local}@lists.example").parse().unwrap();
        let list = ListKey::generate("Team", &[address("team"), address("team-request")], NOW).unwrap();
        let storage = StorageKey::generate("team", NOW).unwrap();
        let sealed =
            seal(b"words", b"", SignWith::Key(&list, NOW.plus_ms(1000)), &storage.certificate()).unwrap();
        Post { list, storage, sealed }
    }

    /// The packet tags, and the versions of the first and the last packet.
    fn shape(copy: &CopyArmor) -> Vec<(u8, u8)> {
        let binary = dearmor::to_binary(&copy.joined(), 100_000).unwrap();
        crate::framing::Packets::new(&binary).map(|p| p.unwrap()).map(|p| (p.tag, p.body[0])).collect()
    }

    #[test]
    fn each_family_reads_its_own_packets() {
        let Post { list, storage, sealed } = post();
        let from = list.certificate();
        let second = storage.reseal(&sealed).unwrap();
        assert_eq!((sealed.family(), second.family()), (Family::V4, Family::V6));
        let copies =
            |sealed: &Sealed, ids| SealedPost::new(sealed.clone(), storage.session_key(sealed).unwrap(), ids);
        for ids in [KeyIds::Named, KeyIds::Hidden] {
            let (first, second) = (copies(&sealed, ids), copies(&second, ids));
            for (kind, own, other, expected) in [
                (Kind::Curve25519, &first, &second, [(1, 3), (18, 1)]),
                (Kind::Version6, &second, &first, [(1, 6), (18, 2)]),
            ] {
                let reader = Person::new("anne@example.org", kind, NOW);
                let card = reader.certificate().usable(NOW).unwrap();
                let copy = own.copy(&[&card]).unwrap();
                assert_eq!(shape(&copy), expected);
                let read = reader.read(&copy.joined(), &from);
                assert_eq!(read, Some((b"words".to_vec(), true)), "{kind:?} {ids:?}");
                assert_eq!(other.copy(&[&card]).err(), Some(CannotEncrypt));
            }
        }
    }

    #[test]
    fn one_message_for_several_readers() {
        let Post { list, storage, sealed } = post();
        let copies = SealedPost::new(sealed.clone(), storage.session_key(&sealed).unwrap(), KeyIds::Hidden);
        let people = [Kind::Curve25519, Kind::Rsa, Kind::TwoEncryptionKeys]
            .map(|kind| Person::new("anne@example.org", kind, NOW));
        let cards: Vec<SealingCard> =
            people.iter().map(|one| one.certificate().usable(NOW).unwrap()).collect();
        let copy = copies.copy(&cards.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(shape(&copy), [(1, 3), (1, 3), (1, 3), (1, 3), (18, 1)]);
        for reader in &people {
            let read = reader.read(&copy.joined(), &list.certificate());
            assert_eq!(read, Some((b"words".to_vec(), true)));
        }
    }

    #[test]
    fn a_payload_for_one_reader() {
        let Post { list, .. } = post();
        for kind in [Kind::Curve25519, Kind::Version6] {
            let reader = Person::new("anne@example.org", kind, NOW);
            let card = reader.certificate().usable(NOW).unwrap();
            let sign = SignWith::Key(&list, NOW.plus_ms(1000));
            let copy = seal_copy(b"Dear Anne", sign, &card, KeyIds::Named).unwrap().joined();
            let read = reader.read(&copy, &list.certificate());
            assert_eq!(read, Some((b"Dear Anne".to_vec(), true)), "{kind:?}");
        }
    }
}
