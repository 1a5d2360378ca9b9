//! Filters certificates before the library parses them.
//!
//! The filter keeps the primary key, its user ids and subkeys, and what the primary key signed. Third-party
//! signatures, user attributes and everything over the limits are dropped. Without the filter a certificate
//! with 150,000 third-party signatures would cost half a gigabyte of memory.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::fingerprint::Fingerprint;
use crate::framing::{BadFraming, Packets, RawPacket};
use crate::key_sizes;
use crate::limits::MAX_CERTIFICATE_OCTETS;
use crate::verification_cost::{Allowance, search_us, verification_us};

const SIGNATURE: u8 = 2;
const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;
const USER_ID: u8 = 13;
const SECRET_KEY: u8 = 5;
const SECRET_SUBKEY: u8 = 7;

/// The most user ids of one certificate. A certificate with more is refused.
const MAX_USER_IDS: usize = 200;
/// The most subkeys that are kept: those with the newest signatures. Some people make three a year.
const MAX_SUBKEYS: usize = 64;
/// The most parts of one certificate that are read.
const MAX_PARTS: usize = 5_000;
/// The most signatures that are kept on one part: as many revocations, and the newest others.
const MAX_SIGNATURES: usize = 64;
const MAX_REVOCATIONS: usize = 16;
/// The subpacket with the signature of a subkey that binds it to the primary key ([RFC 9580, section
/// 5.2.3.34]).
const EMBEDDED: u8 = 32;
/// The most signatures on one certificate. A key that was extended every year for twenty years has 70.
const MAX_ALL_SIGNATURES: usize = 512;
/// The longest user id in octets.
const MAX_USER_ID_OCTETS: usize = 2048;

/// Why a certificate cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnreadableCertificate {
    Framing,
    SecretKey,
    Version(u8),
    /// The numbers of the primary key, or of all subkeys, are too large.
    Size,
    TooLarge,
    /// Verifying even one signature per part costs more than the allowance.
    TooCostly,
}

impl From<BadFraming> for UnreadableCertificate {
    fn from(_: BadFraming) -> Self {
        Self::Framing
    }
}

/// The certificates in binary data, each filtered. What is kept depends on its use, not on its position, and
/// its cost is taken from the allowance.
pub(crate) fn certificates(
    data: &[u8],
    most: usize,
    allowance: &mut Allowance,
) -> Result<Vec<Vec<u8>>, UnreadableCertificate> {
    let mut found = FoundCertificates::default();
    found.add(data, most)?;
    found.into_kept(allowance).into_iter().collect()
}

/// The cost in µs of verifying all signatures on the certificates in binary data that was filtered before.
pub(crate) fn cost_us(data: &[u8]) -> u64 {
    let mut found = FoundCertificates::default();
    let read = found.add(data, usize::MAX);
    read.map_or(u64::MAX, |()| found.all.iter().map(Current::cost_us).sum())
}

/// Certificates in several pieces of data, without duplicates: parts with the same primary key are joined.
#[derive(Default)]
pub(crate) struct FoundCertificates<'a> {
    all: Vec<Current<'a>>,
    by_key: HashMap<&'a [u8], usize>,
}

impl<'a> FoundCertificates<'a> {
    /// Adds the certificates in the data, up to `most` certificates in total. If anything in the data cannot
    /// be read, nothing of it is added.
    pub(crate) fn add(&mut self, data: &'a [u8], most: usize) -> Result<(), UnreadableCertificate> {
        let mut new = 0;
        for packet in Packets::new(data) {
            new += usize::from(is_key(&packet?)?);
        }
        if new == 0 {
            return Err(UnreadableCertificate::Framing);
        }
        // Packets before the first key belong to no certificate.
        let mut at = None;
        for packet in Packets::new(data).flatten() {
            if packet.tag == PUBLIC_KEY {
                let known = self.by_key.get(packet.body).copied();
                if known.is_none() && self.all.len() == most {
                    return Err(UnreadableCertificate::TooLarge);
                }
                at = Some(known.unwrap_or(self.all.len()));
                if known.is_none() {
                    self.by_key.insert(packet.body, self.all.len());
                    self.all.push(Current::new(&packet));
                }
            }
            if let Some(current) = at.and_then(|at| self.all.get_mut(at)) {
                current.meet(&packet);
            }
        }
        Ok(())
    }

    /// The number of certificates.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Drops all certificates but the one with that fingerprint.
    pub(crate) fn keep_only(&mut self, fingerprint: &Fingerprint) {
        self.all.retain(|one| Fingerprint::of_octets(&one.issuer.fingerprint) == *fingerprint);
    }

