//! Classifies how a message uses OpenPGP, by its root only ([RFC 3156]).
//!
//! A layer counts only if it is the root of the message. If an encrypted part among others counted, a
//! stranger could put text around somebody's words; with a signed part among others, beside them.

use std::borrow::Cow;

use crate::content_type::ContentType;
use crate::entity::Entity;
use crate::inline::{self, InlineBlock, InlineKind};
use crate::multipart::{Ambiguous, split};
use crate::signed_part::is_signed_part;

/// The most signature parts on one message.
const MAX_SIGNATURE_PARTS: usize = 16;

/// The OpenPGP form of the root of a message or entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape<'a> {
    /// multipart/encrypted ([RFC 3156, section 4]): the OpenPGP data, armored or not.
    Encrypted(Cow<'a, [u8]>),
    /// multipart/signed ([RFC 3156, section 5]).
    Signed {
        /// The exact bytes that the signature covers.
        signed: &'a [u8],
        /// The content of the signature part, or of each of several, armored or not.
        signatures: Vec<Vec<u8>>,
    },
    /// Every leaf is one whole inline block.
    Inline {
        /// What all of them are.
        kind: InlineKind,
        /// The leaves in order.
        leaves: Vec<InlineBlock>,
    },
    /// An encrypted message that Exchange turned into multipart/mixed, with text beside its parts. (Without
    /// such text it counts as encrypted.)
    Mangled,
    /// The root does not use OpenPGP.
    Plain,
    /// Two programs could read it in two ways, so it counts as neither signed nor encrypted.
    Ambiguous(Doubt),
}

/// Why a message has two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// A header field that must be unique is there twice.
    #[error("a header field stands twice")]
    TwoFields,
    /// The Content-Type has two readings.
    #[error("the content type has two readings")]
    ContentType,
    /// A multipart has a transfer encoding, which only its parts may have ([RFC 2045, section 6.4]).
    #[error("the parts stand in a transfer encoding")]
    Encoding,
    /// The parts can be split in two ways.
    #[error(transparent)]
    Parts(#[from] Ambiguous),
    /// The signed octets are not a part as mail programs write one, so programs could take text for a header.
    #[error("the signed part has no header as mail programs write it")]
    SignedPart,
    /// The type is encrypted or signed, but the parts do not have the required form.
    #[error("the parts are not those of an OpenPGP message")]
    Form,
}

/// Classifies the root of a whole message or of an entity inside one.
pub fn classify(bytes: &[u8]) -> Shape<'_> {
    judged(bytes, |root| inline::leaves(root).map(|(kind, leaves)| Shape::Inline { kind, leaves }))
}

/// Classifies the root of a decrypted entity. Inline blocks in its text are not searched for, because the
/// text may be much larger than the mail that contained it.
pub fn classify_inside(bytes: &[u8]) -> Shape<'_> {
    judged(bytes, |_| None)
}

fn judged<'a>(bytes: &'a [u8], inline: impl FnOnce(&Entity<'a>) -> Option<Shape<'a>>) -> Shape<'a> {
    let root = Entity::parse(bytes);
    let unique = ["content-type", "content-transfer-encoding", "from"];
    if unique.iter().any(|name| root.headers.count(name) > 1) {
        return Shape::Ambiguous(Doubt::TwoFields);
    }
    let content_type = root.content_type();
    let known = [("multipart", "encrypted"), ("multipart", "signed")];
    let claims = known.iter().any(|(kind, subtype)| content_type.is(kind, subtype));
    if claims && content_type.is_ambiguous() {
        return Shape::Ambiguous(Doubt::ContentType);
    }
    if claims && !root.has_bare_parts() {
        return Shape::Ambiguous(Doubt::Encoding);
    }
    let shape = if content_type.is("multipart", "encrypted") {
        encrypted(&root, &content_type)
    } else if content_type.is("multipart", "signed") {
        signed(&root, &content_type)
    } else {
        Ok(mangled(&root, &content_type).or_else(|| inline(&root)).unwrap_or(Shape::Plain))
    };
    shape.unwrap_or_else(Shape::Ambiguous)
}

fn parts<'a>(root: &Entity<'a>, content_type: &ContentType) -> Result<Vec<&'a [u8]>, Doubt> {
    Ok(split(root.body, content_type.parameter("boundary").ok_or(Doubt::ContentType)?)?)
}

fn protocol_is(content_type: &ContentType, protocol: &str) -> bool {
    content_type.parameter("protocol").is_some_and(|p| p.eq_ignore_ascii_case(protocol))
}

