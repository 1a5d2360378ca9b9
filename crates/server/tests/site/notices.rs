//! Notices of a list: who hears what, how, and how often.

use std::time::Instant;

use crate::common::gpg::Gpg;
use crate::common::site::{LIST, Site, WAIT};
use crate::common::{assert_nowhere, encrypted, entity, read};
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Entity, Headers};
use sealist_openpgp::testing::{Kind, Person};

const MARKER: &str = "QuaggaMarker7142";

fn subject(message: &[u8]) -> String {
    Headers::parse(message).0.text("subject").unwrap()
}

fn words(payload: &str) -> String {
    payload.split_once("7bit").unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_cause_a_member_reads_the_same_words() {
    let site = Site::new().await;
    let olga = site.person("olga@example.org");
    site.join("olga@example.org", "owner", &olga);
    let mut heard = Vec::new();
    for (name, make) in [
        (
            "unsigned",
            (|gpg, _| gpg.encrypt(LIST, &entity("x", MARKER)).unwrap()) as fn(&Gpg, &str) -> Vec<u8>,
        ),
        ("unreadable", |gpg, own| gpg.encrypt(own, &entity("x", MARKER)).unwrap()),
        ("broken", |gpg, _| {
            let mut armor = gpg.encrypt(LIST, &entity("x", MARKER)).unwrap();
            let middle = armor.len() / 2;
            armor[middle] = if armor[middle] == b'A' { b'B' } else { b'A' };
            armor
        }),
        ("another signer", |gpg, own| {
            let other = Gpg::new().unwrap();
            other.make_key(&own.replace('@', "-other@"), "curve25519").unwrap();
            other.import(&gpg.export("team@lists.example").unwrap()).unwrap();
            other.sign_and_encrypt(LIST, &entity("x", MARKER)).unwrap()
        }),
    ] {
        let address = format!("{}@example.org", name.replace(' ', "-"));
        let member = site.person(&address);
        site.join(&address, "member", &member);
        let notices = site.send(LIST, &encrypted(&address, LIST, &make(&member, &address)), 1).await;
        assert_eq!(notices[0].recipient, address, "{name}");
        assert_eq!(subject(&notices[0].message), "[...]", "{name}");
        heard.push(words(&read(&member, &notices[0].message)).replace(&address, "ADDRESS"));
    }
    assert!(heard[0].contains("was not posted"), "{}", heard[0]);
    let text = |notice: &String| notice.split("--=-_").next().unwrap().to_owned();
    assert!(heard.iter().all(|notice| text(notice) == text(&heard[0])), "{heard:#?}");
    assert_eq!(site.held(), 0, "who was told has it no longer");

    // The second on a day: nobody is told, so that it waits, and the owner hears of it.
    let address = "unsigned@example.org";
    let again = encrypted(address, LIST, &olga.encrypt(LIST, &entity("y", MARKER)).unwrap());
    let notices = site.send(LIST, &again, 1).await;
    assert_eq!(notices[0].recipient, "olga@example.org");
    let notice = read(&olga, &notices[0].message);
    assert!(notice.contains("It is not signed as a whole."), "{notice}");
    assert_eq!(site.held(), 1);
    assert_nowhere(&site.server, MARKER);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_without_a_key_hears_that_and_not_why() {
    let site = Site::new().await;
    site.server.cli(&["members", "add", LIST, "olga@example.org", "--role", "owner"]);
    let clear = format!("From: stranger@example.com\r\nSubject: {MARKER}\r\n\r\n{MARKER}\r\n");
    let notices = site.send(LIST, clear.as_bytes(), 1).await;
    let text = String::from_utf8_lossy(&notices[0].message).into_owned();
    assert_eq!(notices[0].recipient, "olga@example.org");
    assert!(text.contains("waits for a moderator") && text.contains("sealist queue show"), "{text}");
    assert!(!text.contains("encrypted as a whole") && !text.contains(MARKER), "{text}");
    assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
    site.send(LIST, clear.as_bytes(), 1).await;
    assert_eq!(site.held(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lists_key_is_sent_to_whoever_asks_once_a_day() {
    let site = Site::new().await;
    let ask = b"From: anne@example.org\r\nSubject: \r\n\r\n";
    let notices = site.send("team-sendkey@lists.example", ask, 1).await;
    let Shape::Signed { signed, .. } = classify(&notices[0].message) else { panic!("signed by the list") };
    let message = Entity::parse(signed);
    let boundary = message.content_type().parameter("boundary").unwrap().to_owned();
    let parts = sealist_mail::multipart::split(message.body, &boundary).unwrap();
    let key = Entity::parse(parts[1]);
    assert!(key.headers.text("content-type").unwrap().starts_with("application/pgp-keys"));
    let anne = Gpg::new().unwrap();
    anne.import(&key.decoded_body().unwrap()).unwrap();
    assert!(!anne.export(LIST).unwrap().is_empty(), "gpg has the list's key");
    site.send("team-sendkey@lists.example", ask, 0).await;
    assert_eq!(site.held(), 0);
    let automatic = b"From: anne@example.org\r\nAuto-Submitted: auto-replied\r\n\r\n";
    site.send("team-sendkey@lists.example", automatic, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_waits_for_a_members_key_and_then_goes_out() {
    let site = Site::new().await;
    let olga = site.person("olga@example.org");
    site.join("olga@example.org", "owner", &olga);
    let anne = site.person("anne@example.org");
    site.join("anne@example.org", "member", &anne);
    site.server.cli(&["members", "add", LIST, "cris@example.org"]);
    site.server.cli(&["members", "add", LIST, "gone@example.org", "--key", &{
        let gone = site.person("gone@example.org");
        site.server.file("gone.asc", &gone.export("gone@example.org").unwrap())
    }]);
    site.sink.refuse("gone@example.org");

    let armor = anne.sign_and_encrypt(LIST, &entity("Plan", MARKER)).unwrap();
    let notices = site.send(LIST, &encrypted("anne@example.org", LIST, &armor), 4).await;
    let to: Vec<&str> = notices.iter().map(|notice| notice.recipient.as_str()).collect();
    assert_eq!(to, ["anne@example.org", "cris@example.org", "olga@example.org", "olga@example.org"]);
    let cris = String::from_utf8_lossy(&notices[1].message).into_owned();
    assert!(cris.contains("there is no key that can be used") && !cris.contains(MARKER), "{cris}");
    let olga = [&notices[2], &notices[3]].map(|notice| read(&olga, &notice.message)).concat();
    assert!(
        olga.contains("cris@example.org: there is no key") && olga.contains("550 5.1.1 nobody here"),
        "{olga}"
    );

    let cris = site.person("cris@example.org");
    let key = site.server.file("cris.asc", &cris.export("cris@example.org").unwrap());
    site.server.cli(&["keys", "import", "cris@example.org", &key]);
    let copies = site.sink.wait_for(1, WAIT).await;
    assert!(read(&cris, &copies[0].message).contains(MARKER));
    assert_nowhere(&site.server, MARKER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_rejects_and_the_member_hears_of_it() {
    let site = Site::new().await;
    let anne = site.person("anne@example.org");
    site.join("anne@example.org", "member", &anne);
    site.server.cli(&["lists", "set", LIST, "unsigned_msg_action", "hold"]);
    for (text, told) in [("one", true), ("two", true)] {
        let message = encrypted("anne@example.org", LIST, &anne.encrypt(LIST, &entity("x", text)).unwrap());
        site.send(LIST, &message, 0).await;
        let entry = site.server.queued()[0]["entry"].to_string();
        let answer = site.server.cli(&["--json", "queue", "reject", &entry]);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&answer).unwrap()["told"], told);
        let end = Instant::now() + WAIT;
        let notices = site.sink.wait_for(usize::from(told), end - Instant::now()).await;
        assert_eq!(notices.len(), usize::from(told));
    }
    assert_eq!(site.held(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_accepts_what_was_shown_and_no_more() {
    let site = Site::new().await;
    let anne = site.person("anne@example.org");
    site.join("anne@example.org", "member", &anne);
    let olga = site.person("olga@example.org");
    site.join("olga@example.org", "owner", &olga);
    site.set("unsigned_msg_action", "hold").await;
    let text = format!("{MARKER} {}", (0..2000).map(|n| format!("{n}\r\n")).collect::<String>());
    let message = encrypted("anne@example.org", LIST, &anne.encrypt(LIST, &entity("Plan", &text)).unwrap());
    site.send(LIST, &message, 1).await;
    let entry = site.server.queued()[0].clone();
    assert_eq!(entry["reasons"].to_string(), r#"["unsigned","decrypted-for-unproven-sender"]"#);
    let number = entry["entry"].to_string();

    // It could be a captured message: an owner has to see it first.
    let unseen = site.server.command(&["queue", "accept", &number]);
    assert!(String::from_utf8_lossy(&unseen.stderr).contains("sealist queue open"), "{unseen:?}");
    site.server.cli(&["queue", "open", &number, "--to", "olga@example.org"]);
    let shown = site.sink.wait_for(1, WAIT).await;
    assert!(read(&olga, &shown[0].message).contains(MARKER));
    assert_nowhere(&site.server, MARKER);

    // A reason that nobody was shown holds it again, beside those that were accepted.
    site.server.cli(&["lists", "set", LIST, "max_message_kib", "1"]);
    site.server.cli(&["queue", "accept", &number]);
    site.server.wait_until_judged();
    assert_eq!(
        site.server.queued()[0]["reasons"].to_string(),
        r#"["too-large","unsigned","decrypted-for-unproven-sender"]"#
    );
    assert_eq!(site.sink.wait_for(1, WAIT).await[0].recipient, "olga@example.org", "it waits again");

    site.server.cli(&["queue", "accept", &number]);
    let copies = site.sink.wait_for(1, WAIT).await;
    let text = read(&anne, &copies[0].message);
    assert!(text.contains(MARKER) && text.contains("Signature: none"), "{text}");
    assert_eq!(site.held(), 0);
    let gone = site.server.command(&["queue", "accept", &number]);
    assert!(!gone.status.success(), "it is there no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_may_sign_without_encrypting() {
    let site = Site::new().await;
    let anne = site.person("anne@example.org");
    site.join("anne@example.org", "member", &anne);
    site.server.cli(&["members", "add", LIST, "keyless@example.org"]);
    site.server.cli(&["lists", "set", LIST, "encrypt_outgoing", "false"]);
    let armor = anne.sign_and_encrypt(LIST, &entity("Plan", MARKER)).unwrap();
    let copies = site.send(LIST, &encrypted("anne@example.org", LIST, &armor), 2).await;
    for copy in copies {
        let Shape::Signed { signed, signatures } = classify(&copy.message) else { panic!("not signed") };
        assert!(String::from_utf8_lossy(signed).contains(MARKER));
        assert_eq!(subject(&copy.message), "Plan");
        let (text, detached) =
            (site.server.folder.path().join("text"), site.server.folder.path().join("sig"));
        std::fs::write(&text, signed).unwrap();
        std::fs::write(&detached, &signatures[0]).unwrap();
        let output = std::process::Command::new("gpg")
            .args(["--batch", "--status-fd", "1", "--homedir"])
            .arg(anne.home())
            .arg("--verify")
            .args([&detached, &text])
            .output()
            .unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("GOODSIG"), "{output:?}");
        std::fs::remove_file(text).unwrap();
    }
    // It demands encryption inwards: at rest all is sealed.
    assert_nowhere(&site.server, MARKER);
}

/// A member hears once a day: of several that are refused at one moment the rest wait for a person.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_refused_at_once_none_is_dropped() {
    const MANY: usize = 12;
    let mut site = Site::new().await;
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    let unsigned = anne.mail_of(&Person::unsigned_packets(&site.certificate(), &entity("x", "Words.")));
    let file = site.server.file("unsigned.eml", &unsigned);
    site.server.kill();
    for _ in 0..MANY {
        site.server.cli(&["inject", LIST, &file, "--sender", "anne@example.org"]);
    }
    // All are claimed together.
    site.server.restart();
    assert_eq!(site.notices().await.len(), 1);
    assert_eq!(site.held(), MANY - 1);
}
