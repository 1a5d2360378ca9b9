//! Ids by which programs outside know users and members. Mailman's REST API writes them with 32 hex digits
//! (version 3.1), and as a decimal number (version 3.0).

/// An id of 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniqueId(u128);

impl UniqueId {
    /// The id that those random octets make.
    pub fn from_octets(octets: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(octets))
    }

    /// Reads 32 hex digits of either case, with or without the dashes of RFC 9562.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let is_hex = digits.len() == 32 && digits.bytes().all(|octet| octet.is_ascii_hexdigit());
        is_hex.then(|| u128::from_str_radix(&digits, 16).ok().map(Self)).flatten()
    }

    /// The id as a decimal number.
    pub fn decimal(self) -> String {
        self.0.to_string()
    }
}

/// 32 hex digits, lower case.
impl std::fmt::Display for UniqueId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl serde::Serialize for UniqueId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_hex_and_written_in_both_forms() {
        for (hex, decimal) in [
            ("00000000000000000000000000000001", "1"),
            ("ffffffffffffffffffffffffffffffff", "340282366920938463463374607431768211455"),
            ("0123456789abcdef0123456789abcdef", "1512366075204170929049582354406559215"),
        ] {
            let id = UniqueId::from_hex(hex).unwrap();
            assert_eq!((id.to_string().as_str(), id.decimal().as_str()), (hex, decimal));
            assert_eq!(UniqueId::from_hex(&hex.to_uppercase()), Some(id));
        }
        let dashed = UniqueId::from_hex("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        assert_eq!(dashed.to_string(), "0123456789abcdef0123456789abcdef");
    }

    #[test]
    fn nothing_else_is_an_id() {
        for text in ["", "1", "+0000000000000000000000000000001", "g0000000000000000000000000000000", "é"] {
            assert_eq!(UniqueId::from_hex(text), None, "{text}");
        }
    }
}
