//! A streaming filter for certificates, before the library sees them.
//!
//! Keeps the primary key, its user ids and subkeys and what the primary key itself signed; third-party
//! signatures, user attributes and everything over the limits are dropped. A certificate with 150,000
//! foreign signatures would otherwise cost half a gigabyte.

use std::collections::BTreeSet;

use crate::certificate::MAX_OCTETS;
use crate::framing::{BadFraming, Packets, RawPacket};
use crate::key_sizes;

const SIGNATURE: u8 = 2;
const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;
const USER_ID: u8 = 13;
const SECRET_KEY: u8 = 5;
const SECRET_SUBKEY: u8 = 7;

/// User ids of one certificate; with more it is refused.
const MAX_USER_IDS: usize = 200;
/// Subkeys that stay: those with the newest signatures. Some people make three a year.
const MAX_SUBKEYS: usize = 64;
/// Parts of one certificate that are looked at at all.
const MAX_PARTS: usize = 5_000;
/// Signatures on one part: of them so many that revoke it, and the newest others.
const MAX_SIGNATURES: usize = 64;
const MAX_REVOCATIONS: usize = 16;
/// Signatures on one certificate: each is verified, and with the slowest algorithm 500 of them take half a second. A key
/// of twenty years that is prolonged every year has 70.
const MAX_ALL_SIGNATURES: usize = 192;
/// Octets of a user id.
const MAX_USER_ID_OCTETS: usize = 2048;

/// What stands in the way of reading a certificate at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Framing,
    SecretKey,
    Version(u8),
    /// The numbers of the primary key, or of all subkeys, are larger than may be.
    Size,
    TooLarge,
}

impl From<BadFraming> for Unfit {
    fn from(_: BadFraming) -> Self {
        Self::Framing
    }
}

/// Splits binary data into certificates and filters each. What stays is chosen by what it is worth, not by where it stands.
pub(crate) fn certificates(data: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Unfit> {
    let mut found: Vec<Current<'_>> = Vec::new();
    for packet in Packets::new(data) {
        let packet = packet?;
        match packet.tag {
            SECRET_KEY | SECRET_SUBKEY => return Err(Unfit::SecretKey),
            PUBLIC_KEY => {
                match packet.body.first() {
                    Some(4 | 6) => {}
                    version => return Err(Unfit::Version(version.copied().unwrap_or_default())),
                }
                if !key_sizes::are_bounded(packet.body) {
                    return Err(Unfit::Size);
                }
                if found.len() == most {
                    return Err(Unfit::TooLarge);
                }
                found.push(Current::new(&packet));
            }
            // Anything before the first key belongs to no certificate.
            _ => found.last_mut().map_or(Ok(()), |current| current.meet(&packet))?,
        }
    }
    if found.is_empty() {
        return Err(Unfit::Framing);
    }
    found.into_iter().map(Current::kept).collect()
}

/// The certificate being read.
struct Current<'a> {
    issuer: Issuer,
    /// The primary key is the first.
    parts: Vec<Part<'a>>,
    /// Whether signatures now belong to a part that may stay.
    keeping: bool,
    /// Subkeys whose numbers are larger than may be: anybody could have added them.
    unbounded_subkeys: usize,
}

/// A key or user id, and what the primary key signed over it.
struct Part<'a> {
    tag: u8,
    whole: &'a [u8],
    signatures: Vec<OwnSignature<'a>>,
}

#[derive(Clone, Copy)]
struct OwnSignature<'a> {
    whole: &'a [u8],
    revokes: bool,
    made_at: u32,
}

impl Part<'_> {
    fn newest(&self) -> u32 {
        self.signatures.iter().map(|one| one.made_at).max().unwrap_or_default()
    }

    /// Drops the oldest signatures that are too many; the others keep their order.
    fn cut(&mut self) {
        if self.signatures.len() <= MAX_SIGNATURES {
            return;
        }
        let mut ranked: Vec<(usize, OwnSignature<'_>)> =
            self.signatures.iter().copied().enumerate().collect();
        ranked.sort_by_key(|(_, one)| (!one.revokes, std::cmp::Reverse(one.made_at)));
        let revocations = ranked.iter().filter(|(_, one)| one.revokes).take(MAX_REVOCATIONS);
        let others = ranked.iter().filter(|(_, one)| !one.revokes);
        let mut kept: Vec<usize> =
            revocations.chain(others).take(MAX_SIGNATURES).map(|(at, _)| *at).collect();
        kept.sort_unstable();
        self.signatures = kept.into_iter().map(|at| self.signatures[at]).collect();
    }
}

