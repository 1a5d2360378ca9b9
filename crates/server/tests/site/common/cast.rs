//! Many people who write to a list's command addresses at once, each with a case of their own: their program
//! is the library, which is quicker than GnuPG and makes keys of all kinds.

use std::time::Duration;

use rusqlite::Connection;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Boundary, Part, Timestamp, compose};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person, armored};
use sealist_smtp::client::RecipientResult;

use super::readers::read_copy;
use super::site::{LIST, Site};
use super::talk::{Notice, REQUEST, notice};
use super::{encrypted, post};

/// Somebody with an address, a key and the list's key.
pub(crate) struct Player {
    pub(crate) address: String,
    pub(crate) person: Person,
    pub(crate) list: Certificate,
}

impl Player {
    pub(crate) fn fingerprint(&self) -> String {
        self.person.certificate().fingerprint().to_string()
    }

    pub(crate) fn key(&self) -> Vec<u8> {
        self.person.certificate().armored()
    }

    /// The same person who writes from another address, or with another key.
    pub(crate) fn with(&self, address: &str, person: Person) -> Self {
        Self { address: address.to_owned(), person, list: self.list.clone() }
    }

    pub(crate) fn plain(&self, subject: &str) -> Vec<u8> {
        [self.head(subject).as_bytes(), b"\r\n\r\n"].concat()
    }

    pub(crate) fn with_keys(&self, subject: &str, keys: &[&[u8]]) -> Vec<u8> {
        super::talk::with_keys(&self.address, subject, keys)
    }

    /// Signed text; the subject is not, as most programs have it.
    pub(crate) fn signed(&self, subject: &str, text: &str) -> Vec<u8> {
        self.signed_entity(subject, &text_entity("", text))
    }

    pub(crate) fn signed_entity(&self, subject: &str, entity: &[u8]) -> Vec<u8> {
        let signature = self.person.signature(entity, Timestamp::now());
        self.around(subject, &Person::signed(entity, &signature))
    }

    /// A root entity behind this person's header.
    pub(crate) fn around(&self, subject: &str, entity: &[u8]) -> Vec<u8> {
        [format!("{}MIME-Version: 1.0\r\n", self.head(subject)).as_bytes(), entity].concat()
    }

    /// Signed and encrypted to the list, the subject with it.
    pub(crate) fn sealed(&self, subject: &str, text: &str) -> Vec<u8> {
        self.sealed_entity(&text_entity(subject, text))
    }

    pub(crate) fn sealed_entity(&self, entity: &[u8]) -> Vec<u8> {
        self.wrapped(&self.person.packets(&[&self.list], entity, Timestamp::now()))
    }

    /// Encrypted to the list and signed by nobody.
    pub(crate) fn hidden(&self, entity: &[u8]) -> Vec<u8> {
        self.wrapped(&Person::unsigned_packets(&self.list, entity))
    }

    pub(crate) fn wrapped(&self, packets: &[u8]) -> Vec<u8> {
        encrypted(&self.address, REQUEST, &armored(packets))
    }

    fn head(&self, subject: &str) -> String {
        let date = Timestamp::now().rfc5322();
        format!("From: {}\r\nTo: {REQUEST}\r\nSubject: {subject}\r\nDate: {date}\r\n", self.address)
    }

    /// A notice as this person's program shows it: what the list encrypted, it signed. `None`: it is for
    /// another key of the address.
    fn read(&self, message: &[u8]) -> Option<Notice> {
        if let Shape::Encrypted(armor) = classify(message) {
            let (_, good) = read_copy(&self.person, &armor, &self.list)?;
            assert!(good, "not signed by the list");
        }
        let open = |message: &[u8]| {
            let Shape::Encrypted(armor) = classify(message) else { unreachable!("it is encrypted") };
            self.person.read(&armor, &self.list).expect("it could just now").0
        };
        Some(notice(open, &self.address, message))
    }
}

/// A text with a protected subject, if there is one.
pub(crate) fn text_entity(subject: &str, text: &str) -> Vec<u8> {
    if !subject.is_empty() {
        return super::entity(subject, &text.replace('\n', "\r\n"));
    }
    format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n", text.replace('\n', "\r\n")).into_bytes()
}

/// A text with keys attached.
pub(crate) fn keys_entity(text: &str, keys: &[&[u8]]) -> Vec<u8> {
    let mut parts = vec![text_entity("", text)];
    parts
        .extend(keys.iter().map(|key| Part::attachment("key.asc", "application/pgp-keys", key).into_bytes()));
    let boundary = Boundary::from_entropy(sealist_openpgp::random());
    let (headers, body) = compose::multipart("mixed", &parts, &boundary);
    let mut entity = Vec::new();
    headers.write_to(&mut entity);
    [&entity[..], b"\r\n", &body].concat()
}

