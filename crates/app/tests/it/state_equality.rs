//! Encrypted messages for commands that prove nothing leave the same state behind, whatever they hold and
//! whether or not the list can read them: who sends in what was captured learns nothing, neither from notices
//! nor from what differs later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::moved_clock::{OPENPGP, day, deliver, join, key_row, make_list, receive, site_with};
use sealist_app::App;
use sealist_lists::model::{MailingList, Role};
use sealist_mail::{Boundary, Part, Timestamp, compose};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person, armored};
use sealist_store::testing;
use tempfile::TempDir;

const LIST: &str = "team@lists.example";
const REQUEST: &str = "team-request@lists.example";

/// What may differ, and why.
const DIFFERS: &[(&str, &str, &str)] = &[
    ("bodies", "data", "a notice is signed, or sealed, with fresh random numbers"),
    ("bodies", "outer_part", "the outer header of a notice is sealed with fresh random numbers"),
    ("bodies", "wrapped_key", "a notice is sealed under a fresh session key"),
    ("bodies", "octets", "a signature is an octet longer or shorter by chance"),
    ("done_messages", "sub_address", "the address that a message came to is outside of the encryption"),
    ("nodes", "seen_at", "a node says by the real clock that it lives"),
];

type State = BTreeMap<String, Vec<BTreeMap<String, String>>>;

fn state(file: &Path) -> State {
    let mut state = testing::dump(file);
    for (table, column, _) in DIFFERS {
        let rows = state.get_mut(*table).unwrap_or_else(|| panic!("there is no table {table}"));
        for row in rows {
            assert!(row.remove(*column).is_some(), "{table} has no {column}");
        }
    }
    state
}

/// Whoever sends something in.
struct TriedSender {
    name: &'static str,
    person: Person,
    /// In a notice that came: the one in its words, and the one in its address.
    tokens: Option<(String, String)>,
}

impl TriedSender {
    fn has_key(&self) -> bool {
        !matches!(self.name, "stranger" | "with a token")
    }

    fn has_role(&self) -> bool {
        matches!(self.name, "member" | "owner")
    }
}

/// Forms in which an encrypted part stands beside others.
const PIECES: &[&str] =
    &["two leaves", "a leaf of the sender", "beside words", "beside a token that is encrypted"];

struct Stage {
    app: App,
    key: Certificate,
    file: PathBuf,
    base: PathBuf,
    senders: Vec<TriedSender>,
    /// A member whose mail was captured.
    anne: Person,
    /// A key that nobody here knows.
    nobody: Person,
    _folder: TempDir,
}

fn now() -> Timestamp {
    day(0)
}

impl Stage {
    async fn new() -> Self {
        let (app, list, folder) = site_with(OPENPGP, LIST).await;
        let other = make_list(&app, "staff@lists.example").await;
        let person = |address: &str| Person::new(address, Kind::Curve25519, day(-9));
        let member = async |list: &MailingList, role: Role, person: &Person, address: &str| {
            let row = key_row(&app, person, address, day(-5));
            join(&app, list, address, role, Some(row)).await;
        };
        let sender = |name, address| TriedSender { name, person: person(address), tokens: None };
        let mut senders = vec![
            sender("stranger", "eve@example.com"),
            sender("with a token", "tom@example.com"),
            sender("with a key on the site", "kim@example.com"),
            sender("member", "mallory@example.org"),
            sender("owner", "olga@example.org"),
        ];
        let anne = person("anne@example.org");
        member(&list, Role::Member, &anne, "anne@example.org").await;
        member(&other, Role::Member, &senders[2].person, "kim@example.com").await;
        member(&list, Role::Member, &senders[3].person, "mallory@example.org").await;
        member(&list, Role::Owner, &senders[4].person, "olga@example.org").await;
        let key = app.keys_of(&list).await.unwrap().posting.certificate();
        let (file, base) = (folder.path().join("test.db"), folder.path().join("base.db"));
        let nobody = person("nobody@example.net");
        let mut stage = Self { app, key, file, base, senders: Vec::new(), anne, nobody, _folder: folder };
        receive(&stage.app, REQUEST, &plain("tom@example.com", "join", ""), now()).await;
        let notices = deliver(&stage.app, now()).await;
        let notice = String::from_utf8(notices[0].message.clone()).unwrap().replace("=\r\n", "");
        let behind = |mark: &str| notice.split_once(mark).unwrap().1[..32].to_owned();
        senders[1].tokens = Some((behind("key set "), behind("team-confirm+")));
        stage.senders = senders;
        testing::copy(&stage.file, &stage.base);
        stage
    }

