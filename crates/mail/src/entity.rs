//! A MIME entity: a header and a body, of a message or of a part.

use crate::content_type::ContentType;
use crate::headers::Headers;
use crate::transfer;

/// A parsed view of some bytes; the body borrows from them.
pub struct Entity<'a> {
    /// The header.
    pub headers: Headers,
    /// The body as it stands, still encoded.
    pub body: &'a [u8],
}

impl<'a> Entity<'a> {
    /// Splits header and body. Never fails.
    pub fn parse(bytes: &'a [u8]) -> Self {
        let (headers, body) = Headers::parse(bytes);
        Self { headers, body: &bytes[body..] }
    }

    /// The media type; that of plain text if there is none or it cannot be read.
    pub fn content_type(&self) -> ContentType {
        self.headers
            .text("content-type")
            .and_then(|value| ContentType::parse(&value))
            .unwrap_or_else(ContentType::plain_text)
    }

    /// The body without its transfer encoding; `None` if it is not what it claims to be.
    pub fn decoded_body(&self) -> Option<Vec<u8>> {
        transfer::decode(self.body, &self.headers.text("content-transfer-encoding").unwrap_or_default())
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
