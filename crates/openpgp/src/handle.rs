//! Handles: a number of ours in a form that tells nothing and that nobody else can make.

use crate::mac::{self, MacKey};

/// 64 bits of proof, 48 bits of number.
const TAG_OCTETS: usize = 8;
const NUMBER_OCTETS: usize = 6;

impl MacKey {
    /// The handle of a number for that purpose: 28 hexadecimal digits. The same number has the same handle.
    pub fn handle(&self, purpose: &str, number: i64) -> String {
        let [_, _, number @ ..] = number.to_be_bytes();
        let tag: [u8; TAG_OCTETS] = self.proof(purpose, number);
        let hidden = self.hidden(purpose, tag, number);
        tag.iter().chain(&hidden).map(|octet| format!("{octet:02x}")).collect()
    }

    /// The number behind a handle; `None` if it was not made here for that purpose.
    pub fn read_handle(&self, purpose: &str, handle: &str) -> Option<i64> {
        let octets: Vec<u8> = (0..TAG_OCTETS + NUMBER_OCTETS)
            .map(|at| u8::from_str_radix(handle.get(2 * at..2 * at + 2)?, 16).ok())
            .collect::<Option<_>>()?;
        if handle.len() != 2 * octets.len() {
            return None;
        }
        let (tag, hidden) = octets.split_first_chunk::<TAG_OCTETS>()?;
        let number = self.hidden(purpose, *tag, hidden.try_into().ok()?);
        let [a, b, c, d, e, f] = number;
        let known = mac::equal(tag, &self.proof(purpose, number));
        known.then(|| i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    fn proof(&self, purpose: &str, number: [u8; NUMBER_OCTETS]) -> [u8; TAG_OCTETS] {
        let tag = self.tag(&[b"handle", purpose.as_bytes(), &number]);
        std::array::from_fn(|at| tag[at])
    }

    /// Hides a number, or shows it again: the proof makes the pad, so that no two numbers share one.
    fn hidden(
        &self,
        purpose: &str,
        tag: [u8; TAG_OCTETS],
        number: [u8; NUMBER_OCTETS],
    ) -> [u8; NUMBER_OCTETS] {
        let pad = self.tag(&[b"handle pad", purpose.as_bytes(), &tag]);
        std::array::from_fn(|at| number[at] ^ pad[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_what_was_made_here_is_read(number in 0..1_i64 << 48, guess in "[0-9a-f]{28}", at in 0..28_usize) {
            let key = MacKey::new([7; 32]);
            let handle = key.handle("bounce", number);
            prop_assert_eq!(key.read_handle("bounce", &handle), Some(number));
            prop_assert_eq!(key.read_handle("other", &handle), None);
            prop_assert_eq!(MacKey::new([8; 32]).read_handle("bounce", &handle), None);
            prop_assert_eq!(key.read_handle("bounce", &guess), None);
            let mut bent = handle.into_bytes();
            bent[at] = if bent[at] == b'0' { b'1' } else { b'0' };
            prop_assert_eq!(key.read_handle("bounce", &String::from_utf8(bent).unwrap()), None);
        }

        #[test]
        fn nothing_panics(text in any::<String>()) {
            MacKey::new([7; 32]).read_handle("bounce", &text);
        }
    }
}
