//! What leaves for readers of all kinds: families of packets, `delivery`, `missing_key_action`.

use std::collections::HashSet;

use crate::common::entity;
use crate::common::readers::read_copy;
use crate::common::sink::Received;
use crate::common::site::{LIST, Site};
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Headers, Timestamp};
use sealist_openpgp::testing::{Kind, Person, packets};

const TEXT: &str = "We meet at seven.";

fn armor(message: &[u8]) -> Vec<u8> {
    match classify(message) {
        Shape::Encrypted(armor) => armor.into_owned(),
        _ => panic!("not encrypted: {}", String::from_utf8_lossy(message)),
    }
}

/// What the reader reads, signed by the list.
fn read(site: &Site, reader: &Person, message: &[u8]) -> String {
    let (text, signed) =
        read_copy(reader, &armor(message), &site.certificate()).expect("it is for the reader");
    assert!(signed, "signed by the list");
    String::from_utf8(text).unwrap()
}

/// The bodies of the packets of that tag.
fn bodies(message: &[u8], tag: u8) -> Vec<Vec<u8>> {
    packets(&armor(message)).into_iter().filter(|packet| packet.0 == tag).map(|packet| packet.1).collect()
}

fn by_anne(site: &Site, anne: &Person, subject: &str) -> Vec<u8> {
    anne.mail(&site.certificate(), &entity(subject, TEXT), Timestamp::now())
}

fn to<'a>(came: &'a [Received], who: &str) -> Vec<&'a [u8]> {
    came.iter().filter(|one| one.recipient == who).map(|one| &one.message[..]).collect()
}

