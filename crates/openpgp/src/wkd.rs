//! The place where a domain publishes the key of an address: Web Key Directory
//! (draft-koch-openpgp-webkey-service).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// The alphabet of z-base-32, whose characters are hard to confuse.
const ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// The file name of a local part: z-base-32 of the SHA-1 of the local part in lower case.
pub fn file_name(local: &str) -> String {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, local.to_ascii_lowercase().as_bytes());
    zbase32(digest.as_ref())
}

/// 160 bits are 32 digits, with nothing left over.
fn zbase32(octets: &[u8]) -> String {
    let mut digits = String::new();
    for five in octets.chunks(5) {
        let number = five.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
        for digit in (0..8).rev() {
            digits.push(char::from(ALPHABET[(number >> (5 * digit) & 31) as usize]));
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first name is from the draft, the others are from `gpg-wks-client --print-wkd-hash`.
    #[test]
    fn a_local_part_has_its_file_name() {
        fn check(local: &str, expected: &str) {
            assert_eq!(file_name(local), expected, "{local}");
        }
        check("Joe.Doe", "iy9q119eutrkn8s1mk4r39qejnbu3n5q");
        check("joe.doe", "iy9q119eutrkn8s1mk4r39qejnbu3n5q");
        check("team", "4jeaxzyuxh4htn6eb5rc8977sf7i7qdu");
        check("team-request", "9qpzkfz5azy311fzzjnf5iscmo1bo3nr");
    }
}