    /// The kept packets of each certificate.
    pub(crate) fn into_kept(self, allowance: &mut Allowance) -> Vec<Result<Vec<u8>, UnreadableCertificate>> {
        self.all.into_iter().map(|current| current.kept(allowance)).collect()
    }
}

/// Whether the packet begins a certificate. Errs if it cannot be part of one.
fn is_key(packet: &RawPacket<'_>) -> Result<bool, UnreadableCertificate> {
    match (packet.tag, packet.body.first()) {
        // The numbers of such a key could be beyond the part that is checked.
        _ if !packet.is_definite() => Err(UnreadableCertificate::Framing),
        (SECRET_KEY | SECRET_SUBKEY, _) => Err(UnreadableCertificate::SecretKey),
        (PUBLIC_KEY, Some(4 | 6)) if key_sizes::are_bounded(packet.body) => Ok(true),
        (PUBLIC_KEY, Some(4 | 6)) => Err(UnreadableCertificate::Size),
        (PUBLIC_KEY, version) => Err(UnreadableCertificate::Version(version.copied().unwrap_or_default())),
        _ => Ok(false),
    }
}

/// The certificate that is being read.
struct Current<'a> {
    issuer: Issuer,
    /// The primary key is the first.
    parts: Vec<CertificatePart<'a>>,
    /// The index of each part, so that a repeated part is recognised.
    by_packet: HashMap<&'a [u8], usize>,
    /// The part to which the next signatures belong, if it is kept.
    keeping: Option<usize>,
    /// Subkeys with numbers that are too large. They do not spoil the certificate, because anybody could have
    /// added them.
    unbounded_subkeys: usize,
}

/// A key or user id, with the primary key's signatures on it.
struct CertificatePart<'a> {
    tag: u8,
    whole: &'a [u8],
    /// The cost in µs of one verification with the key. It is zero for a user id.
    verification_us: u64,
    signatures: Vec<OwnSignature<'a>>,
}

#[derive(Clone, Copy)]
struct OwnSignature<'a> {
    whole: &'a [u8],
    revokes: bool,
    made_at: u32,
    /// The number of embedded signatures by a subkey. The library verifies each.
    embedded: u64,
}

impl<'a> CertificatePart<'a> {
    fn new(packet: &RawPacket<'a>) -> Self {
        let verification_us = if packet.tag == USER_ID { 0 } else { verification_us(packet.body) };
        Self { tag: packet.tag, whole: packet.whole, verification_us, signatures: Vec::new() }
    }

    fn newest(&self) -> u32 {
        self.signatures.iter().map(|one| one.made_at).max().unwrap_or_default()
    }

    /// Removes duplicates.
    fn dedup(&mut self) {
        let mut seen = HashSet::new();
        self.signatures.retain(|one| seen.insert(one.whole));
    }

