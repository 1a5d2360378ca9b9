//! The envelope of a message: whom the MAIL command named, and the token of a `-confirm` address.
//!
//! It is stored in front of the message, under the same seal, so that nobody who reads the database learns
//! more of an encrypting list than the queue row says. The envelope is one line, or two for a `-confirm`
//! address, in the form of header fields. Nobody but this file reads or writes these lines: what a sender
//! puts into a message is never taken for an envelope.

use sealist_lists::model::SubAddress;
use sealist_mail::origin::EnvelopeSender;

/// The name of the line with the envelope sender ([RFC 5321, section 4.4]).
const RETURN_PATH: &str = "Return-Path";
/// The name of the line with the token.
const CONFIRM: &str = "X-Sealist-Confirm";

/// The envelope of one message to one sub-address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredEnvelope {
    /// The envelope sender as it was given, without brackets; empty: none.
    pub(crate) path: String,
    /// The text after the `+` of a `-confirm` address. `None` at other addresses.
    pub(crate) confirm_token: Option<String>,
}

impl StoredEnvelope {
    /// Returns the lines that stand in front of the message.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut lines = format!("{RETURN_PATH}: <{}>\r\n", self.path);
        if let Some(token) = &self.confirm_token {
            lines.push_str(&format!("{CONFIRM}: {token}\r\n"));
        }
        lines.into_bytes()
    }

    /// Reads the envelope in front of what is stored for a sub-address. Returns it with the number of octets
    /// that it takes. `None`: there is no envelope, because an importer or an old version stored the message
    /// without one.
    pub(crate) fn read(sub_address: SubAddress, stored: &[u8]) -> Option<(Self, usize)> {
        let (path, mut octets) = line(stored, RETURN_PATH)?;
        let path = path.strip_prefix('<')?.strip_suffix('>')?.to_owned();
        let token = match sub_address {
            SubAddress::Confirm => line(&stored[octets..], CONFIRM),
            _ => None,
        };
        if let Some((_, more)) = token {
            octets += more;
        }
        Some((Self { path, confirm_token: token.map(|(token, _)| token.to_owned()) }, octets))
    }

    /// Returns the envelope sender.
    pub(crate) fn sender(&self) -> EnvelopeSender {
        EnvelopeSender::read(&self.path)
    }
}

/// Returns the value of the first line if it has that name, and the octets of the line.
fn line<'a>(octets: &'a [u8], name: &str) -> Option<(&'a str, usize)> {
    let rest = octets.strip_prefix(name.as_bytes())?.strip_prefix(b": ")?;
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    let value = std::str::from_utf8(&rest[..end]).ok()?;
    Some((value, octets.len() - rest.len() + end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sub_address: SubAddress, path: &str, token: Option<&str>, message: &str) {
        let envelope = StoredEnvelope { path: path.to_owned(), confirm_token: token.map(str::to_owned) };
        let stored = [&envelope.to_bytes()[..], message.as_bytes()].concat();
        let (read, begins) = StoredEnvelope::read(sub_address, &stored).expect("an envelope");
        assert_eq!((read, &stored[begins..]), (envelope, message.as_bytes()), "{path} {message:?}");
    }

    #[test]
    fn an_envelope_is_what_was_given_and_nothing_of_the_message() {
        for message in [
            "",
            "From: a\r\n\r\nwords\r\n",
            "Return-Path: <mallory@x.example>\r\n",
            "X-Sealist-Confirm: 1234\r\n\r\n",
            "\r\nX-Sealist-Confirm: 1234\r\n",
        ] {
            for path in ["", "anne@x.example", "a>b@x.example", "\"a b\"@x.example", "anné@x.example"] {
                check(SubAddress::Posting, path, None, message);
                check(SubAddress::Confirm, path, Some(""), message);
                check(SubAddress::Confirm, path, Some("abcd"), message);
            }
        }
    }

    #[test]
    fn a_message_without_an_envelope_has_none() {
        for stored in
            ["", "From: a\r\n\r\n", "Return-Path: anne\r\n", "Return-Path: <anne", "Return-Path:<a>\r\n"]
        {
            assert_eq!(StoredEnvelope::read(SubAddress::Posting, stored.as_bytes()), None, "{stored:?}");
        }
    }
}
