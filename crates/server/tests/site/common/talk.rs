//! A person who writes to a list's command addresses with GnuPG, and reads what comes back.

use std::sync::LazyLock;

use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Boundary, Entity, Part, Timestamp, compose, first_text, key_blocks};

use super::gpg::Gpg;
use super::site::{LIST, Site};
use super::{encrypted, read};

pub(crate) const REQUEST: &str = "team-request@lists.example";

/// A notice as its reader sees it.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) sealed: bool,
    pub(crate) signed: bool,
    pub(crate) keys: Vec<Vec<u8>>,
    pub(crate) reply_to: String,
}

impl Notice {
    /// The words behind that one.
    pub(crate) fn after(&self, word: &str) -> String {
        let rest = self.text.split_once(word).unwrap_or_else(|| panic!("no {word:?} in {}", self.text)).1;
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// The token of a question, from its subject.
    pub(crate) fn token(&self) -> String {
        self.subject.split_whitespace().last().unwrap().to_owned()
    }

    /// The lines to be signed.
    pub(crate) fn statement(&self) -> String {
        let lines = self.text.lines().skip_while(|line| !line.starts_with("List: "));
        lines
            .take_while(|line| !line.starts_with("---"))
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }
}

/// Reads a notice; `open` is the person's program, for one that is sealed.
pub(crate) fn notice(open: impl Fn(&[u8]) -> Vec<u8>, to: &str, message: &[u8]) -> Notice {
    let outer = Entity::parse(message);
    let text = |entity: &Entity<'_>| first_text(entity).replace('\r', "");
    let reply_to = outer.headers.text("reply-to").unwrap_or_default();
    let (content, sealed, signed) = match classify(message) {
        Shape::Encrypted(_) => (open(message), true, true),
        Shape::Signed { signed, .. } => (signed.to_vec(), false, true),
        _ => (message.to_vec(), false, false),
    };
    let entity = Entity::parse(&content);
    let subject = entity.headers.text("subject").or(outer.headers.text("subject")).unwrap_or_default();
    Notice {
        to: to.to_owned(),
        subject,
        text: text(&entity),
        sealed,
        signed,
        keys: key_blocks(&entity),
        reply_to,
    }
}

static HEAD: LazyLock<String> = LazyLock::new(|| format!("Date: {}\r\n", Timestamp::now().rfc5322()));

/// A message without OpenPGP.
pub(crate) fn plain(from: &str, subject: &str, text: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: {REQUEST}\r\nSubject: {subject}\r\n{}\r\n{}\r\n",
        *HEAD,
        text.replace('\n', "\r\n")
    )
    .into_bytes()
}

/// The same with keys attached as RFC 3156 has it.
pub(crate) fn with_keys(from: &str, subject: &str, keys: &[&[u8]]) -> Vec<u8> {
    let mut parts = vec![Part::text("Here it is.\n").into_bytes()];
    parts
        .extend(keys.iter().map(|key| Part::attachment("key.asc", "application/pgp-keys", key).into_bytes()));
    let (headers, body) =
        compose::multipart("mixed", &parts, &Boundary::from_entropy(sealist_openpgp::random()));
    let mut message =
        format!("From: {from}\r\nTo: {REQUEST}\r\nSubject: {subject}\r\n{}", *HEAD).into_bytes();
    headers.write_to(&mut message);
    [&message[..], b"\r\n", &body].concat()
}

/// A text, signed with those keys (PGP/MIME).
pub(crate) fn signed(gpg: &Gpg, signers: &[&str], from: &str, subject: &str, text: &str) -> Vec<u8> {
    let entity = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", text.replace('\n', "\r\n"));
    let mut arguments = vec!["--armor", "--detach-sign"];
    for signer in signers {
        arguments.extend(["--local-user", signer]);
    }
    let signature = gpg.run(&arguments, entity.as_bytes()).unwrap().0;
    let boundary = Boundary::from_entropy(sealist_openpgp::random());
    let body = compose::signed(entity.as_bytes(), &signature, "pgp-sha512", &boundary);
    let head =
        format!("From: {from}\r\nTo: {REQUEST}\r\nSubject: {subject}\r\n{}MIME-Version: 1.0\r\n", *HEAD);
    [head.as_bytes(), &body].concat()
}

/// A text, signed and encrypted to the list.
pub(crate) fn sealed(gpg: &Gpg, from: &str, text: &str) -> Vec<u8> {
    let entity = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", text.replace('\n', "\r\n"));
    encrypted(from, REQUEST, &gpg.sign_and_encrypt(LIST, entity.as_bytes()).unwrap())
}

impl Site {
    /// Sends to an address of the list, and reads what comes back to those people, in the order of their
    /// addresses.
    pub(crate) async fn say(&self, to: &str, message: &[u8], readers: &[(&str, &Gpg)]) -> Vec<Notice> {
        let came = self.send(to, message, readers.len()).await;
        came.iter()
            .map(|one| {
                let gpg = readers.iter().find(|(address, _)| *address == one.recipient);
                let (_, gpg) = gpg.unwrap_or_else(|| panic!("a notice for {}", one.recipient));
                notice(|sealed| read(gpg, sealed).into_bytes(), &one.recipient, &one.message)
            })
            .collect()
    }
}