    /// Drops the oldest signatures above the limit. The others keep their order.
    fn cut(&mut self, most: usize) {
        if self.signatures.len() <= most {
            return;
        }
        let mut ranked: Vec<(usize, OwnSignature<'_>)> =
            self.signatures.iter().copied().enumerate().collect();
        ranked.sort_by_key(|(_, one)| (!one.revokes, std::cmp::Reverse(one.made_at)));
        let revocations = ranked.iter().filter(|(_, one)| one.revokes).take(MAX_REVOCATIONS);
        let others = ranked.iter().filter(|(_, one)| !one.revokes);
        let mut kept: Vec<usize> = revocations.chain(others).take(most).map(|(at, _)| *at).collect();
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
        Self {
            issuer,
            parts: vec![CertificatePart::new(primary)],
            by_packet: HashMap::new(),
            keeping: Some(0),
            unbounded_subkeys: 0,
        }
    }

    fn meet(&mut self, packet: &RawPacket<'a>) {
        match packet.tag {
            PUBLIC_KEY => self.keeping = Some(0),
            PUBLIC_SUBKEY if !key_sizes::are_bounded(packet.body) => {
                self.keeping = None;
                self.unbounded_subkeys += 1;
            }
            USER_ID if packet.body.len() > MAX_USER_ID_OCTETS => self.keeping = None,
            USER_ID | PUBLIC_SUBKEY => self.keeping = Some(self.part(packet)),
            SIGNATURE => {
                if let Some(at) = self.keeping
                    && self.is_own(packet.body)
                {
                    let signature = OwnSignature {
                        whole: packet.whole,
                        revokes: matches!(packet.body.get(1), Some(0x20 | 0x28 | 0x30)),
                        made_at: made_at(packet.body),
                        embedded: subpackets(packet.body, |kind| kind == EMBEDDED).len() as u64,
                    };
                    self.parts[at].signatures.push(signature);
                }
            }
            // The signatures on a user attribute or unknown packet are dropped, too.
            _ => self.keeping = None,
        }
    }

    /// The index of the part. Beyond the limit nothing more is read, and the certificate is refused.
    fn part(&mut self, packet: &RawPacket<'a>) -> usize {
        if let Some(at) = self.by_packet.get(packet.whole) {
            return *at;
        }
        if self.parts.len() <= MAX_PARTS {
            self.by_packet.insert(packet.whole, self.parts.len());
            self.parts.push(CertificatePart::new(packet));
        }
        self.parts.len() - 1
    }

    fn kept(mut self, allowance: &mut Allowance) -> Result<Vec<u8>, UnreadableCertificate> {
        let user_ids = self.parts.iter().filter(|part| part.tag == USER_ID).count();
        if self.parts.len() > MAX_PARTS || user_ids > MAX_USER_IDS {
            return Err(UnreadableCertificate::TooLarge);
        }
        if self.unbounded_subkeys > 0 && self.parts.iter().all(|part| part.tag != PUBLIC_SUBKEY) {
            return Err(UnreadableCertificate::Size);
        }
        self.drop_subkeys();
        self.parts.iter_mut().for_each(CertificatePart::dedup);
        let mut most = MAX_SIGNATURES;
        loop {
            self.parts.iter_mut().for_each(|part| part.cut(most));
            if self.signatures() <= MAX_ALL_SIGNATURES && allowance.spend(self.cost_us()) {
                break;
            }
            if most == 1 {
                return Err(UnreadableCertificate::TooCostly);
            }
            most /= 2;
        }
        self.count();
        let octets = self
            .parts
            .iter()
            .flat_map(|part| std::iter::once(part.whole).chain(part.signatures.iter().map(|one| one.whole)));
        let certificate = octets.collect::<Vec<_>>().concat();
        if certificate.len() > MAX_CERTIFICATE_OCTETS {
            Err(UnreadableCertificate::TooLarge)
        } else {
            Ok(certificate)
        }
    }

    /// Keeps the subkeys with the newest signatures.
    fn drop_subkeys(&mut self) {
        let mut subkeys: Vec<(u32, usize)> = (0..self.parts.len())
            .filter(|at| self.parts[*at].tag == PUBLIC_SUBKEY)
            .map(|at| (self.parts[at].newest(), at))
            .collect();
        subkeys.sort_unstable_by(|a, b| b.cmp(a));
        let dropped: BTreeSet<usize> = subkeys.into_iter().skip(MAX_SUBKEYS).map(|(_, at)| at).collect();
        let mut at = 0..;
        self.parts.retain(|_| at.next().is_none_or(|at| !dropped.contains(&at)));
    }

    fn signatures(&self) -> usize {
        self.parts.iter().map(|part| part.signatures.len()).sum()
    }

    /// The cost in µs of verifying all of its signatures.
    fn cost_us(&self) -> u64 {
        let primary = &self.parts[0];
        let search_us = search_us(self.parts.iter().map(|part| primary.whole.len() + part.whole.len()));
        let each = self.parts.iter().flat_map(|part| {
            part.signatures
                .iter()
                .map(move |one| primary.verification_us + search_us + one.embedded * part.verification_us)
        });
        each.sum()
    }

    /// Counts the verifications for the tests.
    fn count(&self) {
        #[cfg(any(test, feature = "testing"))]
        {
            let each = self.parts.iter().flat_map(|part| &part.signatures).map(|one| 1 + one.embedded);
            crate::testing::verifications::add(&self.issuer.fingerprint, each.sum());
        }
    }

    /// Whether the signature claims to be by the primary key. A false claim is harmless, because the library
    /// verifies it.
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
        // Version 3 signatures have no subpackets. The library refuses them in any case.
        !named && body.first() != Some(&3)
    }
}

