//! Letters that look like other letters ([UTS 39]).
//!
//! [UTS 39]: https://www.unicode.org/reports/tr39/

use unicode_security::MixedScript as _;

use crate::address::Address;

/// Whether two names look alike. Scripts, case, and characters that are neither letters nor digits are
/// ignored.
pub fn looks_like(one: &str, other: &str) -> bool {
    let lower = |name: &str| skeleton(&name.to_lowercase());
    skeleton(one) == skeleton(other) || lower(one) == lower(other)
}

/// Whether the local part or a label of the domain mixes scripts that are not normally written together ([UTS
/// 39, section 5.1]).
pub fn mixes_scripts(address: &Address) -> bool {
    let mut parts = std::iter::once(address.local()).chain(address.domain().split('.'));
    parts.any(|part| !part.is_single_script())
}

/// The letters and digits, each replaced by the character that it looks like ([UTS 39, section 4]).
fn skeleton(name: &str) -> String {
    unicode_security::skeleton(name).filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_look_alike() {
        fn check(one: &str, other: &str, expected: bool) {
            assert_eq!(looks_like(one, other), expected, "{one} {other}");
        }
        for other in [
            "Anne Mill",
            "anne mill",
            "AnneMill",
            "Anne. Mill",
            "Аnne Mill",
            "Αnne Mill",
            "Anne MiII",
            "Аnnе Міll",
        ] {
            check("Anne Mill", other, true);
            check(other, "Anne Mill", true);
        }
        for other in ["Anna Mill", "Anne", "Anne Mills", "Ünne Mill", ""] {
            check("Anne Mill", other, false);
        }
        check("Müller", "Mu\u{308}ller", true);
        check("owner", "оwnеr", true);
        check("modern", "modem", true);
    }

    #[test]
    fn an_address_mixes_scripts() {
        fn check(address: &str, expected: bool) {
            assert_eq!(mixes_scripts(&address.parse().unwrap()), expected, "{address}");
        }
        for address in [
            "anne.mueller-1@lists.example",
            "jörg@müller.example",
            "иван@почта.example",
            "иван2@example.рф",
            "山田たろう@example.jp",
            "김철수@example.kr",
            "anne@xn--mller-kva.example",
        ] {
            check(address, false);
        }
        for address in
            ["аnne@lists.example", "anne@ехample.org", "annе@xn--e1afmkfd.example", "αnne@lists.example"]
        {
            check(address, true);
        }
    }
}