    /// What is there once the message was judged, as if it were the first.
    async fn after(&self, to: &str, message: &[u8]) -> State {
        self.after_base(&self.base, to, message).await
    }

    /// The same, as if what is there in that copy of the database had happened before.
    async fn after_base(&self, base: &Path, to: &str, message: &[u8]) -> State {
        testing::restore(&self.file, base);
        receive(&self.app, to, message, now()).await;
        state(&self.file)
    }

    /// What the sender signed and encrypted to the list.
    fn own(&self, sender: &TriedSender, entity: &[u8]) -> Vec<u8> {
        let own = sender.person.mail(&self.key, entity, now());
        [format!("Subject: ...\r\nTo: {REQUEST}\r\n").as_bytes(), &own].concat()
    }

    /// Own mail of the sender to somewhere else, as the signed To or Cc says.
    fn misaddressed(&self, sender: &TriedSender) -> Vec<(String, &'static str, Vec<u8>)> {
        let fields = [
            "To: team@lists.example",
            "To: team-leave@lists.example",
            "To: team-owner@lists.example",
            "To: team-confirm@lists.example",
            "To: staff-request@lists.example",
            "To: staff@lists.example",
            "To: bart@example.org",
            "Cc: bart@example.org",
            "To: team-request@lists.example.net",
            "To: undisclosed-recipients:;\r\nCc: bart@example.org",
        ];
        let words = ["help", "join", "leave", "who", "set own-posts off", "key receive", "Zebra"];
        let cases = fields.iter().flat_map(|field| words.iter().map(move |words| (field, words)));
        cases
            .map(|(field, words)| {
                let entity = format!(
                    "Content-Type: text/plain; charset=utf-8; protected-headers=\"v1\"\r\nFrom: {}\r\n{field}\r\n\r\n{words}\r\n",
                    address(&sender.person)
                );
                (format!("{field}, {words}"), REQUEST, self.own(sender, entity.as_bytes()))
            })
            .collect()
    }

    /// What was captured of others, or made to look so, and what it is.
    fn captured(&self) -> Vec<(String, Vec<u8>)> {
        let entities = [
            ("join", text("join\n")),
            ("leave", text("leave\n")),
            ("help", text("help\n")),
            ("who", text("who\n")),
            ("echo", text("echo Zebra\n")),
            ("set", text("set own-posts off\n")),
            ("words", text("Who is the mole?\nSet up a meeting.\n")),
            ("nothing", text("")),
            (
                "protected",
                b"Content-Type: text/plain; protected-headers=\"v1\"\r\nSubject: leave\r\n\r\nx\r\n".to_vec(),
            ),
            ("key change", keys("key change\n", &[&self.nobody.certificate()])),
            ("key reset", keys("key reset\n", &[&self.nobody.certificate()])),
            ("key revoke", keys("key revoke\n", &[&self.nobody.certificate()])),
            ("key receive", text("key receive\n")),
            ("token of nobody", text(&format!("key set {}\n", "a".repeat(32)))),
            ("html", b"Content-Type: text/html\r\n\r\n<p>join</p>\r\n".to_vec()),
        ];
        let mut found = Vec::new();
        for (name, entity) in &entities {
            let signed = self.anne.packets(&[&self.key], entity, now());
            found.push((format!("{name}, by Anne"), signed.clone()));
            found.push((format!("{name}, by nobody"), Person::unsigned_packets(&self.key, entity)));
            found.push((format!("{name}, bent"), bent(&signed, 40)));
        }
        let entity = text("join\n");
        let signed = self.anne.packets(&[&self.key], &entity, now());
        let by_other = self.nobody.packets(&[&self.key], &entity, now());
        let to_other = self.anne.packets(&[&self.nobody.certificate()], &entity, now());
        let inner = pgp_mime(&[], &armored(&signed));
        let mime_signed = Person::signed(&entity, &self.anne.signature(&entity, now()));
        found.extend([
            ("bent at its last octet".to_owned(), bent(&signed, 1)),
            ("bent in its session key".to_owned(), {
                let mut bent = signed.clone();
                bent[60] ^= 1;
                bent
            }),
            ("cut off".to_owned(), signed[..signed.len() - 30].to_vec()),
            ("cut off in the middle".to_owned(), signed[..signed.len() / 2].to_vec()),
            ("by a key that nobody knows".to_owned(), by_other),
            ("to another key".to_owned(), to_other),
            ("no packets".to_owned(), b"Zebra".to_vec()),
            ("nothing at all".to_owned(), Vec::new()),
            ("encrypted twice".to_owned(), Person::unsigned_packets(&self.key, &signed)),
            ("encrypted twice, as MIME".to_owned(), Person::unsigned_packets(&self.key, &inner)),
            ("signed inside, as MIME".to_owned(), Person::unsigned_packets(&self.key, &mime_signed)),
            ("two messages in one".to_owned(), [signed.clone(), signed.clone()].concat()),
            ("behind a marker".to_owned(), [&[0xca, 3, b'P', b'G', b'P'][..], &signed].concat()),
        ]);
        found
    }