/// The creation time in the signature, in seconds; 0 if it has none.
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

    fn certificates(data: &[u8], most: usize) -> Result<Vec<Vec<u8>>, UnreadableCertificate> {
        super::certificates(data, most, &mut Allowance::whole())
    }

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
        let kept = |numbers, signatures| {
            let data = key(numbers, None, signatures, sealist_mail::Timestamp(1_800_000_000_000));
            let kept = certificates(&data, 1).unwrap();
            Packets::new(&kept[0]).flatten().filter(|packet| packet.tag == SIGNATURE).count()
        };
        // 64 signatures on each of eight user ids, then on each of ten.
        assert_eq!(kept(Numbers::Rsa(2048, 17), MAX_ALL_SIGNATURES), MAX_ALL_SIGNATURES);
        assert_eq!(kept(Numbers::Rsa(2048, 17), 640), 320);
        // Fewer signatures are kept if they are expensive to verify.
        assert_eq!(kept(Numbers::Brainpool, MAX_ALL_SIGNATURES), 64);
    }

    /// A certificate is refused by the numbers of its primary key, but not by those of a subkey, because
    /// anybody could have added the subkey to another person's key.
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
            assert_eq!(certificates(&key(numbers, None, 1, now), 1), Err(UnreadableCertificate::Size));
            assert_eq!(certificates(&key(good, Some(numbers), 1, now), 1), Err(UnreadableCertificate::Size));
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
        assert_eq!(certificates(&secret, 10), Err(UnreadableCertificate::SecretKey));
        assert_eq!(certificates(&[0xc6, 1, 3], 10), Err(UnreadableCertificate::Version(3)));
        assert_eq!(certificates(&[0xc6, 1, 5], 10), Err(UnreadableCertificate::Version(5)));
        assert_eq!(certificates(b"", 10), Err(UnreadableCertificate::Framing));
        assert_eq!(certificates(&[0xc6, 2, 4, 0, 0xc6, 2, 4, 1], 1), Err(UnreadableCertificate::TooLarge));
        // Octets after the first piece of a body are not checked.
        assert_eq!(
            certificates(&[&[0xc6, 0xe9][..], &[4; 512], &[1, 4]].concat(), 1),
            Err(UnreadableCertificate::Framing)
        );
    }

    /// A key packet of Ed25519.
    const KEY: [u8; 8] = [0xc6, 6, 4, 0, 0, 0, 0, 27];

    #[test]
    fn too_many_user_ids_are_refused() {
        let with = |count: u8| {
            let user_ids = (0..count).flat_map(|number| [0xcd, 1, number]);
            certificates(&KEY.into_iter().chain(user_ids).collect::<Vec<u8>>(), 1)
        };
        let most = u8::try_from(MAX_USER_IDS).unwrap();
        assert_eq!(with(most).unwrap()[0].len(), KEY.len() + 3 * MAX_USER_IDS);
        assert_eq!(with(most + 1), Err(UnreadableCertificate::TooLarge));
    }

    /// A signature of that kind with that creation time.
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
            let subkeys =
                times.iter().flat_map(|at| [&[0xce, 5, 4][..], &at.to_be_bytes(), &made(0x18, *at)].concat());
            let kept = certificates(&KEY.into_iter().chain(subkeys).collect::<Vec<u8>>(), 1).unwrap();
            assert_eq!(kept[0].len(), KEY.len() + 21 * MAX_SUBKEYS);
            let is_there = |at| kept[0].windows(14).any(|window| window == made(0x18, at));
            assert!(is_there(300) && is_there(237) && !is_there(236));

            let signatures = times.iter().flat_map(|at| made(if *at == 1 { 0x20 } else { 0x1f }, *at));
            let kept = certificates(&KEY.into_iter().chain(signatures).collect::<Vec<u8>>(), 1).unwrap();
            let is_there = |kind, at| kept[0].windows(14).any(|window| window == made(kind, at));
            assert_eq!(kept[0].len(), KEY.len() + 14 * MAX_SIGNATURES);
            assert!(
                is_there(0x20, 1) && is_there(0x1f, 300) && !is_there(0x1f, 2),
                "a revocation comes first"
            );
        }
    }

    #[test]
    fn what_comes_twice_is_there_once() {
        let user_id = [&[0xcd, 1, b'a'][..], &made(0x13, 1), &made(0x13, 1)].concat();
        let other = [&[0xcd, 1, b'b'][..], &made(0x13, 2)].concat();
        let again = [&[0xcd, 1, b'a'][..], &made(0x13, 3)].concat();
        let one = [&KEY[..], &user_id, &other].concat();
        let merged = [&KEY[..], &[0xcd, 1, b'a'], &made(0x13, 1), &made(0x13, 3), &other].concat();
        let foreign = [0xc6, 6, 4, 0, 0, 0, 1, 27];
        let data = [&one.repeat(200)[..], &foreign, &KEY, &again].concat();
        assert_eq!(certificates(&data, 2), Ok(vec![merged, foreign.to_vec()]));
    }

    proptest! {
        #[test]
        fn nothing_panics(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = certificates(&data, 3);
            issuer_subpackets(&data);
        }
    }
}
