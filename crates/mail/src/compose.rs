//! Builds parts, multiparts and the PGP/MIME wrapper of a sealed copy.

use crate::crlf::is_wire_form;
use crate::headers::{Field, Headers};
use crate::transfer;

/// A multipart boundary. It is long and contains a character outside the base64 alphabet, so that no
/// encrypted line contains it. (A mail program that looks for the boundary inside lines would otherwise show
/// nothing.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// Makes a boundary from 16 random bytes.
    pub fn from_entropy(entropy: [u8; 16]) -> Self {
        let digits: String = entropy.iter().map(|b| format!("{b:02x}")).collect();
        Self(format!("=-_{digits}_-="))
    }

    /// The text between the dashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A part of a message: its header and its encoded body, in wire form. A part may hold cleartext, so it has
/// no Debug.
pub struct Part(Vec<u8>);

/// The octets would have to be changed before they are sent: they contain a lone CR or LF, or a NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entity has line ends that cannot be sent")]
pub struct NotWireForm;

impl Part {
    /// An entity that somebody else made, byte for byte. Errs if it cannot be sent unchanged, because an
    /// entity that was judged must not be changed afterwards.
    pub fn entity(bytes: Vec<u8>) -> Result<Self, NotWireForm> {
        if is_wire_form(&bytes) { Ok(Self(bytes)) } else { Err(NotWireForm) }
    }

