//! Whether words name an address: in any spelling of the address that the site can know, and not inside of a
//! longer address.

use std::collections::BTreeSet;

use sealist_mail::Address;

use crate::sql::query;
use crate::{Conn, StoreError};

/// The spellings of an address, in lower case.
pub(crate) struct Naming(BTreeSet<String>);

impl Naming {
    /// The spellings of an address: as it is given, as its person writes it, and as it is looked up.
    pub(super) async fn read(db: &mut Conn, address: &Address) -> Result<Self, StoreError> {
        let stored = query("SELECT email FROM addresses WHERE email_key = $1").bind(address.key());
        let stored = stored.fetch_optional(db).await?.map(|row| row.value::<String>()).transpose()?;
        let stored = stored.and_then(|stored| Address::from_stored(&stored));
        Ok(Self::new([address.clone()].into_iter().chain(stored)))
    }

    fn new(addresses: impl IntoIterator<Item = Address>) -> Self {
        let spellings =
            |one: Address| [one.key(), one.to_string().to_lowercase(), one.with_ascii_domain().to_string()];
        Self(addresses.into_iter().flat_map(spellings).map(|spelling| spelling.to_lowercase()).collect())
    }

    /// Whether words name the address.
    pub(crate) fn is_in(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        let stands_alone = |at: usize, spelling: &str| {
            let (before, after) = (&words[..at], &words[at + spelling.len()..]);
            !before.ends_with(|c: char| c.is_alphanumeric() || "._+-".contains(c))
                && !after.trim_start_matches('.').starts_with(|c: char| c.is_alphanumeric() || c == '-')
        };
        self.0
            .iter()
            .any(|spelling| words.match_indices(&**spelling).any(|(at, _)| stands_alone(at, spelling)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_an_address_in_any_spelling_and_no_longer_one() {
        fn check(address: &str, words: &str, expected: bool) {
            let naming = Naming::new([address.parse().unwrap()]);
            assert_eq!(naming.is_in(words), expected, "{address} in {words}");
        }
        for words in [
            "anne@x.example",
            "550 5.1.1 <Anne@X.Example>: unknown",
            "rcpt=anne@x.example.",
            "susanne@x.example, anne@x.example",
            r#"{"copy":{"email":"anne@x.example"}}"#,
            "anne@x.example ABCD",
        ] {
            check("anne@x.example", words, true);
        }
        for words in
            ["", "susanne@x.example", "b.anne@x.example", "anne@x.example.org", "anne@x.examples", "anne"]
        {
            check("anne@x.example", words, false);
        }
        check("o'brien@x.example", "to 'o'brien@x.example'", true);
        check("Änne@bücher.example", "<änne@xn--bcher-kva.example>", true);
        check("änne@xn--bcher-kva.example", "<ÄNNE@xn--bcher-kva.example>", true);
    }
}