    /// All forms in which that sender can send them in: what, where to, the message.
    fn variants(&self, sender: &TriedSender) -> Vec<(String, &'static str, Vec<u8>)> {
        let from = address(&sender.person);
        let head = |subject: &str| {
            format!("From: {from}\r\nTo: {REQUEST}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n")
        };
        let mut found = Vec::new();
        let captured = self.captured();
        for (name, packets) in &captured {
            let armor = armored(packets);
            let mail = pgp_mime(head("...").as_bytes(), &armor);
            found.push((format!("{name}: PGP/MIME"), REQUEST, mail));
        }
        let own = sender.person.packets(&[&self.key], &text("help\n"), now());
        let own = String::from_utf8(armored(&own)).unwrap();
        let clear = String::from_utf8(text("help\n")).unwrap();
        for (name, packets) in
            captured.iter().filter(|(name, _)| name.starts_with("join") || name.starts_with("words"))
        {
            let armor = String::from_utf8(armored(packets)).unwrap();
            let armor = armor.as_str();
            let leaf = format!("Content-Type: text/plain\r\n\r\n{armor}");
            let mixed = |parts: &[&str]| parts.concat_mixed(&head("..."));
            found.extend([
                (format!("{name}: inline"), REQUEST, format!("{}\r\n{armor}", head("...")).into_bytes()),
                (format!("{name}: inline, two leaves"), REQUEST, mixed(&[&leaf, &leaf])),
                (
                    format!("{name}: behind a leaf of the sender"),
                    REQUEST,
                    mixed(&[&format!("\r\n{own}"), &leaf]),
                ),
                (
                    format!("{name}: before a leaf of the sender"),
                    REQUEST,
                    mixed(&[&leaf, &format!("\r\n{own}")]),
                ),
                (format!("{name}: beside words"), REQUEST, mixed(&[&clear, &leaf])),
                (
                    format!("{name}: under a Subject"),
                    REQUEST,
                    pgp_mime(head("help").as_bytes(), armor.as_bytes()),
                ),
                (
                    format!("{name}: to join"),
                    "team-join@lists.example",
                    pgp_mime(head("...").as_bytes(), armor.as_bytes()),
                ),
                (
                    format!("{name}: to leave"),
                    "team-leave@lists.example",
                    pgp_mime(head("...").as_bytes(), armor.as_bytes()),
                ),
                (format!("{name}: Exchange"), REQUEST, {
                    let mail = String::from_utf8(pgp_mime(head("...").as_bytes(), armor.as_bytes())).unwrap();
                    mail.replace("multipart/encrypted", "multipart/mixed").into_bytes()
                }),
                (
                    format!("{name}: two types"),
                    REQUEST,
                    pgp_mime(
                        format!("{}Content-Type: text/plain\r\n", head("...")).as_bytes(),
                        armor.as_bytes(),
                    ),
                ),
            ]);
        }
        if let Some((token, _)) = &sender.tokens {
            // The token of the sender in an encryption of the sender, beside what was captured.
            for (name, packets) in captured.iter().take(3) {
                let own = Person::unsigned_packets(&self.key, &text(&format!("key set {token}\n")));
                let own = format!("\r\n{}", String::from_utf8(armored(&own)).unwrap());
                let leaf = format!("\r\n{}", String::from_utf8(armored(packets)).unwrap());
                found.push((
                    format!("{name}: beside a token that is encrypted"),
                    REQUEST,
                    [&own[..], &leaf].concat_mixed(&head("...")),
                ));
            }
        }
        found
    }

