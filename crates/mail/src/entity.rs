//! A MIME entity: a header and a body, of a message or of a part.

use std::borrow::Cow;

use crate::content_type::ContentType;
use crate::headers::Headers;
use crate::transfer;

/// A parsed view of some bytes; the body borrows from them.
pub struct Entity<'a> {
    /// The header.
    pub headers: Headers,
    /// The body as it stands, still encoded.
    pub body: &'a [u8],
    untyped: Untyped,
}

/// What an entity is that does not say its type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Untyped {
    /// Plain text ([RFC 2045, section 5.2]).
    Text,
    /// A message, as a part of a digest is ([RFC 2046, section 5.1.5]).
    Message,
}

impl<'a> Entity<'a> {
    /// Splits header and body of a message. Never fails.
    pub fn parse(bytes: &'a [u8]) -> Self {
        let (headers, body) = Headers::parse(bytes);
        Self { headers, body: &bytes[body..], untyped: Untyped::Text }
    }

    /// The same of a part. The type of the multipart around the part decides what the part is if it does not say its own
    /// type: in a digest it is a message ([RFC 2046, section 5.1.5]).
    pub fn part_of(multipart: &ContentType, bytes: &'a [u8]) -> Self {
        let untyped = if multipart.is("multipart", "digest") { Untyped::Message } else { Untyped::Text };
        Self { untyped, ..Self::parse(bytes) }
    }

    /// The media type; without the field, plain text, or a message in a digest. Encoded words are none here
    /// ([RFC 2047, section 5]).
    pub fn content_type(&self) -> ContentType {
        match (self.headers.first("content-type"), self.untyped) {
            (Some(value), _) => ContentType::read(&value),
            (None, Untyped::Text) => ContentType::plain_text(),
            (None, Untyped::Message) => ContentType::message(),
        }
    }

    /// The body without its transfer encoding, borrowed where it has none; `None` if it is not what it claims to be.
    pub fn decoded_body(&self) -> Option<Cow<'a, [u8]>> {
        let encoding = self.headers.first("content-transfer-encoding").unwrap_or_default();
        transfer::decode(self.body, &String::from_utf8_lossy(&encoding))
    }

    /// Whether the body has no transfer encoding of its own, as a multipart must not ([RFC 2045, section 6.4]).
    pub fn has_bare_parts(&self) -> bool {
        let encoding = self.headers.first("content-transfer-encoding").unwrap_or_default();
        encoding.is_empty()
            || ["7bit", "8bit", "binary"].iter().any(|bare| encoding.eq_ignore_ascii_case(bare.as_bytes()))
    }

    /// Whether all programs take the fields that say how to read the entity for the same: none of them stands twice.
    pub fn has_one_reading(&self) -> bool {
        ["content-type", "content-transfer-encoding", "content-disposition"]
            .iter()
            .all(|name| self.headers.count(name) <= 1)
    }

    /// Whether all lines of the header, which end in CRLF, are fields with an empty line behind them: programs take others for
    /// words of the body, or leave them out. `octets`: the whole entity.
    pub fn has_whole_header(&self, octets: &[u8]) -> bool {
        let fields: usize = self.headers.fields().map(|field| field.as_bytes().len()).sum();
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        fields + b"\r\n".len() + self.body.len() == octets.len()
            && self.headers.fields().all(|field| is_name(field.name()))
    }

    /// The header fields that belong to the entity itself, not to the message: `Content-*`.
    pub fn content_headers(&self) -> Headers {
        self.headers
            .fields()
            .filter(|f| f.name().to_ascii_lowercase().starts_with("content-"))
            .cloned()
            .collect()
    }
}