/// Joined: `name@example.org` for each, of the kinds in turn.
fn people(site: &Site, kinds: &[Kind]) -> Vec<(String, Person)> {
    let names = ["anne", "bart", "cris", "dora", "emil", "fred", "gina"].iter().zip(kinds);
    names
        .map(|(name, kind)| {
            let address = format!("{name}@example.org");
            let person = site.join_with(&address, *kind);
            (address, person)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_is_encrypted_once_for_each_family() {
    use Kind::{Curve25519, Rsa, TwoEncryptionKeys, Version6};
    let site = Site::new().await;
    let people =
        people(&site, &[Curve25519, Rsa, Version6, TwoEncryptionKeys, Version6, Curve25519, Version6]);
    let came = site.send(LIST, &by_anne(&site, &people[0].1, "Meeting"), 7).await;
    let mut sealed = HashSet::new();
    for (address, person) in &people {
        let [copy] = to(&came, address)[..] else { panic!("one copy for {address}") };
        assert!(read(&site, person, copy).contains(TEXT));
        let own = person.certificate().usable(Timestamp::now()).unwrap();
        let count = if address == "dora@example.org" { 2 } else { 1 };
        assert_eq!(bodies(copy, 1).len(), count, "only the reader's own packets: {own:?}");
        sealed.extend(bodies(copy, 18));
    }
    assert_eq!(sealed.len(), 2, "seven readers, two families");
    let mut versions: Vec<u8> = sealed.iter().map(|body| body[0]).collect();
    versions.sort_unstable();
    assert_eq!(versions, [1, 2]);
    crate::common::assert_nowhere(&site.server, TEXT);
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_puts_many_readers_into_one_message() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "delivery", "bulk"]);
    let people = people(&site, &[Kind::Curve25519, Kind::Curve25519, Kind::Version6, Kind::Rsa]);
    let doctor = site.server.command(&["doctor"]).stdout;
    assert!(String::from_utf8_lossy(&doctor).contains("bulk messages"), "it says what the list gives up");
    for anonymous in [false, true] {
        site.server.cli(&["lists", "set", LIST, "anonymous", &anonymous.to_string()]);
        let subject = format!("anonymous: {anonymous}");
        let came = site.send(LIST, &by_anne(&site, &people[0].1, &subject), 4).await;
        for (address, person) in &people {
            let copy = to(&came, address)[0];
            assert!(read(&site, person, copy).contains(TEXT));
            let pkesks = bodies(copy, 1);
            let together = if address == "cris@example.org" { 1 } else { 3 };
            assert_eq!(pkesks.len(), together, "{address}");
            // Version 3: a key id of eight octets; version 6: the length of what names the key.
            let unnamed = |body: &Vec<u8>| if body[0] == 3 { body[1..9] == [0; 8] } else { body[1] == 0 };
            assert!(pkesks.iter().all(|body| unnamed(body) == anonymous), "{address}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personalized_copy_is_the_readers_alone() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "delivery", "personalized"]);
    let people = people(&site, &[Kind::Curve25519, Kind::Version6, Kind::Rsa]);
    let came = site.send(LIST, &by_anne(&site, &people[0].1, "Meeting"), 3).await;
    let mut sealed = HashSet::new();
    for (address, person) in &people {
        let copy = to(&came, address)[0];
        let inside = read(&site, person, copy);
        let (protected, _) = Headers::parse(inside.as_bytes());
        let (outer, _) = Headers::parse(copy);
        assert!(inside.contains(TEXT) && inside.contains("Subject: Meeting"), "{inside}");
        assert_eq!([&protected, &outer].map(|h| h.text("to").unwrap()), [address.as_str(); 2]);
        assert!(inside.contains(&format!("HP-Outer: To: {address}")), "{inside}");
        assert_eq!(outer.text("subject").unwrap(), "[...]");
        sealed.extend(bodies(copy, 18));
    }
    assert_eq!(sealed.len(), 3, "a session key for each");
    crate::common::assert_nowhere(&site.server, TEXT);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_key_gets_what_the_list_says() {
    let site = Site::new().await;
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    let kim = "kim@example.org";
    site.server.cli(&["members", "add", LIST, kim]);
    let set = |name: &str, value: &str| site.server.cli(&["lists", "set", LIST, name, value]);
    let post = |subject: &str| by_anne(&site, &anne, subject);
    let clear = |message: &[u8]| String::from_utf8_lossy(message).into_owned();

    // Nobody said otherwise: it waits, and the member hears of it, without a word of the post.
    let came = site.send(LIST, &post("one"), 2).await;
    let notice = clear(to(&came, kim)[0]);
    assert!(notice.contains("It waits for you, encrypted") && !notice.contains(TEXT), "{notice}");

    // Of each kind one notice a day: the others are seen in what is recorded.
    for (action, recorded) in [
        ("notify", "failed"),
        ("skip", "failed"),
        ("hold-and-notify", "held_for_key"),
        ("cleartext", "held_for_key"),
    ] {
        set("missing_key_action", action);
        let came = site.send(LIST, &post(action), 1).await;
        assert_eq!(came[0].recipient, "anne@example.org", "{action}");
        let copies: serde_json::Value =
            serde_json::from_str(&site.server.cli(&["--json", "queue", "copies"])).unwrap();
        let last = copies.as_array().unwrap().last().unwrap();
        assert_eq!((last["email"].as_str(), last["state"].as_str()), (Some(kim), Some(recorded)), "{action}");
    }
    crate::common::assert_nowhere(&site.server, TEXT);

    // The list allows cleartext, and now the member does too.
    site.server.cli(&["members", "set", LIST, kim, "allow_cleartext", "true"]);
    let came = site.send(LIST, &post("in the clear"), 2).await;
    let copy = to(&came, kim)[0];
    let Shape::Signed { .. } = classify(copy) else { panic!("{}", clear(copy)) };
    let (outer, _) = Headers::parse(copy);
    assert_eq!(outer.text("subject").unwrap(), "in the clear");
    assert!(
        clear(copy).contains(TEXT)
            && clear(copy).contains("hp=\"clear\"")
            && !clear(copy).contains("HP-Outer")
    );
    assert!(read(&site, &anne, to(&came, "anne@example.org")[0]).contains(TEXT));

    // Where the list does not sign, each field stands once.
    set("sign_outgoing", "false");
    let came = site.send(LIST, &post("not signed"), 2).await;
    let (outer, _) = Headers::parse(to(&came, kim)[0]);
    for field in ["from", "subject", "date", "content-type"] {
        assert_eq!(outer.count(field), 1, "{field} in {}", clear(to(&came, kim)[0]));
    }
    set("sign_outgoing", "true");

    // What waited goes out sealed when there is a key; what was not kept does not come.
    let kim_with_key = Person::new(kim, Kind::Version6, Timestamp::now());
    let file = site.server.file("kim.asc", &kim_with_key.certificate().armored());
    site.server.cli(&["keys", "import", kim, &file]);
    let came = site.sink.wait_for(3, crate::common::site::WAIT).await;
    let mut subjects: Vec<String> = came
        .iter()
        .map(|one| read(&site, &kim_with_key, &one.message))
        .map(|inside| Headers::parse(inside.as_bytes()).0.text("subject").unwrap())
        .collect();
    subjects.sort();
    assert_eq!(subjects, ["cleartext", "hold-and-notify", "one"]);
}

/// What was accepted while the list sent cleartext does not leave as cleartext once it encrypts.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sealed_when_the_list_begins_to_encrypt() {
    let site = Site::new().await;
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    for (name, value) in [("encrypt_outgoing", "false"), ("nonencrypted_msg_action", "accept")] {
        site.server.cli(&["lists", "set", LIST, name, value]);
    }
    site.sink.defer("anne@example.org");
    let signed = entity("Early", TEXT);
    let message = anne.mail_signed(&signed, &anne.signature(&signed, Timestamp::now()));
    site.send(LIST, &message, 0).await;
    site.server.cli(&["lists", "set", LIST, "encrypt_outgoing", "true"]);
    site.sink.accept("anne@example.org");
    let waiting: serde_json::Value =
        serde_json::from_str(&site.server.cli(&["--json", "queue", "copies"])).unwrap();
    assert_eq!(
        (waiting[0]["email"].as_str(), waiting[0]["attempts"].as_u64()),
        (Some("anne@example.org"), Some(1))
    );
    site.server.cli(&["queue", "resend"]);
    let came = site.sink.wait_for(1, crate::common::site::WAIT).await;
    let inside = read(&site, &anne, &came[0].message);
    assert!(inside.contains(TEXT) && inside.contains("Subject: Early"), "{inside}");
    assert_eq!(Headers::parse(&came[0].message).0.text("subject").unwrap(), "[...]");
}

/// It is stored piece by piece as it comes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_large_comes_whole() {
    let site = Site::new().await;
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    for (name, value) in
        [("nonencrypted_msg_action", "defer"), ("unsigned_msg_action", "accept"), ("max_message_kib", "0")]
    {
        site.server.cli(&["lists", "set", LIST, name, value]);
    }
    let text: String = (0..100_000).map(|n| format!("line {n} of a long story\r\n")).collect();
    let mail = format!("From: anne@example.org\r\nTo: {LIST}\r\nSubject: x\r\n\r\n{text}");
    let copies = site.send(LIST, mail.as_bytes(), 1).await;
    assert!(read(&site, &anne, &copies[0].message).contains(&text));
}
