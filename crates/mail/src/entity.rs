//! A MIME entity: a header and a body, of a message or of a part.

use std::borrow::Cow;

use crate::content_type::ContentType;
use crate::headers::Headers;
use crate::transfer;

/// A parsed view of some bytes. The body borrows from them.
pub struct Entity<'a> {
    /// The header.
    pub headers: Headers,
    /// The body as it stands, still encoded.
    pub body: &'a [u8],
    untyped: Untyped,
}

/// What an entity without a Content-Type is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Untyped {
    /// Plain text ([RFC 2045, section 5.2]).
    Text,
    /// A message, as in a digest ([RFC 2046, section 5.1.5]).
    Message,
}

impl<'a> Entity<'a> {
    /// Splits header and body of a message. Never fails.
    pub fn parse(bytes: &'a [u8]) -> Self {
        let (headers, body) = Headers::parse(bytes);
        Self { headers, body: &bytes[body..], untyped: Untyped::Text }
    }

    /// Like [`Entity::parse`], for a part. The type of the surrounding multipart decides the type of a part
    /// that has no Content-Type: in a digest such a part is a message ([RFC 2046, section 5.1.5]).
    pub fn part_of(multipart: &ContentType, bytes: &'a [u8]) -> Self {
        let untyped = if multipart.is("multipart", "digest") { Untyped::Message } else { Untyped::Text };
        Self { untyped, ..Self::parse(bytes) }
    }

    /// The media type. Without the field it is plain text, or a message in a digest. Encoded words are not
    /// decoded here ([RFC 2047, section 5]).
    pub fn content_type(&self) -> ContentType {
        match (self.headers.first("content-type"), self.untyped) {
            (Some(value), _) => ContentType::read(&value),
            (None, Untyped::Text) => ContentType::plain_text(),
            (None, Untyped::Message) => ContentType::message(),
        }
    }

    /// The body with its transfer encoding removed, borrowed if there is none. Returns `None` if the body is
    /// not validly encoded.
    pub fn decoded_body(&self) -> Option<Cow<'a, [u8]>> {
        let encoding = self.headers.first("content-transfer-encoding").unwrap_or_default();
        transfer::decode(self.body, &String::from_utf8_lossy(&encoding))
    }

    /// Whether the body has no transfer encoding, as a multipart requires ([RFC 2045, section 6.4]).
    pub fn has_bare_parts(&self) -> bool {
        let encoding = self.headers.first("content-transfer-encoding").unwrap_or_default();
        encoding.is_empty()
            || ["7bit", "8bit", "binary"].iter().any(|bare| encoding.eq_ignore_ascii_case(bare.as_bytes()))
    }

    /// Whether all programs read the entity in the same way: none of the fields that define its encoding is
    /// there twice.
    pub fn has_one_reading(&self) -> bool {
        ["content-type", "content-transfer-encoding", "content-disposition"]
            .iter()
            .all(|name| self.headers.count(name) <= 1)
    }

    /// Whether all lines of the header end in CRLF and are fields, with an empty line after them. Programs
    /// take other lines for text of the body, or drop them. `octets` is the whole entity.
    pub fn has_whole_header(&self, octets: &[u8]) -> bool {
        let fields: usize = self.headers.fields().map(|field| field.as_bytes().len()).sum();
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        fields + b"\r\n".len() + self.body.len() == octets.len()
            && self.headers.fields().all(|field| is_name(field.name()))
    }

    /// The `Content-*` fields: those that belong to the entity, not to the message.
    pub fn content_headers(&self) -> Headers {
        self.headers
            .fields()
            .filter(|f| f.name().to_ascii_lowercase().starts_with("content-"))
            .cloned()
            .collect()
    }
}
