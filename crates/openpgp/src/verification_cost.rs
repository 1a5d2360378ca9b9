//! The cost of verifying the signatures on keys. It is counted before the library sees the keys, over all
//! keys of one message together, because a sender chooses the algorithms and the number of signatures.

use crate::key_sizes::numbers;

/// The most that all signatures on the keys of one message may cost, in µs, if each is verified once. The
/// keys of a message are read in at most three passes, so the real cost is at most three times as much.
pub(crate) const MAX_US: u64 = 50_000;
/// The cost in µs of parsing and hashing a signature.
const EACH_US: u64 = 15;
/// How many octets are hashed in a µs.
const HASHED_OCTETS: u64 = 400;
/// The fixed cost of a hash, expressed in octets.
const EACH_HASH_OCTETS: u64 = 200;

/// Ids of algorithms ([RFC 9580, section 9.1]).
const RSA: [u8; 3] = [1, 2, 3];
const DSA: u8 = 17;
const ECDSA: u8 = 19;
const EDDSA: u8 = 22;
const ED25519: u8 = 27;
const ED448: u8 = 28;

/// The cost in µs of one verification on a curve, by the object identifier ([RFC 9580, section 9.2]).
/// Measured with OpenSSL 3.0.
const CURVES: &[(&[u8], u64)] = &[
    // NIST P-256, P-384, P-521.
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 60),
    (&[0x2b, 0x81, 4, 0, 0x22], 450),
    (&[0x2b, 0x81, 4, 0, 0x23], 350),
    // brainpoolP256r1, brainpoolP384r1, brainpoolP512r1.
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], 250),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11], 500),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13], 750),
];
const EDWARDS_25519_US: u64 = 70;
const EDWARDS_448_US: u64 = 200;
/// The cost of an unknown algorithm: as much as that of the most expensive curve.
const UNKNOWN_US: u64 = 750;

/// The cost in µs of one verification with the key in the body of a key packet.
pub(crate) fn verification_us(body: &[u8]) -> u64 {
    let (algorithm, numbers) = numbers(body);
    let bits = |at: usize| numbers.get(at).map_or(0, |bits| *bits as u64);
    let own = match algorithm {
        // One squaring per bit of the exponent and, at worst, one multiplication.
        Some(id) if RSA.contains(&id) => bits(0) * bits(0) * bits(1).max(17) / 3_000_000,
        Some(DSA) => bits(0) * bits(0) * bits(1).max(160) / 5_500_000,
        Some(ECDSA) => curve(body).unwrap_or(UNKNOWN_US),
        Some(EDDSA | ED25519) => EDWARDS_25519_US,
        Some(ED448) => EDWARDS_448_US,
        _ => UNKNOWN_US,
    };
    EACH_US + own
}

fn curve(body: &[u8]) -> Option<u64> {
    let start = if body.first() == Some(&6) { 10 } else { 6 };
    let length = usize::from(*body.get(start)?);
    let id = body.get(start + 1..start + 1 + length)?;
    CURVES.iter().find(|(known, _)| *known == id).map(|(_, us)| *us)
}

/// The cost in µs of finding the component that a signature belongs to. The library tries all components,
/// which have these sizes in octets.
pub(crate) fn search_us(octets: impl IntoIterator<Item = usize>) -> u64 {
    octets.into_iter().map(|octets| octets as u64 + EACH_HASH_OCTETS).sum::<u64>() / HASHED_OCTETS
}

/// The rest of the allowance for the keys of one message.
pub(crate) struct Allowance {
    left_us: u64,
}

impl Allowance {
    /// The whole allowance.
    pub(crate) fn whole() -> Self {
        Self { left_us: MAX_US }
    }

    /// The whole allowance for each of that many keys, for which somebody vouches.
    pub(crate) fn of_keys(keys: usize) -> Self {
        Self { left_us: MAX_US * keys as u64 }
    }

