//! What a message says, as far as rules may look at it: the header and the first lines.
//!
//! If OpenPGP protects the header, rules see the protected one, and the first lines are those of the opened
//! message: what whoever carried the message wrote outside counts for nothing. Handlers begin with the same
//! header.

use sealist_mail::{Entity, Headers, first_text};
use sealist_openpgp::Opened;
use zeroize::Zeroizing;

/// The header and the text of a message. Holds cleartext: no Debug.
pub struct MessageContent<'m> {
    message: &'m [u8],
    opened: Option<&'m Opened>,
    headers: Headers,
}

impl<'m> MessageContent<'m> {
    /// Takes a message as it came, with what came out of it if the list has OpenPGP.
    pub fn new(message: &'m [u8], opened: Option<&'m Opened>) -> Self {
        let protected = opened.and_then(Opened::protected_headers);
        let headers = protected.unwrap_or_else(|| Headers::parse(message).0);
        Self { message, opened, headers }
    }

    /// Returns the header that counts: the protected one if there is one.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the first lines of the text that are not empty, at most that many. The text is decoded anew at
    /// each call, because few rules ask for it.
    pub fn first_lines(&self, most: usize) -> Vec<Zeroizing<String>> {
        let text = match self.opened {
            Some(opened) => opened.text(),
            None => Zeroizing::new(first_text(&Entity::parse(self.message))),
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.take(most).map(|line| Zeroizing::new(line.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_see_header_and_first_lines() {
        let message = b"Subject: =?utf-8?q?caf=C3=A9?=\r\nTo: a@x.example\r\nContent-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\n\r\n  one =\r\nline\r\n\r\ncaf=C3=A9\r\nthree\r\n";
        let content = MessageContent::new(message, None);
        assert_eq!(content.headers().text("subject").as_deref(), Some("café"));
        let lines: Vec<String> = content.first_lines(2).iter().map(|line| line.to_string()).collect();
        assert_eq!(lines, ["one line", "café"]);
    }
}
