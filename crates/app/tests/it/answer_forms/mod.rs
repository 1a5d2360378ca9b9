//! Forms of answers: [`key_set`] brings a key, [`key_confirm`] a signed statement.

pub(crate) mod key_confirm;
pub(crate) mod key_set;

use sealist_mail::{Boundary, Part, compose};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Person, armored};

use crate::moved_clock::day;

pub(crate) const REQUEST: &str = "team-request@lists.example";
pub(crate) const STATEMENT: &str = "(a statement)";

/// Somebody who was asked.
pub(crate) struct Asked {
    pub(crate) address: String,
    pub(crate) person: Person,
    pub(crate) list: Certificate,
    /// In the words, and in the address of the answer.
    pub(crate) token: String,
    pub(crate) reply_to: String,
    /// The lines to be signed, once there are such.
    pub(crate) statement: String,
}

impl Asked {
    pub(crate) fn key(&self) -> Vec<u8> {
        self.person.certificate().armored()
    }

    pub(crate) fn head(&self, subject: &str) -> String {
        format!("From: {}\r\nTo: {REQUEST}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n", self.address)
    }

    pub(crate) fn mail(&self, subject: &str, entity: &[u8]) -> Vec<u8> {
        [self.head(subject).as_bytes(), entity].concat()
    }

    /// To the question, by its Subject.
    pub(crate) fn to_question(&self, entity: &[u8]) -> (String, Vec<u8>) {
        request(self.mail(&format!("key set {}", self.token), entity))
    }

    /// The key in lines.
    pub(crate) fn block(&self) -> String {
        String::from_utf8(self.key()).unwrap().replace('\r', "")
    }

    pub(crate) fn cleartext(&self, words: &str) -> String {
        String::from_utf8(self.person.cleartext_signed(words, day(0))).unwrap().replace('\r', "")
    }

    pub(crate) fn with_key(&self, subject: &str, words: &str) -> Vec<u8> {
        self.mail(subject, &with_key(words, &self.key()))
    }

    pub(crate) fn signed(&self, subject: &str, entity: &[u8]) -> Vec<u8> {
        self.mail(subject, &Person::signed(entity, &self.person.signature(entity, day(0))))
    }

    pub(crate) fn encrypted(&self, subject: &str, packets: &[u8]) -> Vec<u8> {
        let (before, behind) = compose::encrypted_wrapper(&Boundary::from_entropy([9; 16]));
        [self.head(subject).as_bytes(), &before, &armored(packets), &behind].concat()
    }
}

pub(crate) fn text(words: &str) -> Vec<u8> {
    typed("text/plain", words)
}

pub(crate) fn typed(kind: &str, words: &str) -> Vec<u8> {
    format!("Content-Type: {kind}; charset=utf-8\r\n\r\n{}\r\n", words.replace('\n', "\r\n")).into_bytes()
}

pub(crate) fn with_key(words: &str, key: &[u8]) -> Vec<u8> {
    with_file(words, "key.asc", "application/pgp-keys", key)
}

pub(crate) fn with_file(words: &str, name: &str, kind: &str, content: &[u8]) -> Vec<u8> {
    several("mixed", &[text(words), Part::attachment(name, kind, content).into_bytes()])
}

pub(crate) fn with_keys(keys: &[Vec<u8>]) -> Vec<u8> {
    let keys = keys.iter().map(|key| Part::attachment("key.asc", "application/pgp-keys", key).into_bytes());
    several("mixed", &std::iter::once(text("x")).chain(keys).collect::<Vec<_>>())
}

/// An entity of those parts.
pub(crate) fn several(kind: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let (headers, body) = compose::multipart(kind, parts, &Boundary::from_entropy([3; 16]));
    let mut entity = Vec::new();
    headers.write_to(&mut entity);
    [&entity[..], b"\r\n", &body].concat()
}

/// A text in that transfer encoding.
pub(crate) fn encoded(encoding: &str, words: &str) -> Vec<u8> {
    format!(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{words}\r\n"
    )
    .into_bytes()
}

pub(crate) fn base64(octets: &[u8]) -> String {
    let part = Part::attachment("x", "application/octet-stream", octets).into_bytes();
    String::from_utf8(part).unwrap().split_once("\r\n\r\n").unwrap().1.trim().to_owned()
}

/// As mail programs break and mark it.
pub(crate) fn quoted_printable(words: &str) -> String {
    let words = words.replace('=', "=3D").replace('\n', "\r\n");
    words.split("\r\n").map(|line| format!("{line}=20")).collect::<Vec<_>>().join("\r\n")
}

pub(crate) fn html(words: &str) -> Vec<u8> {
    typed("text/html", &format!("<html><body><p>{}</p></body></html>", words.replace('\n', "<br>\n")))
}

pub(crate) fn protected(subject: &str, entity: &[u8]) -> Vec<u8> {
    let entity = String::from_utf8(entity.to_vec()).unwrap();
    let entity = entity.replacen(';', "; protected-headers=\"v1\";", 1);
    format!("Subject: {subject}\r\n{entity}").into_bytes()
}

pub(crate) fn quoted(words: &str) -> String {
    words.lines().map(|line| format!("> {line}\n")).collect()
}

/// A form: its name, where it goes, the message, and what is heard.
pub(crate) type Form = (&'static str, fn(&Asked) -> (String, Vec<u8>), &'static str);

pub(crate) fn request(message: Vec<u8>) -> (String, Vec<u8>) {
    (REQUEST.to_owned(), message)
}

pub(crate) const NOT_COME: &str = "Your key has come";
pub(crate) const OUTSIDE: &str = "outside the encryption";
