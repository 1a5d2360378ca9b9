//! Base32 of [RFC 4648, section 6](https://www.rfc-editor.org/rfc/rfc4648#section-6) in lower case and
//! without padding. Text in addresses must survive servers and programs that change its case.

/// The digits, by their value.
pub(crate) const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Encodes octets, whose number must be a multiple of five, as eight digits per five octets.
pub(crate) fn encode(octets: &[u8]) -> String {
    let digits = octets.chunks(5).flat_map(|five| {
        let bits = five.iter().fold(0_u64, |bits, octet| bits << 8 | u64::from(*octet));
        (0..8).rev().map(move |digit| DIGITS[(bits >> (5 * digit) & 31) as usize])
    });
    digits.map(char::from).collect()
}

/// Decodes digits in either case. Returns `None` if the text is not base32.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(8) {
        return None;
    }
    let mut octets = Vec::with_capacity(text.len() / 8 * 5);
    for eight in text.as_bytes().chunks(8) {
        let mut bits = 0_u64;
        for digit in eight {
            let value = DIGITS.iter().position(|known| known.eq_ignore_ascii_case(digit))?;
            bits = bits << 5 | u64::try_from(value).ok()?;
        }
        octets.extend_from_slice(&bits.to_be_bytes()[3..]);
    }
    Some(octets)
}