fn encrypted<'a>(root: &Entity<'a>, content_type: &ContentType) -> Result<Shape<'a>, Doubt> {
    if !protocol_is(content_type, "application/pgp-encrypted") {
        return Ok(Shape::Plain); // S/MIME, or no protocol at all: not ours
    }
    let parts = parts(root, content_type)?;
    let [control, data] = parts[..] else {
        return Err(Doubt::Form);
    };
    let (control, data) = (Entity::parse(control), Entity::parse(data));
    let forms = control.content_type().is("application", "pgp-encrypted")
        && data.content_type().is("application", "octet-stream")
        && [&control, &data]
            .iter()
            .all(|part| part.headers.count("content-type") == 1 && part.has_one_reading());
    if !forms {
        return Err(Doubt::Form);
    }
    data.decoded_body().map(Shape::Encrypted).ok_or(Doubt::Form)
}

/// One signature part, or several in a multipart/mixed (draft-ietf-openpgp-multsig).
fn signed<'a>(root: &Entity<'a>, content_type: &ContentType) -> Result<Shape<'a>, Doubt> {
    let several = protocol_is(content_type, "multipart/mixed");
    if !several && !protocol_is(content_type, "application/pgp-signature") {
        // S/MIME counts as plain. Any other protocol is ambiguous, because some programs would verify it.
        let smime = ["application/pkcs7-signature", "application/x-pkcs7-signature"];
        let smime = smime.iter().any(|protocol| protocol_is(content_type, protocol));
        return if smime { Ok(Shape::Plain) } else { Err(Doubt::Form) };
    }
    let root_parts = parts(root, content_type)?;
    let [signed, last] = root_parts[..] else {
        return Err(Doubt::Form);
    };
    let signatures = if several {
        let mixed = Entity::parse(last);
        let kind = mixed.content_type();
        if kind.is_ambiguous() || !mixed.has_one_reading() || !mixed.has_bare_parts() {
            return Err(Doubt::Form);
        }
        parts(&mixed, &kind)?
    } else {
        vec![last]
    };
    if signatures.is_empty() || signatures.len() > MAX_SIGNATURE_PARTS {
        return Err(Doubt::Form);
    }
    if !is_signed_part(signed) {
        return Err(Doubt::SignedPart);
    }
    Ok(Shape::Signed { signed, signatures: signatures.into_iter().map(signature).collect::<Result<_, _>>()? })
}

fn signature(part: &[u8]) -> Result<Vec<u8>, Doubt> {
    let part = Entity::parse(part);
    let kind = part.content_type();
    let form = kind.is("application", "pgp-signature") && !kind.is_ambiguous() && part.has_one_reading();
    part.decoded_body().filter(|_| form).map(Cow::into_owned).ok_or(Doubt::Form)
}

