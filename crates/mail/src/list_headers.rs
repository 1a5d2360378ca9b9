//! The List-* fields ([RFC 2369]) and List-Id ([RFC 2919]).

use crate::address::Address;
use crate::encoded_word;
use crate::headers::Field;

/// What the fields say.
pub struct ListFields<'a> {
    /// For instance `team.lists.example`.
    pub list_id: &'a str,
    /// One line about the list; may be empty.
    pub description: &'a str,
    /// Whether people may post, and to which address.
    pub posting: Posting,
    /// The address for commands and help.
    pub request: Address,
    /// The address of the owners.
    pub owner: Address,
    /// The address to subscribe.
    pub join: Address,
    /// The address to unsubscribe.
    pub leave: Address,
    /// The URL of the archive, if it is visible.
    pub archive_url: Option<&'a str>,
}

/// What List-Post says.
pub enum Posting {
    /// Posts go to this address.
    Open(Address),
    /// `NO`: an announcement list.
    Closed,
}

/// The fields in their usual order.
pub fn fields(list: &ListFields<'_>) -> Vec<Field> {
    let id = format!("<{}>", list.list_id);
    let id = match list.description.trim() {
        "" => id,
        description => format!("{} {id}", encoded_word::phrase(description)),
    };
    let mailto = |address: &Address, query: &str| format!("<mailto:{}{query}>", uri_escaped(address));
    let post = match &list.posting {
        Posting::Open(address) => mailto(address, ""),
        Posting::Closed => "NO".to_owned(),
    };
    let mut values = vec![
        ("List-Id", id),
        ("List-Help", mailto(&list.request, "?subject=help")),
        ("List-Owner", mailto(&list.owner, "")),
        ("List-Post", post),
        ("List-Subscribe", mailto(&list.join, "")),
        ("List-Unsubscribe", mailto(&list.leave, "")),
    ];
    values.extend(list.archive_url.map(|url| ("List-Archive", format!("<{url}>"))));
    values.into_iter().filter_map(|(name, value)| Field::raw(name, &value).ok()).collect()
}

/// The address as part of a URI ([RFC 6068, section 2]).
fn uri_escaped(address: &Address) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' | b'@' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    address.to_string().bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_list_tells_how_to_use_it() {
        let address = |local: &str| format!("{local}@lists.example").parse().unwrap();
        let list = ListFields {
            list_id: "team.lists.example",
            description: "The tëam",
            posting: Posting::Open(address("te%am")),
            request: address("team-request"),
            owner: address("team-owner"),
            join: address("team-join"),
            leave: address("team-leave"),
            archive_url: None,
        };
        let text: String =
            fields(&list).iter().map(|f| String::from_utf8_lossy(f.as_bytes()).replace('\r', "")).collect();
        expect![[r#"
            List-Id: =?utf-8?b?VGhlIHTDq2Ft?= <team.lists.example>
            List-Help: <mailto:team-request@lists.example?subject=help>
            List-Owner: <mailto:team-owner@lists.example>
            List-Post: <mailto:te%25am@lists.example>
            List-Subscribe: <mailto:team-join@lists.example>
            List-Unsubscribe: <mailto:team-leave@lists.example>
        "#]]
        .assert_eq(&text);
    }
}
