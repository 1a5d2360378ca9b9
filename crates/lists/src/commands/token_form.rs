//! The form of a token: the word by which somebody answers a question.

/// The number of letters and digits of a token (`openpgp::Token`).
pub(super) const TOKEN_CHARS: usize = 32;

/// Whether a word has the form of a token.
pub fn is_token(word: &str) -> bool {
    word.len() == TOKEN_CHARS && word.bytes().all(|octet| matches!(octet, b'a'..=b'z' | b'2'..=b'7'))
}
