//! Tokens: each answers one question, once.

use std::fmt;

use crate::base32;
use crate::mac::MacKey;

/// 160 random bits as 32 letters and digits. It has no Debug, because everybody who knows it may answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

const OCTETS: usize = 20;
impl Token {
    /// Makes a token from the system's random number generator.
    pub fn fresh() -> Self {
        let octets: [u8; OCTETS] = crate::random();
        Self(base32::encode(&octets))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl MacKey {
    /// The mark by which the database recognises a token. Case does not matter.
    pub fn token_mark(&self, token: &str) -> [u8; 32] {
        self.tag(&[b"token", token.to_lowercase().as_bytes()])
    }

    /// The mark of a token in an address. Every mail server on the way can read that token, so it allows
    /// less.
    pub fn address_token_mark(&self, token: &str) -> [u8; 32] {
        self.tag(&[b"address token", token.to_lowercase().as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base32::DIGITS;

    #[test]
    fn tokens_are_long_and_all_different() {
        let mut seen = std::collections::HashSet::new();
        let mut counts = [0_u32; 32];
        for _ in 0..2_000 {
            let token = Token::fresh().to_string();
            assert_eq!(token.len(), 32);
            for octet in token.bytes() {
                counts[DIGITS.iter().position(|digit| *digit == octet).unwrap()] += 1;
            }
            assert!(seen.insert(token));
        }
        // 64,000 digits: 2,000 of each. Chi-square with 31 degrees of freedom exceeds 80 once in two million.
        let chi: f64 = counts.iter().map(|count| (f64::from(*count) - 2_000.0).powi(2) / 2_000.0).sum();
        assert!(chi < 80.0, "{chi}");
    }

    #[test]
    fn a_mark_tells_nothing_and_knows_no_case() {
        let key = MacKey::new([7; 32]);
        assert_eq!(key.token_mark("AbC"), key.token_mark("abc"));
        assert_ne!(key.token_mark("abc"), MacKey::new([8; 32]).token_mark("abc"));
    }
}
