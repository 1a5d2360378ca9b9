//! Limits on the numbers of a public key ([RFC 9580, section 5.5.5]). The cost of verifying or encrypting
//! with a number grows with the cube of its length, and a stranger's key may have hundreds of signatures.

/// The limits for one algorithm.
struct Size {
    /// The ids of the algorithm ([RFC 9580, section 9.1]).
    algorithms: &'static [u8],
    /// The largest length in bits of each number, in order.
    max_bits: &'static [usize],
}

/// Algorithms with numbers of any length. Algorithms on curves have fixed lengths.
const SIZES: &[Size] = &[
    // RSA: modulus and exponent. Programs make keys of 4096 bits, or 8192 on request, and use exponents from
    // 3 to 65537.
    Size { algorithms: &[1, 2, 3], max_bits: &[8192, 32] },
    // Elgamal: prime, generator and value.
    Size { algorithms: &[16, 20], max_bits: &[4096, 4096, 4096] },
    // DSA: prime, order, generator and value (FIPS 186-4).
    Size { algorithms: &[17], max_bits: &[3072, 256, 3072, 3072] },
];

/// The octets in the body of a key packet before the algorithm: the version and the creation time.
const BEFORE_ALGORITHM: usize = 5;
/// In version 6 the total length precedes the numbers.
const LENGTH_OCTETS: usize = 4;

/// Whether all numbers in the body of a version 4 or 6 key packet are within the limits. An unreadable number
/// is ignored.
pub(crate) fn are_bounded(body: &[u8]) -> bool {
    let (algorithm, numbers) = numbers(body);
    let size = algorithm.and_then(|id| SIZES.iter().find(|size| size.algorithms.contains(&id)));
    size.is_none_or(|size| numbers.iter().zip(size.max_bits).all(|(bits, most)| bits <= most))
}

/// The algorithm in a key packet's body, and the lengths in bits of its numbers, in order, if the algorithm
/// has a [`Size`]. An unreadable number is left out.
pub(crate) fn numbers(body: &[u8]) -> (Option<u8>, Vec<usize>) {
    let algorithm = body.get(BEFORE_ALGORITHM).copied();
    let size = algorithm.and_then(|id| SIZES.iter().find(|size| size.algorithms.contains(&id)));
    let start = BEFORE_ALGORITHM + 1 + if body.first() == Some(&6) { LENGTH_OCTETS } else { 0 };
    let mut rest = body.get(start..).unwrap_or_default();
    let mut numbers = Vec::new();
    for _number in size.map_or(&[][..], |size| size.max_bits) {
        let Some((bits, behind)) = rest.split_first_chunk::<2>() else { break };
        let bits = usize::from(u16::from_be_bytes(*bits));
        numbers.push(bits);
        rest = behind.get(bits.div_ceil(8)..).unwrap_or_default();
    }
    (algorithm, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(version: u8, algorithm: u8, bits: &[usize]) -> Vec<u8> {
        let numbers = bits.iter().flat_map(|bits| {
            let head = u16::try_from(*bits).unwrap().to_be_bytes();
            head.into_iter().chain(std::iter::repeat_n(0xff, bits.div_ceil(8)))
        });
        let length = if version == 6 { &[0; LENGTH_OCTETS][..] } else { &[] };
        [&[version, 0, 0, 0, 0, algorithm], length, &numbers.collect::<Vec<u8>>()].concat()
    }

    #[test]
    fn each_number_has_its_bound() {
        for version in [4, 6] {
            for size in SIZES {
                for algorithm in size.algorithms {
                    assert!(are_bounded(&body(version, *algorithm, size.max_bits)));
                    for at in 0..size.max_bits.len() {
                        let mut bits = size.max_bits.to_vec();
                        bits[at] += 1;
                        assert!(!are_bounded(&body(version, *algorithm, &bits)), "{algorithm}: number {at}");
                    }
                }
            }
            assert!(are_bounded(&body(version, 22, &[60_000])), "curves are the library's");
        }
    }

    #[test]
    fn what_is_cut_off_is_left_to_the_library() {
        let whole = body(4, 1, &[2048, 17]);
        assert!((0..whole.len()).all(|octets| are_bounded(&whole[..octets])));
    }
}