/// How signatures name the primary key: by its fingerprint, or by the key id in it.
struct Issuer {
    fingerprint: Vec<u8>,
}

impl Issuer {
    fn key_id(&self) -> &[u8] {
        match self.fingerprint.len() {
            20 => &self.fingerprint[12..],
            _ => &self.fingerprint[..8.min(self.fingerprint.len())],
        }
    }
}

impl<'a> Current<'a> {
    fn new(primary: &RawPacket<'a>) -> Self {
        let issuer = Issuer { fingerprint: fingerprint(primary.body) };
        let primary = Part { tag: PUBLIC_KEY, whole: primary.whole, signatures: Vec::new() };
        Self { issuer, parts: vec![primary], keeping: true, unbounded_subkeys: 0 }
    }

    fn meet(&mut self, packet: &RawPacket<'a>) -> Result<(), Unfit> {
        match packet.tag {
            PUBLIC_SUBKEY if !key_sizes::are_bounded(packet.body) => {
                self.keeping = false;
                self.unbounded_subkeys += 1;
            }
            USER_ID | PUBLIC_SUBKEY => {
                self.keeping = packet.tag != USER_ID || packet.body.len() <= MAX_USER_ID_OCTETS;
                if self.keeping {
                    self.parts.push(Part { tag: packet.tag, whole: packet.whole, signatures: Vec::new() });
                }
                if self.parts.len() > MAX_PARTS {
                    return Err(Unfit::TooLarge);
                }
            }
            SIGNATURE if self.keeping && self.is_own(packet.body) => {
                let signature = OwnSignature {
                    whole: packet.whole,
                    revokes: matches!(packet.body.get(1), Some(0x20 | 0x28 | 0x30)),
                    made_at: made_at(packet.body),
                };
                if let Some(part) = self.parts.last_mut() {
                    part.signatures.push(signature);
                }
            }
            SIGNATURE => {}
            // A user attribute or something unknown: its signatures go with it.
            _ => self.keeping = false,
        }
        Ok(())
    }

    fn kept(mut self) -> Result<Vec<u8>, Unfit> {
        if self.parts.iter().filter(|part| part.tag == USER_ID).count() > MAX_USER_IDS {
            return Err(Unfit::TooLarge);
        }
        if self.unbounded_subkeys > 0 && self.parts.iter().all(|part| part.tag != PUBLIC_SUBKEY) {
            return Err(Unfit::Size);
        }
        let mut subkeys: Vec<(u32, usize)> = (0..self.parts.len())
            .filter(|at| self.parts[*at].tag == PUBLIC_SUBKEY)
            .map(|at| (self.parts[at].newest(), at))
            .collect();
        subkeys.sort_unstable_by(|a, b| b.cmp(a));
        let dropped: BTreeSet<usize> = subkeys.into_iter().skip(MAX_SUBKEYS).map(|(_, at)| at).collect();
        let mut certificate = Vec::new();
        let mut signatures = 0;
        for (at, part) in self.parts.iter_mut().enumerate() {
            if dropped.contains(&at) {
                continue;
            }
            part.cut();
            signatures += part.signatures.len();
            certificate.extend_from_slice(part.whole);
            part.signatures.iter().for_each(|one| certificate.extend_from_slice(one.whole));
            if certificate.len() > MAX_OCTETS || signatures > MAX_ALL_SIGNATURES {
                return Err(Unfit::TooLarge);
            }
        }
        Ok(certificate)
    }

    /// Whether the signature says the primary key made it. A lie costs nothing: the library verifies.
    fn is_own(&self, body: &[u8]) -> bool {
        let mut named = false;
        for (kind, value) in issuer_subpackets(body) {
            named = true;
            let ours = match kind {
                16 => value == self.issuer.key_id(),
                33 => value.get(1..) == Some(&self.issuer.fingerprint[..]),
                _ => false,
            };
            if ours {
                return true;
            }
        }
        // Version 3 signatures name no issuer in subpackets; the library refuses them anyway.
        !named && body.first() != Some(&3)
    }
}