    /// The same under a token outside the encryption.
    fn with_token(&self, sender: &TriedSender, subject: &str) -> Vec<(String, Vec<u8>)> {
        let head = format!(
            "From: {}\r\nTo: {REQUEST}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n",
            address(&sender.person)
        );
        let wrap = |(name, packets): (String, Vec<u8>)| (name, pgp_mime(head.as_bytes(), &armored(&packets)));
        self.captured().into_iter().map(wrap).collect()
    }
}

trait Mixed {
    fn concat_mixed(&self, head: &str) -> Vec<u8>;
}

impl Mixed for [&str] {
    fn concat_mixed(&self, head: &str) -> Vec<u8> {
        let parts: String = self.iter().map(|part| format!("--b\r\n{part}\r\n")).collect();
        format!("{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n").into_bytes()
    }
}

fn address(person: &Person) -> String {
    person.certificate().addresses(now())[0].to_string()
}

fn plain(from: &str, subject: &str, text: &str) -> Vec<u8> {
    format!("From: {from}\r\nTo: {REQUEST}\r\nSubject: {subject}\r\n\r\n{text}\r\n").into_bytes()
}

fn text(text: &str) -> Vec<u8> {
    format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", text.replace('\n', "\r\n")).into_bytes()
}

fn keys(words: &str, keys: &[&Certificate]) -> Vec<u8> {
    let attached = keys.iter().map(|key| Part::attachment("key.asc", "application/pgp-keys", &key.armored()));
    let parts: Vec<Vec<u8>> = std::iter::once(text(words)).chain(attached.map(Part::into_bytes)).collect();
    let (headers, body) = compose::multipart("mixed", &parts, &Boundary::from_entropy([3; 16]));
    let mut entity = Vec::new();
    headers.write_to(&mut entity);
    [&entity[..], b"\r\n", &body].concat()
}

fn pgp_mime(head: &[u8], armor: &[u8]) -> Vec<u8> {
    let (before, behind) = compose::encrypted_wrapper(&Boundary::from_entropy([9; 16]));
    [head, &before, armor, &behind].concat()
}

/// With one bit changed, so many octets before its end.
fn bent(packets: &[u8], from_end: usize) -> Vec<u8> {
    let mut bent = packets.to_vec();
    let at = bent.len() - from_end;
    bent[at] ^= 1;
    bent
}