/// Exchange turns multipart/encrypted into multipart/mixed with an empty text before the two parts.
fn mangled<'a>(root: &Entity<'a>, content_type: &ContentType) -> Option<Shape<'a>> {
    if !content_type.is("multipart", "mixed") {
        return None;
    }
    let parts: Vec<Entity<'_>> = parts(root, content_type).ok()?.into_iter().map(Entity::parse).collect();
    let (texts, [control, data]) = match &parts[..] {
        [texts @ .., control, data] if texts.len() <= 1 => (texts, [control, data]),
        _ => return None,
    };
    let control_type = control.content_type();
    if !control_type.is("application", "pgp-encrypted")
        || !data.content_type().is("application", "octet-stream")
    {
        return None;
    }
    let blank = texts.iter().all(|text| text.decoded_body().is_some_and(|body| body.trim_ascii().is_empty()));
    Some(match data.decoded_body() {
        Some(data) if blank => Shape::Encrypted(data),
        _ => Shape::Mangled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENCRYPTED: &str = "From: a@x.example\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\nDATA\r\n--b--\r\n";
    const SIGNED: &str = "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nSIG\r\n--b--\r\n";

    fn check(mail: &str, shape: Shape<'_>) {
        assert_eq!(classify(mail.as_bytes()), shape, "{mail}");
    }

    #[test]
    fn the_root_decides() {
        check(ENCRYPTED, Shape::Encrypted(Cow::Borrowed(b"DATA")));
        check(
            SIGNED,
            Shape::Signed {
                signed: b"Content-Type: text/plain\r\n\r\nhello\r\n",
                signatures: vec![b"SIG".to_vec()],
            },
        );
        check("Subject: x\r\n\r\nhello", Shape::Plain);
        let block = "\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nAAAA\r\n-----END PGP MESSAGE-----\r\n";
        assert!(matches!(
            classify(block.as_bytes()),
            Shape::Inline { kind: InlineKind::Encrypted, leaves } if leaves.len() == 1
        ));
        check("", Shape::Plain);
    }

    #[test]
    fn several_signatures_on_one_part() {
        let several = |parts: &str| {
            SIGNED.replace("protocol=\"application/pgp-signature\"", "protocol=\"multipart/mixed\"").replace(
                "Content-Type: application/pgp-signature\r\n\r\nSIG\r\n",
                &format!("Content-Type: multipart/mixed; boundary=s\r\n\r\n{parts}--s--\r\n"),
            )
        };
        let one = "--s\r\nContent-Type: application/pgp-signature\r\n\r\nSIG\r\n";
        let signed = b"Content-Type: text/plain\r\n\r\nhello\r\n";
        let two = Shape::Signed { signed, signatures: vec![b"SIG".to_vec(); 2] };
        check(&several(&one.repeat(2)), two);
        check(&several(&one.replace("pgp-signature", "pdf")), Shape::Ambiguous(Doubt::Form));
        check(&several(&one.repeat(17)), Shape::Ambiguous(Doubt::Form));
    }

    #[test]
    fn a_layer_inside_other_parts_does_not_count() {
        let wrapped = format!(
            "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\n<img src=\"\r\n--m\r\n{ENCRYPTED}\r\n--m--\r\n"
        );
        check(&wrapped, Shape::Plain);
    }

    #[test]
    fn what_exchange_made_is_taken_for_what_it_was() {
        let mixed = ENCRYPTED.replace("multipart/encrypted", "multipart/mixed");
        check(&mixed, Shape::Encrypted(Cow::Borrowed(b"DATA")));
        let with_text = |text: &str| {
            mixed.replacen("--b\r\n", &format!("--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\n"), 1)
        };
        check(&with_text(" \r\n"), Shape::Encrypted(Cow::Borrowed(b"DATA")));
        check(&with_text("This mail was scanned."), Shape::Mangled);
    }

    #[test]
    fn two_readings_are_no_reading() {
        check(&ENCRYPTED.replace("From:", "From: b@x.example\r\nFrom:"), Shape::Ambiguous(Doubt::TwoFields));
        check(&format!("Content-Type: text/plain\r\n{SIGNED}"), Shape::Ambiguous(Doubt::TwoFields));
        check(&SIGNED.replace("boundary=b", "boundary=b; boundary=c"), Shape::Ambiguous(Doubt::ContentType));
        check(
            &SIGNED.replace("hello", "hello\r\n--b2"),
            Shape::Ambiguous(Doubt::Parts(Ambiguous::PrefixLine)),
        );
        check(&ENCRYPTED.replace("--b--", ""), Shape::Ambiguous(Doubt::Parts(Ambiguous::NotClosed)));
        check(&ENCRYPTED.replace("octet-stream", "pdf"), Shape::Ambiguous(Doubt::Form));
        for (doubt, field) in [
            (Doubt::Encoding, "Content-Transfer-Encoding: quoted-printable\r\n"),
            (Doubt::Encoding, "Content-Transfer-Encoding: BASE64\r\n"),
            (Doubt::Encoding, "Content-Transfer-Encoding: x-other\r\n"),
            (Doubt::TwoFields, "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 8bit\r\n"),
        ] {
            check(&format!("{field}{SIGNED}"), Shape::Ambiguous(doubt));
            check(&format!("{field}{ENCRYPTED}"), Shape::Ambiguous(doubt));
        }
        assert!(matches!(
            classify(format!("Content-Transfer-Encoding: 7bit\r\n{SIGNED}").as_bytes()),
            Shape::Signed { .. }
        ));
        let twice = |field: &str| SIGNED.replacen("text/plain\r\n", &format!("text/plain\r\n{field}\r\n"), 1);
        check(&twice("Content-Type: text/html"), Shape::Ambiguous(Doubt::SignedPart));
        let disposition = "Content-Disposition: inline\r\nContent-Disposition: attachment";
        check(&twice(disposition), Shape::Ambiguous(Doubt::SignedPart));
        for text in ["Joke:", "To: x\r\nContent-Type: text/plain", "words", ""] {
            check(&SIGNED.replacen("Content-Type: text/plain", text, 1), Shape::Ambiguous(Doubt::SignedPart));
        }
        let near = "application/pgp-signature\"";
        for odd in ["application/pgp-signatures\"", "application/pgp-signature \"", "\"", "text/plain\""] {
            check(&SIGNED.replacen(near, odd, 1), Shape::Ambiguous(Doubt::Form));
        }
        check(&SIGNED.replacen(near, "application/pkcs7-signature\"", 1), Shape::Plain);
        check(
            &SIGNED
                .replace("pgp-signature\r\n\r\nSIG", "pgp-signature\r\nContent-Type: text/plain\r\n\r\nSIG"),
            Shape::Ambiguous(Doubt::Form),
        );
        check(&SIGNED.replace("--b--", "--b\r\n\r\nmore\r\n--b--"), Shape::Ambiguous(Doubt::Form));
    }

    proptest! {
        #[test]
        fn nothing_panics(mail in proptest::collection::vec(any::<u8>(), 0..400)) {
            classify(&mail);
        }
    }
}
