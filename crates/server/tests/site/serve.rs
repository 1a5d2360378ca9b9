//! The real binary behind LMTP: what it answers to bad mail, what it leaves on disk, what a kill costs.

use std::process::Command;

use crate::common::gpg::Gpg;
use crate::common::sink::RecordingSink;
use crate::common::{Server, assert_nowhere, encrypted, entity, post, read};
use sealist_smtp::client::{Envelope, RecipientResult, WireBody};

const LIST: &str = "team@lists.example";
const WAIT: std::time::Duration = std::time::Duration::from_secs(20);
const MARKER: &str = "QuaggaMarker7141";

#[tokio::test]
async fn bad_mail_gets_an_answer_and_nothing_is_lost() {
    let server = Server::start();
    server.cli(&["lists", "create", "team@lists.example"]);
    server.cli(&["lists", "create", "plain@lists.example", "--style", "legacy-default"]);
    let nested: String = (0..100_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}b\r\n\r\n--b{n}b\r\n"))
        .collect();
    let parts = format!(
        "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\nx\r\n".repeat(100_000)
    );
    let header = format!("From: a@x.example\r\nX: {}\r\n\r\nx", "x".repeat(300 * 1024));
    let armor = "From: a@x.example\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n--b--\r\n";
    let kept: [&[u8]; 8] = [
        b"",
        b"\r\n",
        b"Subject: no From, no To\r\n\r\nwords",
        b"From: a@x.example\r\nFrom: b@x.example\r\n\r\nwords",
        b"From: a@x.example\r\nSubject: caf\xe9\r\nX-\xff\xfe: \xe9\r\n\r\n\xe9",
        b"From: a@x.example, b@x.example\r\n\r\nwords",
        b"not a header at all",
        armor.as_bytes(),
    ];
    let refused: [&[u8]; 3] = [nested.as_bytes(), parts.as_bytes(), header.as_bytes()];
    for to in ["team@lists.example", "plain@lists.example"] {
        for message in kept {
            let mut connection = server.connect().await;
            let result = post(&mut connection, to, message).await;
            assert!(matches!(result, RecipientResult::Sent(_)), "{to}: {result:?}");
        }
        for message in refused {
            let mut connection = server.connect().await;
            let result = post(&mut connection, to, message).await;
            assert!(matches!(result, RecipientResult::Failed(..)), "{to}: {result:?}");
        }
    }
    server.wait_until_judged();
    let held = server.queued();
    assert_eq!(held.len(), 2 * kept.len(), "{held:?}");
    assert!(held.iter().all(|entry| entry["queue"] == "hold"), "{held:?}");
    let mut connection = server.connect().await;
    let unknown = post(&mut connection, "nobody@lists.example", b"From: a@x.example\r\n\r\n").await;
    assert!(matches!(unknown, RecipientResult::Failed(..)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_post_lies_on_the_disk() {
    let sink = RecordingSink::default();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let server = Server::sending_to(sink.start(stopped).await.unwrap());
    server.cli(&["lists", "create", LIST]);
    let anne = Gpg::new().unwrap();
    anne.make_key("Anne <anne@example.org>", "curve25519").unwrap();
    anne.import(server.cli(&["lists", "key", LIST]).as_bytes()).unwrap();
    let key = server.file("anne.asc", &anne.export("anne@example.org").unwrap());
    server.cli(&["members", "add", LIST, "anne@example.org", "--key", &key]);
    server.cli(&["members", "add", LIST, "later@example.org", "--key", &{
        let later = Gpg::new().unwrap();
        later.make_key("later@example.org", "curve25519").unwrap();
        server.file("later.asc", &later.export("later@example.org").unwrap())
    }]);
    sink.defer("later@example.org");

    // One is held, in the clear as it came; one is delivered to one reader and tried in vain for another.
    let clear = format!(
        "From: anne@example.org\r\nSubject: {MARKER}\r\nMessage-ID: <{MARKER}@x.example>\r\n\r\n{MARKER}\r\n"
    );
    let armor = anne.sign_and_encrypt(LIST, &entity(MARKER, MARKER)).unwrap();
    let mut connection = server.connect().await;
    for message in [clear.into_bytes(), encrypted("anne@example.org", LIST, &armor)] {
        let result = post(&mut connection, LIST, &message).await;
        assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
    }
    let copies = sink.wait_for(2, WAIT).await;
    let to_anne = copies.iter().filter(|copy| copy.recipient == "anne@example.org");
    let texts: Vec<String> = to_anne.map(|copy| read(&anne, &copy.message)).collect();
    assert!(texts.iter().any(|text| text.contains(MARKER)), "the post came out: {texts:?}");
    let end = std::time::Instant::now() + WAIT;
    while !server.log().contains("action=accept") || !server.log().contains("deferred=1") {
        assert!(std::time::Instant::now() < end, "accepted, and tried in vain:\n{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    server.wait_until_judged();
    assert_nowhere(&server, MARKER);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let mut server = Server::start();
    server.cli(&["lists", "create", "plain@lists.example", "--style", "legacy-default"]);
    let mut acknowledged = 0;
    for round in 0..10_u64 {
        let mut connection = server.connect().await;
        let mut number = 0;
        let next = || {
            number += 1;
            (number <= 50).then(|| Envelope {
                id: number,
                sender: Some("anne@example.org".into()),
                recipients: vec!["plain@lists.example".into()],
                body: WireBody::from_message(
                    format!("From: anne@example.org\r\nSubject: {round} {number}\r\n\r\nwords\r\n")
                        .as_bytes(),
                ),
            })
        };
        let kill_at = 5 + round * 4;
        let pid = server.child.id().to_string();
        // The kill falls between an acknowledgement and whatever the server does next.
        let done = |id: u64, results: Vec<RecipientResult>| {
            acknowledged += usize::from(matches!(results[..], [RecipientResult::Sent(_)]));
            if id == kill_at {
                assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            }
        };
        let _ = connection.deliver(next, done).await;
        server.kill();
        server.restart();
    }
    server.wait_until_judged();
    // A nonmember's post is held; at most one a kill was stored and not acknowledged.
    let held = server.queued().len();
    assert!(acknowledged >= 50, "the test must see acknowledgements: {acknowledged}");
    assert!((acknowledged..=acknowledged + 10).contains(&held), "{held} held of {acknowledged}");
}

/// Without room intake-paused, and taken again as soon as there is some.
#[tokio::test(flavor = "multi_thread")]
async fn without_room_mail_is_put_off() {
    let sections =
        "[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = 9\n[queue]\nmin_free_mib = 4000000000\n";
    let mut server = Server::configured(sections);
    server.cli(&["lists", "create", "team@lists.example"]);
    let message = b"From: anne@example.org\r\n\r\nWords.\r\n";
    let result = post(&mut server.connect().await, "team@lists.example", message).await;
    let RecipientResult::Deferred(reply, _) = result else { panic!("{result:?}") };
    assert_eq!(reply.code, 452, "{reply}");
    assert!(server.log().contains("intake-paused"));
    server.kill();
    let config = server.folder.path().join("sealist.toml");
    let text = std::fs::read_to_string(&config).unwrap().replace("4000000000", "1");
    std::fs::write(&config, text).unwrap();
    server.restart();
    let result = post(&mut server.connect().await, "team@lists.example", message).await;
    assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
}
