//! Links that open a message with a command ([RFC 6068]).
//!
//! [RFC 6068]: https://www.rfc-editor.org/rfc/rfc6068

use sealist_mail::Address;

/// A link in angle brackets. It opens a message to that address with the line as its text.
pub fn mailto(to: &Address, line: &str) -> String {
    let escape = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
            char::from(octet).to_string()
        }
        other => format!("%{other:02X}"),
    };
    let escaped = |text: &str| text.bytes().map(escape).collect::<String>();
    format!("<mailto:{}?subject=decision&body={}>", escaped(&to.to_string()), escaped(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_holds_the_line() {
        let to = "te%am+x@lists.example".parse().unwrap();
        let expected = "<mailto:te%25am%2Bx@lists.example?subject=decision&body=approve%20abc>";
        assert_eq!(mailto(&to, "approve abc"), expected);
    }
}