/// Words as they are read, without the breaks of lines.
pub(crate) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Site {
    pub(crate) fn player(&self, address: &str) -> Player {
        self.player_of(address, Kind::Curve25519)
    }

    pub(crate) fn player_of(&self, address: &str, kind: Kind) -> Player {
        let person = Person::new(address, kind, Timestamp::now());
        Player { address: address.to_owned(), person, list: self.certificate() }
    }

    /// Somebody with a role on the list and a confirmed key.
    pub(crate) fn enrolled(&self, address: &str, role: &str) -> Player {
        let player = self.player(address);
        self.enrol(&player, role);
        player
    }

    pub(crate) fn enrol(&self, player: &Player, role: &str) {
        let key = self.server.file(&format!("{}.asc", player.address), &player.key());
        self.server.cli(&["members", "add", LIST, &player.address, "--role", role, "--key", &key]);
    }

    /// Sends each its message, waits until all is judged and delivered, and returns what came to each of
    /// these people.
    pub(crate) async fn exchange(&self, messages: &[(&Player, Vec<u8>)]) -> Vec<Vec<Notice>> {
        self.exchange_at(REQUEST, messages).await
    }

    pub(crate) async fn exchange_at(&self, to: &str, messages: &[(&Player, Vec<u8>)]) -> Vec<Vec<Notice>> {
        let mut connection = self.server.connect().await;
        for (_, message) in messages {
            let result = post(&mut connection, to, message).await;
            assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
        }
        drop(connection);
        let mut notices = self.notices().await;
        let read = |player: &Player| {
            let (own, others) =
                std::mem::take(&mut notices).into_iter().partition(|one| one.recipient == player.address);
            notices = others;
            let own: Vec<super::sink::Received> = own;
            own.iter().filter_map(|one| player.read(&one.message)).collect()
        };
        let read: Vec<Vec<Notice>> = messages.iter().map(|(player, _)| *player).map(read).collect();
        self.others.lock().unwrap().extend(notices);
        read
    }

    /// One person's message, and what came to them.
    pub(crate) async fn ask(&self, player: &Player, message: Vec<u8>) -> Vec<Notice> {
        self.exchange(&[(player, message)]).await.remove(0)
    }

    /// What came to somebody who did not write in the last exchanges.
    pub(crate) fn came_to(&self, player: &Player) -> Vec<Notice> {
        let mut others = self.others.lock().unwrap();
        let (own, rest) =
            std::mem::take(&mut *others).into_iter().partition(|one| one.recipient == player.address);
        *others = rest;
        let own: Vec<super::sink::Received> = own;
        own.iter().filter_map(|one| player.read(&one.message)).collect()
    }

    /// All that comes out once everything is judged and nothing is on its way any more.
    pub(crate) async fn notices(&self) -> Vec<super::sink::Received> {
        self.server.wait_until_quiet();
        let db = self.database();
        let broke: i64 =
            db.query_row("SELECT COUNT(*) FROM queue WHERE queue = 'shunt'", [], |row| row.get(0)).unwrap();
        assert_eq!(broke, 0, "{}", self.server.log());
        self.sink.wait_for(0, Duration::ZERO).await
    }

    pub(crate) fn database(&self) -> Connection {
        self.server.database().expect("these sites have SQLite")
    }

    /// What the owners can see was tried: event and detail, of one address.
    pub(crate) fn tried(&self, address: &str) -> Vec<(String, String)> {
        let events = self.server.cli(&["--json", "audit", "--limit", "1000"]);
        let events: Vec<serde_json::Value> = serde_json::from_str(&events).unwrap();
        let word = |event: &serde_json::Value, name: &str| event[name].as_str().unwrap().to_owned();
        let of_it = events.iter().filter(|event| event["email"] == address);
        of_it.map(|event| (word(event, "event"), word(event, "detail"))).collect()
    }

    /// The fingerprint of the key that an address has.
    pub(crate) fn key_of(&self, address: &str) -> Option<String> {
        let shown = self.server.command(&["--json", "keys", "show", address]);
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).ok()?;
        Some(shown["fingerprint"].as_str()?.to_owned())
    }

    /// Whether the address is a member.
    pub(crate) fn has_member(&self, address: &str) -> bool {
        let members = self.server.cli(&["members", "list", LIST]);
        members.lines().any(|line| line.split_whitespace().eq(["member", address]))
    }
}
