//! The mail that is posted: the demonstration's own text, or a mail that the user gives.

use sealist_mail::compose::Protection;
use sealist_mail::{Boundary, Entity, Field, Headers, Part, Timestamp, compose, to_crlf};

use super::LIST;

const SUBJECT: &str = "Grüße: the plan for Thursday";
const WORDS: &str = "We meet at seven, the usual place.";

/// A mail before it is encrypted.
pub(super) struct Words {
    /// The real Subject.
    pub(super) subject: String,
    /// The entity that is signed and encrypted, with a protected Subject.
    pub(super) entity: Vec<u8>,
}

impl Words {
    /// A text in two languages with an attachment.
    pub(super) fn built_in() -> Self {
        let parts = vec![
            Part::text(&format!("{WORDS}\n")).into_bytes(),
            Part::attachment("plan.bin", "application/octet-stream", &[7; 2000]).into_bytes(),
        ];
        let (content, body) =
            compose::multipart("mixed", &parts, &Boundary::from_entropy(sealist_openpgp::random()));
        Self::of(SUBJECT.to_owned(), &content, &body)
    }

    /// The content and Subject of an unencrypted mail.
    pub(super) fn from_mail(message: &[u8]) -> Self {
        let message = to_crlf(message);
        let entity = Entity::parse(&message);
        let subject = entity.headers.text("subject").unwrap_or_default();
        Self::of(subject, &entity.content_headers(), entity.body)
    }

    fn of(subject: String, content: &Headers, body: &[u8]) -> Self {
        let protected: Headers = [Field::text("Subject", &subject)].into_iter().collect();
        let mut content = content.clone();
        if content.count("content-type") == 0 {
            content.push(Field::text("Content-Type", "text/plain"));
        }
        let mut entity = Vec::new();
        compose::protect(&content, &protected, Protection::Cipher { outer: &Headers::default() })
            .write_to(&mut entity);
        entity.extend_from_slice(b"\r\n");
        entity.extend_from_slice(body);
        Self { subject, entity }
    }

    /// Whether a payload contains the whole text.
    pub(super) fn are_in(&self, payload: &[u8]) -> bool {
        let body = Entity::parse(&self.entity).body.trim_ascii_end();
        body.is_empty() || payload.windows(body.len()).any(|window| window == body)
    }
}

/// A PGP/MIME message with that armor.
pub(super) fn encrypted(from: &str, armor: Vec<u8>) -> Vec<u8> {
    let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy(sealist_openpgp::random()));
    let date = Timestamp::now().rfc5322();
    let header = format!(
        "From: {from}\r\nTo: {LIST}\r\nSubject: ...\r\nDate: {date}\r\nMessage-ID: <demo@example.org>\r\n"
    );
    [header.as_bytes(), &head, &armor, &tail].concat()
}