/// When a signature says that it was made, in seconds; 0 if it does not say.
fn made_at(body: &[u8]) -> u32 {
    let found = subpackets(body, |kind| kind == 2);
    let first = found.first().and_then(|(_, value)| <[u8; 4]>::try_from(*value).ok());
    first.map_or(0, u32::from_be_bytes)
}

/// The issuer subpackets of a v4 or v6 signature ([RFC 9580, section 5.2.3]).
fn issuer_subpackets(body: &[u8]) -> Vec<(u8, &[u8])> {
    subpackets(body, |kind| matches!(kind, 16 | 33))
}

fn subpackets(body: &[u8], wanted: impl Fn(u8) -> bool) -> Vec<(u8, &[u8])> {
    let wide = body.first() == Some(&6);
    let mut found = Vec::new();
    let mut at = 4;
    for _area in 0..2 {
        let width = if wide { 4 } else { 2 };
        let Some(length) = body.get(at..at + width) else { break };
        let length = length.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b));
        at += width;
        let Some(mut area) = at.checked_add(length).and_then(|end| body.get(at..end)) else { break };
        at += length;
        while let Some((kind, value, rest)) = subpacket(area) {
            if wanted(kind & 0x7f) {
                found.push((kind & 0x7f, value));
            }
            area = rest;
        }
    }
    found
}

fn subpacket(area: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let first = usize::from(*area.first()?);
    let (length, start): (usize, usize) = match first {
        0..=191 => (first, 1),
        192..=254 => ((first - 192) * 256 + usize::from(*area.get(1)?) + 192, 2),
        _ => (area.get(1..5)?.iter().fold(0, |n, b| n << 8 | usize::from(*b)), 5),
    };
    let body = area.get(start..start.checked_add(length)?)?;
    let (kind, value) = body.split_first()?;
    Some((*kind, value, &area[start + length..]))
}