fn differences(one: &State, other: &State) -> Vec<String> {
    let tables = one.keys().filter(|table| one[*table] != other[*table]);
    tables.map(|table| format!("{table}: {:#?} / {:#?}", one[table], other[table])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_fails_leaves_a_trace_of_what_it_holds() {
    let stage = Stage::new().await;
    let before = state(&stage.file);
    for sender in &stage.senders {
        let from = address(&sender.person);
        let variants = stage.variants(sender);
        assert!(variants.len() >= 60, "{}", variants.len());
        let expected = stage.after(REQUEST, &variants[0].2).await;
        for table in ["events", "notices", "sendings", "deliveries"] {
            assert_ne!(before[table], expected[table], "{}: nobody hears of it in {table}", sender.name);
        }
        // An encrypted part beside others is no first contact, as anybody sees: a stranger gets no notice for
        // it.
        let is_pieces = |what: &str| PIECES.iter().any(|form| what.contains(form));
        let pieces = variants.iter().find(|(what, _, _)| is_pieces(what)).unwrap();
        let expected_of_pieces = stage.after(REQUEST, &pieces.2).await;
        assert_eq!(before["notices"] == expected_of_pieces["notices"], !sender.has_role(), "{}", sender.name);
        for (what, to, message) in &variants {
            let expected = if is_pieces(what) { &expected_of_pieces } else { &expected };
            let differ = differences(expected, &stage.after(to, message).await);
            assert!(differ.is_empty(), "{}, {what}: {}", sender.name, differ.join("\n"));
        }
        // What proves who sent it does something: the comparison sees that.
        let own = stage.own(sender, &text("set own-posts off\n"));
        let differ = differences(&expected, &stage.after(REQUEST, &own).await);
        assert_eq!(!differ.is_empty(), sender.has_key(), "{}: {}", from, differ.join("\n"));
    }
}

/// What the sender wrote to another address and what the sender sent twice: it leaves the same behind as what
/// cannot be read, so that it tells nothing of mail that somebody else captured.
#[tokio::test(flavor = "multi_thread")]
async fn own_mail_that_counts_for_nothing_leaves_the_same_trace() {
    let stage = Stage::new().await;
    for sender in &stage.senders {
        let unreadable = &stage.variants(sender)[0].2;
        let expected = stage.after(REQUEST, unreadable).await;
        for (what, to, message) in stage.misaddressed(sender) {
            let differ = differences(&expected, &stage.after(to, &message).await);
            assert!(differ.is_empty(), "{}, {what}: {}", sender.name, differ.join("\n"));
        }
        // What was refused may come again. What was carried out is spent, in whatever wrapping it comes.
        for (at, words) in ["help\n", "echo Zebra\n", "key receive\n"].iter().enumerate() {
            let entity = text(words);
            let signed = Person::signed(&entity, &sender.person.signature(&entity, now()));
            let wrapped = || {
                let head = format!("From: {}\r\nTo: {REQUEST}\r\nSubject: ...\r\n", address(&sender.person));
                pgp_mime(head.as_bytes(), &armored(&Person::unsigned_packets(&stage.key, &signed)))
            };
            let (first, again) = (wrapped(), wrapped());
            let heard = stage.after(REQUEST, &first).await;
            assert_eq!(
                !differences(&expected, &heard).is_empty(),
                sender.has_key(),
                "{}, {words}",
                sender.name
            );
            let second = stage.file.with_file_name(format!("{}-{at}.db", sender.name));
            testing::copy(&stage.file, &second);
            let expected = stage.after_base(&second, REQUEST, unreadable).await;
            for (what, message) in [("the same", first), ("wrapped again", again)] {
                let differ = differences(&expected, &stage.after_base(&second, REQUEST, &message).await);
                assert!(differ.is_empty(), "{}, {words}{what}: {}", sender.name, differ.join("\n"));
            }
        }
    }
}

/// A token outside the encryption is answered with one notice, before the list looks inside.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_outside_says_nothing_of_what_is_inside() {
    let stage = Stage::new().await;
    let sender = stage.senders.iter().find(|sender| sender.tokens.is_some()).unwrap();
    let (token, in_address) = sender.tokens.clone().unwrap();
    let subjects = [format!("key set {token}"), format!("Re: [EXT] confirm {token}"), token.to_uppercase()];
    let mut expected: Option<State> = None;
    for subject in &subjects {
        for (what, message) in stage.with_token(sender, subject) {
            let seen = stage.after(REQUEST, &message).await;
            let expected = expected.get_or_insert_with(|| seen.clone());
            assert!(differences(expected, &seen).is_empty(), "{subject}: {what}");
        }
    }
    let sub_address = format!("team-confirm+{in_address}@lists.example");
    for (what, message) in stage.with_token(sender, "hello") {
        let differ = differences(expected.as_ref().unwrap(), &stage.after(&sub_address, &message).await);
        assert!(differ.is_empty(), "in the address: {what}: {}", differ.join("\n"));
    }
    // Somebody else's token is no token.
    let eve = &stage.senders[0];
    let none = stage.after(REQUEST, &stage.with_token(eve, "hello")[0].1).await;
    for (what, message) in stage.with_token(eve, &subjects[0]) {
        assert!(differences(&none, &stage.after(REQUEST, &message).await).is_empty(), "not hers: {what}");
    }
    // Inside it counts.
    let own = Person::unsigned_packets(
        &stage.key,
        &keys(&format!("key set {token}\n"), &[&sender.person.certificate()]),
    );
    let head = format!("From: {}\r\nSubject: ...\r\n", address(&sender.person));
    let after = stage.after(&sub_address, &pgp_mime(head.as_bytes(), &armored(&own))).await;
    assert!(!differences(expected.as_ref().unwrap(), &after).is_empty());
}