    /// Text for people, in UTF-8.
    pub fn text(text: &str) -> Self {
        let plain = |c: char| matches!(c, ' '..='~' | '\n' | '\t');
        let (encoding, body) = if text.chars().all(plain) && text.lines().all(|l| l.len() <= 76) {
            ("7bit", text.replace('\n', "\r\n").into_bytes())
        } else {
            ("quoted-printable", transfer::quoted_printable(text.as_bytes()))
        };
        let mut part = format!(
            "Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        )
        .into_bytes();
        part.extend_from_slice(&body);
        Self(part)
    }

    /// Text in another charset. The charset name is reduced to the characters that such names may have.
    pub fn text_in(charset: &str, bytes: &[u8]) -> Self {
        let charset: String =
            charset.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.:".contains(*c)).take(40).collect();
        let mut part = format!(
            "Content-Type: text/plain; charset=\"{charset}\"\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        )
        .into_bytes();
        part.extend_from_slice(&transfer::base64_lines(bytes));
        Self(part)
    }

    /// An attached file. `media_type` and `name` are constants or come from our database. Line ends and
    /// quotes in the name become spaces.
    pub fn attachment(name: &str, media_type: &str, bytes: &[u8]) -> Self {
        let name: String =
            name.chars().map(|c| if c.is_control() || c == '"' || c == '\\' { ' ' } else { c }).collect();
        let mut part = format!(
            "Content-Type: {media_type}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        )
        .into_bytes();
        part.extend_from_slice(&transfer::base64_lines(bytes));
        Self(part)
    }

    /// An attached message, or its beginning. Such a part is never encoded ([RFC 2046, section 5.2.1]), so a
    /// message that mail servers would not carry unencoded is attached as a file instead.
    pub fn message(name: &str, message: &[u8]) -> Self {
        let has_bare_ends = message.len() != crate::crlf::to_crlf(message).len();
        let is_long = message.split(|octet| *octet == b'\n').any(|line| line.len() > 999);
        if has_bare_ends || is_long || message.contains(&0) {
            // Mail programs open a file with this ending as a message.
            let name = name.strip_suffix(".eml").unwrap_or(name);
            return Self::attachment(&format!("{name}.bin"), "application/octet-stream", message);
        }
        let encoding = if message.is_ascii() { "7bit" } else { "8bit" };
        let mut part = format!(
            "Content-Type: message/rfc822; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        )
        .into_bytes();
        part.extend_from_slice(message);
        Self(part)
    }

    /// The octets of the part as they stand between two boundaries.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Like [`Part::as_bytes`], without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The Content-Type header and the body of a multipart of that subtype. `parts` hold the octets of [`Part`]s.
/// Nothing is repaired here, because any part may be covered by a signature.
pub fn multipart(subtype: &str, parts: &[Vec<u8>], boundary: &Boundary) -> (Headers, Vec<u8>) {
    let boundary = boundary.as_str();
    let mut body = Vec::with_capacity(parts.iter().map(|p| p.len() + 80).sum::<usize>() + 80);
    for part in parts {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        assert!(is_wire_form(part), "invariant: a part is in wire form before it is judged");
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = format!("multipart/{subtype}; boundary=\"{boundary}\"");
    let field = Field::raw("Content-Type", &content_type).expect("a boundary and a subtype hold no line end");
    (Headers::from_iter([field]), body)
}

/// How a header is protected.
#[derive(Clone, Copy)]
pub enum Protection<'a> {
    /// The header is encrypted. `outer` is the header outside the encryption.
    Cipher {
        /// The header outside.
        outer: &'a Headers,
    },
    /// The header is only signed. The same fields stand outside.
    Clear,
}

/// What header protection adds to the Content-Type field, before the value of `hp`.
const V1: &str = "; protected-headers=\"v1\"; hp=";

/// The header of the root of a payload, with header protection in both dialects: `protected-headers="v1"`,
/// which today's mail programs follow, and `hp` with HP-Outer inside encryption ([RFC 9788, section 2]).
///
/// `protected` holds the real fields.
pub fn protect(content: &Headers, protected: &Headers, protection: Protection<'_>) -> Headers {
    let mut headers = protected.clone();
    let (hp, outer) = match protection {
        Protection::Cipher { outer } => ("cipher", Some(outer)),
        Protection::Clear => ("clear", None),
    };
    for field in outer.into_iter().flat_map(Headers::fields) {
        let value = String::from_utf8_lossy(&field.value()).into_owned();
        headers.push(
            Field::raw("HP-Outer", &format!("{}: {value}", field.name()))
                .unwrap_or_else(|_| Field::text("HP-Outer", field.name())),
        );
    }
    for field in content.fields() {
        if field.is("content-type") {
            let value = String::from_utf8_lossy(&field.value()).into_owned();
            let value = format!("{value}{V1}\"{hp}\"");
            headers.push(Field::raw("Content-Type", &value).unwrap_or_else(|_| field.clone()));
        } else {
            headers.push(field.clone());
        }
    }
    headers
}

/// What [`protect`] was given: the parts of a protected header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProtectedParts {
    /// The Content-* fields without the parameters of header protection.
    pub content: Headers,
    /// The real fields.
    pub protected: Headers,
    /// The fields that HP-Outer names, which stand outside an encryption.
    pub outer: Headers,
}

/// Takes a protected header apart: the inverse of [`protect`]. A header without protection has Content-*
/// fields only.
pub fn unprotect(entity: &crate::entity::Entity<'_>) -> ProtectedParts {
    let mut content = entity.content_headers();
    let Some(protected) = protected_headers(entity) else {
        return ProtectedParts { content, ..ProtectedParts::default() };
    };
    if let Some(value) = entity.headers.first("content-type") {
        let value = String::from_utf8_lossy(&value).into_owned();
        let bare = value.split(V1).next().unwrap_or_default();
        content.set(Field::raw("Content-Type", bare).expect("a part of a field has no line end"));
    }
    let named = |field: &Field| {
        let value = String::from_utf8_lossy(&field.value()).into_owned();
        let (name, value) = value.split_once(':')?;
        Field::raw(name, value.trim_start()).ok()
    };
    let outer = entity.headers.all("hp-outer").filter_map(named).collect();
    ProtectedParts { content, protected, outer }
}

/// The octets before and after the armor of an encrypted message ([RFC 3156, section 4]). The first value
/// begins with the Content-Type field and ends where the armor begins.
pub fn encrypted_wrapper(boundary: &Boundary) -> (Vec<u8>, Vec<u8>) {
    let (head, tail) = encrypted_part(boundary);
    ([b"MIME-Version: 1.0\r\n", &head[..]].concat(), tail)
}

/// Like [`encrypted_wrapper`], without the field that only a message has.
pub fn encrypted_part(boundary: &Boundary) -> (Vec<u8>, Vec<u8>) {
    let boundary = boundary.as_str();
    let head = format!(
        "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: application/pgp-encrypted\r\nContent-Description: PGP/MIME version identification\r\n\r\nVersion: 1\r\n\r\n\
         --{boundary}\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\nContent-Description: OpenPGP encrypted message\r\nContent-Disposition: inline; filename=\"encrypted.asc\"\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    (head.into_bytes(), tail.into_bytes())
}

/// The header and body of a detached-signature message ([RFC 3156, section 5]): multipart/signed over exactly
/// `signed`, which must be an entity with CRLF line ends. `micalg` is one name, or several with commas
/// between them.
pub fn signed(signed: &[u8], signature_armor: &[u8], micalg: &str, boundary: &Boundary) -> Vec<u8> {
    let boundary = boundary.as_str();
    let mut out = format!(
        "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=\"{micalg}\";\r\n boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
    )
    .into_bytes();
    out.extend_from_slice(signed);
    out.extend_from_slice(format!("\r\n--{boundary}\r\nContent-Type: application/pgp-signature; name=\"signature.asc\"\r\nContent-Disposition: attachment; filename=\"signature.asc\"\r\n\r\n").as_bytes());
    out.extend_from_slice(&crate::crlf::to_crlf(signature_armor));
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    out
}

/// The header of `entity` that its author protected, in either dialect. Returns `None` if the root does not
/// declare header protection.
pub fn protected_headers(entity: &crate::entity::Entity<'_>) -> Option<Headers> {
    let content_type = entity.content_type();
    let v1 = content_type.parameter("protected-headers").is_some_and(|v| v.eq_ignore_ascii_case("v1"));
    let rfc9788 = content_type.parameter("hp").is_some_and(|v| matches!(v, "cipher" | "clear"));
    (v1 || rfc9788).then(|| {
        let mut headers = entity.headers.clone();
        headers.remove_where(|f| f.is("hp-outer") || f.name().to_ascii_lowercase().starts_with("content-"));
        headers
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Entity;
    use crate::multipart::split;
    use crate::rfc3156::{Shape, classify};
    use std::borrow::Cow;

    fn boundary() -> Boundary {
        Boundary::from_entropy([7; 16])
    }

    #[test]
    fn a_protected_header_comes_apart_as_it_was_given() {
        let field = |name: &str, value: &str| Field::raw(name, value).unwrap();
        let long = "word ".repeat(40);
        let protected: Headers = [
            Field::text("Subject", "où l'on parle"),
            field("From", "\"Anne: A; B\" <anne@example.org>"),
            field("X-Long", long.trim()),
        ]
        .into_iter()
        .collect();
        let outer: Headers =
            [Field::text("Subject", "[...]"), field("From", "x <x@example.org>"), field("To", "a:b;")]
                .into_iter()
                .collect();
        let (content, _) = multipart("mixed", &[b"A: b\r\n\r\nc".to_vec()], &boundary());
        for protection in [Protection::Cipher { outer: &outer }, Protection::Clear] {
            let mut written = Vec::new();
            protect(&content, &protected, protection).write_to(&mut written);
            written.extend_from_slice(b"\r\nbody");
            let parts = unprotect(&Entity::parse(&written));
            let mut again = Vec::new();
            let hides = parts.outer.fields().next().is_some();
            let protection =
                if hides { Protection::Cipher { outer: &parts.outer } } else { Protection::Clear };
            protect(&parts.content, &parts.protected, protection).write_to(&mut again);
            again.extend_from_slice(b"\r\nbody");
            assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&written));
        }
    }

    #[test]
    fn a_boundary_is_never_base64() {
        assert!(boundary().as_str().contains(['-', '_']));
        assert!(boundary().as_str().len() <= 70);
    }

    #[test]
    fn what_is_composed_is_split_again() {
        let parts = vec![
            Part::text("grüße\n").into_bytes(),
            Part::attachment("a\r\n\".bin", "application/octet-stream", &[0; 100]).into_bytes(),
        ];
        let (_, body) = multipart("mixed", &parts, &boundary());
        let split = split(&body, boundary().as_str()).unwrap();
        assert_eq!(split, parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert_eq!(Entity::parse(split[0]).decoded_body().unwrap(), "grüße\r\n".as_bytes());
        assert_eq!(Entity::parse(split[1]).decoded_body().unwrap().as_ref(), [0; 100]);
    }

    #[test]
    fn wrappers_are_what_the_classifier_reads() {
        let (mut mail, tail) = encrypted_wrapper(&boundary());
        mail.extend_from_slice(b"ARMOR");
        mail.extend_from_slice(&tail);
        assert_eq!(classify(&mail), Shape::Encrypted(Cow::Borrowed(b"ARMOR")));
        let mail = signed(b"Content-Type: text/plain\r\n\r\nwords", b"SIG", "pgp-sha512", &boundary());
        assert_eq!(
            classify(&mail),
            Shape::Signed {
                signed: b"Content-Type: text/plain\r\n\r\nwords",
                signatures: vec![b"SIG".to_vec()]
            }
        );
    }

    #[test]
    fn headers_are_protected_in_both_dialects() {
        let (protected, _) = Headers::parse(b"Subject: the real one\r\nFrom: list@x.example\r\n\r\n");
        let (outer, _) = Headers::parse(b"Subject: [...]\r\nFrom: list@x.example\r\n\r\n");
        let (content, _) = multipart("mixed", &[], &boundary());
        let headers = protect(&content, &protected, Protection::Cipher { outer: &outer });
        let mut root = Vec::new();
        headers.write_to(&mut root);
        root.extend_from_slice(b"\r\n");
        let entity = Entity::parse(&root);
        assert_eq!(headers.count("hp-outer"), 2);
        assert_eq!(protected_headers(&entity).unwrap(), protected);
        assert_eq!(entity.content_type().parameter("hp"), Some("cipher"));
        assert!(protected_headers(&Entity::parse(b"Subject: x\r\n\r\n")).is_none());
    }
}