    /// Takes that much from the allowance. Returns false and takes nothing if less is left.
    pub(crate) fn spend(&mut self, us: u64) -> bool {
        let left = self.left_us.checked_sub(us);
        self.left_us = left.unwrap_or(self.left_us);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The estimates lie between the shortest and the longest time that OpenSSL took, in µs.
    #[test]
    fn costly_numbers_count_more() {
        let rsa = |bits: u16, exponent: u16| {
            let number =
                |bits: u16| [&bits.to_be_bytes()[..], &vec![0xff; usize::from(bits).div_ceil(8)]].concat();
            verification_us(&[&[4, 0, 0, 0, 0, 1][..], &number(bits), &number(exponent)].concat())
        };
        let dsa = |bits: u16| {
            let number =
                |bits: u16| [&bits.to_be_bytes()[..], &vec![0xff; usize::from(bits).div_ceil(8)]].concat();
            let numbers = [bits, 256, bits, bits].map(number).concat();
            verification_us(&[&[4, 0, 0, 0, 0, 17][..], &numbers].concat())
        };
        let curve = |version: u8, algorithm: u8, id: &[u8]| {
            let length = if version == 6 { &[0; 4][..] } else { &[] };
            let id_length = u8::try_from(id.len()).unwrap();
            verification_us(&[&[version, 0, 0, 0, 0, algorithm], length, &[id_length], id].concat())
        };
        let check = |us: u64, least: u64, most: u64| assert!((least..=most).contains(&us), "{us}");
        check(rsa(2048, 17), 12, 60);
        check(rsa(4096, 17), 46, 150);
        check(rsa(8192, 32), 400, 1_000);
        check(dsa(2048), 160, 300);
        check(dsa(3072), 350, 600);
        for version in [4, 6] {
            check(curve(version, 27, &[]), 61, 100);
            for (id, us) in CURVES {
                check(curve(version, 19, id), *us, us + EACH_US);
            }
            check(curve(version, 19, &[1, 2, 3]), UNKNOWN_US, 1_000);
            check(curve(version, 99, &[]), UNKNOWN_US, 1_000);
        }
    }

    /// Whatever a stranger sends, the verifications of all keys of a message are paid from one allowance, and
    /// the keys of real people fit in it.
    #[test]
    fn a_message_has_one_allowance() {
        use crate::KeyMaterial;
        use crate::testing::heavy::{Numbers, key, keys, repeated_key};
        use crate::testing::verifications;
        let now = sealist_mail::Timestamp(1_800_000_000_000);
        let spent_us = |data: &[u8]| {
            let mut found = crate::filter::FoundCertificates::default();
            found.add(data, 100).unwrap();
            let kept: Vec<Vec<u8>> = found.into_kept(&mut Allowance::whole()).into_iter().flatten().collect();
            kept.iter().map(|one| crate::filter::cost_us(one)).sum::<u64>()
        };
        for numbers in [
            Numbers::Brainpool,
            Numbers::NistP521,
            Numbers::Rsa(8192, 32),
            Numbers::Dsa(3072, 256),
            Numbers::Ed25519,
        ] {
            for data in [
                key(numbers, None, 500, now),
                keys(5, numbers, 100, now),
                repeated_key(50, numbers, 100, now),
                key(numbers, Some(numbers), 64, now),
            ] {
                assert!((1..=MAX_US).contains(&spent_us(&data)));
            }
        }
        // The keys are verified once for the whole message, in however many blocks they are.
        let data = key(Numbers::Brainpool, None, 500, now);
        let half = data.len() / 2;
        let fingerprint = crate::Certificate::read_one(&data).unwrap().fingerprint();
        let of = |blocks: &[Vec<u8>]| {
            let before = verifications::of(&fingerprint);
            let _brought = KeyMaterial::of(blocks);
            verifications::of(&fingerprint) - before
        };
        assert_eq!(of(&[data[..half].to_vec()]), 0, "it is cut off");
        let once = of(&[data.clone(), data.clone(), data.repeat(3)]);
        assert!((1..=MAX_US / 750).contains(&once), "{once}");
    }

    #[test]
    fn nothing_is_taken_beyond_what_is_left() {
        let mut allowance = Allowance::whole();
        assert!(
            allowance.spend(MAX_US - 1) && !allowance.spend(2) && allowance.spend(1) && !allowance.spend(1)
        );
    }
}