/// The fingerprint of a key packet's body ([RFC 9580, section 5.5.4]).
fn fingerprint(body: &[u8]) -> Vec<u8> {
    use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let (algorithm, head) = match body.first() {
        Some(6) => (&SHA256, [&[0x9b][..], &length].concat()),
        _ => (&SHA1_FOR_LEGACY_USE_ONLY, [&[0x99][..], &length[2..]].concat()),
    };
    let mut context = Context::new(algorithm);
    context.update(&head);
    context.update(body);
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sequoia_openpgp::cert::CertBuilder;
    use sequoia_openpgp::packet::{UserID, signature::SignatureBuilder};
    use sequoia_openpgp::serialize::SerializeInto as _;
    use sequoia_openpgp::types::SignatureType;
    use sequoia_openpgp::{Cert, Packet};

    fn cert(user_id: &str) -> Cert {
        CertBuilder::general_purpose(Some(user_id)).generate().unwrap().0
    }

    #[test]
    fn own_signatures_stay_and_foreign_ones_go() {
        let anne = cert("anne@example.org");
        let mut signer = cert("eve@example.org")
            .primary_key()
            .key()
            .clone()
            .parts_into_secret()
            .unwrap()
            .into_keypair()
            .unwrap();
        let user_id: UserID = anne.userids().next().unwrap().userid().clone();
        let foreign: Vec<Packet> = (0..200)
            .map(|_| {
                let builder = SignatureBuilder::new(SignatureType::GenericCertification);
                user_id.bind(&mut signer, &anne, builder).unwrap().into()
            })
            .collect();
        let clean = anne.clone().strip_secret_key_material().to_vec().unwrap();
        let (flooded, _) = anne.strip_secret_key_material().insert_packets(foreign).unwrap();
        let filtered = certificates(&flooded.to_vec().unwrap(), 10).unwrap();
        assert_eq!(filtered, [clean]);
    }

    #[test]
    fn signatures_are_counted_over_all_parts() {
        use crate::testing::heavy::{Numbers, key};
        let with = |signatures| {
            let now = sealist_mail::Timestamp(1_800_000_000_000);
            certificates(&key(Numbers::Rsa(2048, 17), None, signatures, now), 1).map(|kept| kept.len())
        };
        assert_eq!(with(MAX_ALL_SIGNATURES), Ok(1));
        assert_eq!(with(MAX_ALL_SIGNATURES + 1), Err(Unfit::TooLarge));
    }

    /// Neither by its primary key nor by a subkey; anybody could have added that subkey to a key of somebody else.
    #[test]
    fn numbers_that_cost_too_much_are_not_seen_by_the_library() {
        use crate::testing::heavy::{Numbers, key};
        let now = sealist_mail::Timestamp(1_800_000_000_000);
        let good = Numbers::Rsa(2048, 17);
        for numbers in [
            Numbers::Rsa(8193, 17),
            Numbers::Rsa(16_384, 17),
            Numbers::Rsa(2048, 33),
            Numbers::Rsa(3072, 3071),
            Numbers::Dsa(3073, 256),
            Numbers::Dsa(3072, 257),
            Numbers::Dsa(10_000, 160),
            Numbers::Elgamal(4097),
        ] {
            assert_eq!(certificates(&key(numbers, None, 1, now), 1), Err(Unfit::Size));
            assert_eq!(certificates(&key(good, Some(numbers), 1, now), 1), Err(Unfit::Size));
            let both = key(good, Some(good), 1, now);
            let foreign = key(good, Some(numbers), 1, now);
            let foreign_subkey = &foreign[key(good, None, 1, now).len()..];
            assert_eq!(certificates(&[&both, foreign_subkey].concat(), 1), Ok(vec![both]));
        }
        for numbers in [Numbers::Rsa(8192, 32), Numbers::Dsa(3072, 256), Numbers::Elgamal(4096)] {
            let whole = key(good, Some(numbers), 1, now);
            assert_eq!(certificates(&whole, 1), Ok(vec![whole]));
        }
    }

    #[test]
    fn secret_keys_and_old_versions_are_named() {
        let secret = cert("anne@example.org").as_tsk().to_vec().unwrap();
        assert_eq!(certificates(&secret, 10), Err(Unfit::SecretKey));
        assert_eq!(certificates(&[0xc6, 1, 3], 10), Err(Unfit::Version(3)));
        assert_eq!(certificates(&[0xc6, 1, 5], 10), Err(Unfit::Version(5)));
        assert_eq!(certificates(b"", 10), Err(Unfit::Framing));
        assert_eq!(certificates(&[0xc6, 1, 4, 0xc6, 1, 4], 1), Err(Unfit::TooLarge));
    }

    #[test]
    fn too_many_user_ids_are_refused_and_the_last_stays_otherwise() {
        let with = |count: usize| {
            let user_ids = (0..count).flat_map(|_| [0xcd, 1, b'x']);
            certificates(&[0xc6, 1, 4].into_iter().chain(user_ids).collect::<Vec<u8>>(), 1)
        };
        assert_eq!(with(MAX_USER_IDS).unwrap()[0].len(), 3 + 3 * MAX_USER_IDS);
        assert_eq!(with(MAX_USER_IDS + 1), Err(Unfit::TooLarge));
    }

    /// A signature of that kind, made at that second.
    fn made(kind: u8, at: u32) -> Vec<u8> {
        let mut packet = vec![0xc2, 12, 4, kind, 22, 8, 0, 6, 5, 2];
        packet.extend_from_slice(&at.to_be_bytes());
        packet
    }

    #[test]
    fn the_newest_stay_wherever_they_stand() {
        for newest_first in [false, true] {
            let mut times: Vec<u32> = (1..=300).collect();
            if newest_first {
                times.reverse();
            }
            let subkeys = times.iter().flat_map(|at| [vec![0xce, 1, 4], made(0x18, *at)].concat());
            let kept =
                certificates(&[0xc6, 1, 4].into_iter().chain(subkeys).collect::<Vec<u8>>(), 1).unwrap();
            assert_eq!(kept[0].len(), 3 + 17 * MAX_SUBKEYS);
            let is_there = |at| kept[0].windows(14).any(|window| window == made(0x18, at));
            assert!(is_there(300) && is_there(237) && !is_there(236));

            let signatures = times.iter().flat_map(|at| made(if *at == 1 { 0x20 } else { 0x1f }, *at));
            let kept =
                certificates(&[0xc6, 1, 4].into_iter().chain(signatures).collect::<Vec<u8>>(), 1).unwrap();
            let is_there = |kind, at| kept[0].windows(14).any(|window| window == made(kind, at));
            assert_eq!(kept[0].len(), 3 + 14 * MAX_SIGNATURES);
            assert!(
                is_there(0x20, 1) && is_there(0x1f, 300) && !is_there(0x1f, 2),
                "a revocation comes first"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = certificates(&data, 3);
            issuer_subpackets(&data);
        }
    }
}
