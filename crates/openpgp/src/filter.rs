//! A streaming filter for certificates, before the library sees them.
//!
//! Keeps the primary key, its user ids and subkeys and what the primary key itself signed; third-party
//! signatures, user attributes and everything over the limits are dropped. A certificate with 150,000
//! foreign signatures would otherwise cost half a gigabyte.

use crate::certificate::MAX_OCTETS;
use crate::framing::{BadFraming, Packets, RawPacket};

const SIGNATURE: u8 = 2;
const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;
const USER_ID: u8 = 13;
const SECRET_KEY: u8 = 5;
const SECRET_SUBKEY: u8 = 7;

/// User ids, and subkeys, of one certificate.
const MAX_COMPONENTS: usize = 20;
/// Signatures on one component.
const MAX_SIGNATURES: usize = 64;
/// Signatures on one certificate: each is verified.
const MAX_ALL_SIGNATURES: usize = 256;
/// Octets of a user id.
const MAX_USER_ID_OCTETS: usize = 2048;

/// What stands in the way of reading a certificate at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Framing,
    SecretKey,
    Version(u8),
    TooLarge,
}

impl From<BadFraming> for Unfit {
    fn from(_: BadFraming) -> Self {
        Self::Framing
    }
}

/// Splits binary data into certificates and filters each.
pub(crate) fn certificates(data: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Unfit> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut state: Option<Current> = None;
    for packet in Packets::new(data) {
        let packet = packet?;
        match packet.tag {
            SECRET_KEY | SECRET_SUBKEY => return Err(Unfit::SecretKey),
            PUBLIC_KEY => {
                match packet.body.first() {
                    Some(4 | 6) => {}
                    version => return Err(Unfit::Version(version.copied().unwrap_or_default())),
                }
                if found.len() == most {
                    return Err(Unfit::TooLarge);
                }
                found.push(packet.whole.to_vec());
                state = Some(Current::new(&packet));
            }
            _ => {
                let (Some(current), Some(kept)) = (state.as_mut(), found.last_mut()) else {
                    continue; // anything before the first key belongs to no certificate
                };
                if current.keeps(&packet) {
                    kept.extend_from_slice(packet.whole);
                    if kept.len() > MAX_OCTETS {
                        return Err(Unfit::TooLarge);
                    }
                }
            }
        }
    }
    if found.is_empty() { Err(Unfit::Framing) } else { Ok(found) }
}

/// The certificate being read.
struct Current {
    issuer: Issuer,
    components: [usize; 2],
    signatures: usize,
    all_signatures: usize,
    /// Whether the component that signatures now belong to was kept.
    keeping: bool,
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

impl Current {
    fn new(primary: &RawPacket<'_>) -> Self {
        let issuer = Issuer { fingerprint: fingerprint(primary.body) };
        Self { issuer, components: [0, 0], signatures: 0, all_signatures: 0, keeping: true }
    }

    fn keeps(&mut self, packet: &RawPacket<'_>) -> bool {
        match packet.tag {
            USER_ID | PUBLIC_SUBKEY => {
                let seen = &mut self.components[usize::from(packet.tag == USER_ID)];
                *seen += 1;
                self.signatures = 0;
                self.keeping = *seen <= MAX_COMPONENTS
                    && (packet.tag != USER_ID || packet.body.len() <= MAX_USER_ID_OCTETS);
                self.keeping
            }
            SIGNATURE => {
                let room = self.signatures < MAX_SIGNATURES && self.all_signatures < MAX_ALL_SIGNATURES;
                let keep = self.keeping && room && self.is_own(packet.body);
                self.signatures += usize::from(keep);
                self.all_signatures += usize::from(keep);
                keep
            }
            _ => {
                // A user attribute or something unknown: its signatures go with it.
                self.keeping = false;
                false
            }
        }
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

/// The issuer subpackets of a v4 or v6 signature ([RFC 9580, section 5.2.3]).
fn issuer_subpackets(body: &[u8]) -> Vec<(u8, &[u8])> {
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
            if matches!(kind & 0x7f, 16 | 33) {
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
    fn secret_keys_and_old_versions_are_named() {
        let secret = cert("anne@example.org").as_tsk().to_vec().unwrap();
        assert_eq!(certificates(&secret, 10), Err(Unfit::SecretKey));
        assert_eq!(certificates(&[0xc6, 1, 3], 10), Err(Unfit::Version(3)));
        assert_eq!(certificates(&[0xc6, 1, 5], 10), Err(Unfit::Version(5)));
        assert_eq!(certificates(b"", 10), Err(Unfit::Framing));
        assert_eq!(certificates(&[0xc6, 1, 4, 0xc6, 1, 4], 1), Err(Unfit::TooLarge));
    }

    #[test]
    fn user_ids_are_limited() {
        let mut data = vec![0xc6, 1, 4];
        for _ in 0..1000 {
            data.extend_from_slice(&[0xcd, 1, b'x']);
        }
        assert_eq!(certificates(&data, 1).unwrap()[0].len(), 3 + 3 * MAX_COMPONENTS);
    }

    proptest! {
        #[test]
        fn nothing_panics(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = certificates(&data, 3);
            issuer_subpackets(&data);
        }
    }
}
