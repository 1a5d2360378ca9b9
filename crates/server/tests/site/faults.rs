//! The faults of the system that this one follows, and that they are absent.

use crate::common::gpg::Gpg;
use crate::common::site::{LIST, Site, WAIT};
use crate::common::{encrypted, entity, read};
use sealist_mail::{Boundary, Headers, compose};

const ANNE: &str = "anne@example.org";

async fn site_with_anne() -> (Site, Gpg) {
    let site = Site::new().await;
    let anne = site.person(ANNE);
    site.join(ANNE, "member", &anne);
    (site, anne)
}

fn clear(text: &str) -> Vec<u8> {
    format!("From: {ANNE}\r\nTo: {LIST}\r\nSubject: {text}\r\n\r\n{text}\r\n").into_bytes()
}

/// Sealed to its reader: nothing of it can be read without the key.
fn assert_sealed(message: &[u8], text: &str) {
    assert!(!String::from_utf8_lossy(message).contains(text));
    assert_eq!(Headers::parse(message).0.text("subject").unwrap(), "[...]");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_1_and_2_no_mail_changes_a_key() {
    let (site, anne) = site_with_anne().await;
    let before = site.server.cli(&["keys", "show", ANNE]);
    let mallory = Gpg::new().unwrap();
    mallory.make_key("mallory@example.com", "curve25519").unwrap();
    let key = String::from_utf8(mallory.export("mallory@example.com").unwrap()).unwrap();
    for line in ["key set 0123456789", "key confirm 0123456789", "key change"] {
        let mail = format!("From: {ANNE}\r\nSubject: {line}\r\n\r\n{line}\r\n\r\n{key}\r\n");
        // Anne hears of it, in a notice that only she can read, or that only the holder of that key could.
        for notice in site.send("team-request@lists.example", mail.as_bytes(), 1).await {
            assert_eq!(notice.recipient, ANNE, "{line}");
            assert_sealed(&notice.message, line);
        }
    }
    assert_eq!(site.server.cli(&["keys", "show", ANNE]), before);
    let tried: Vec<serde_json::Value> = serde_json::from_str(&site.server.cli(&["--json", "audit"])).unwrap();
    assert!(tried.len() >= 3, "the owner can see it: {tried:?}");
    drop(anne);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_3_a_foreign_or_broken_signature_is_a_verdict() {
    let (site, _anne) = site_with_anne().await;
    for action in ["hold", "discard"] {
        site.server.cli(&["lists", "set", LIST, "invalid_sig_action", action]);
        site.server.cli(&["lists", "set", LIST, "nonencrypted_msg_action", "defer"]);
        let boundary = Boundary::from_entropy([5; 16]);
        for signature in
            [&b"garbage"[..], b"-----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n-----END PGP SIGNATURE-----\r\n"]
        {
            let signed = compose::signed(&entity("x", action), signature, "pgp-sha512", &boundary);
            let mail = [format!("From: {ANNE}\r\n").as_bytes(), &signed].concat();
            site.send(LIST, &mail, 0).await;
        }
    }
    let queued = site.server.queued();
    assert_eq!(queued.len(), 2, "two held, two discarded, none shunted: {queued:?}");
    assert!(queued.iter().all(|entry| entry["queue"] == "hold"), "{queued:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_4_7_8_what_is_let_pass_goes_out_sealed() {
    let (site, anne) = site_with_anne().await;
    site.server.cli(&["lists", "set", LIST, "nonencrypted_msg_action", "defer"]);
    for (action, text) in [("defer", "four words of mine"), ("accept", "seven words of mine")] {
        site.server.cli(&["lists", "set", LIST, "unsigned_msg_action", action]);
        let copies = site.send(LIST, &clear(text), 1).await;
        assert_sealed(&copies[0].message, text);
        assert!(read(&anne, &copies[0].message).contains(text));
    }
    site.server.cli(&["lists", "set", LIST, "unsigned_msg_action", "hold"]);
    site.send(LIST, &clear("eight words of mine"), 0).await;
    let entry = site.server.queued()[0]["entry"].to_string();
    site.server.cli(&["queue", "accept", &entry]);
    let copies = site.sink.wait_for(1, WAIT).await;
    assert_sealed(&copies[0].message, "eight words");
    assert!(read(&anne, &copies[0].message).contains("eight words of mine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_5_no_notice_carries_the_post() {
    let (site, anne) = site_with_anne().await;
    site.server.cli(&["members", "add", LIST, "olga@example.org", "--role", "owner"]);
    let secret = "five words of mine";
    let unsigned = encrypted(ANNE, LIST, &anne.encrypt(LIST, &entity(secret, secret)).unwrap());
    let rejected = site.send(LIST, &unsigned, 1).await;
    assert!(!read(&anne, &rejected[0].message).contains(secret));
    let held = site
        .send(LIST, format!("From: x@y.example\r\nSubject: {secret}\r\n\r\n{secret}").as_bytes(), 1)
        .await;
    assert_eq!(held[0].recipient, "olga@example.org");
    assert!(!String::from_utf8_lossy(&held[0].message).contains(secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_6_a_second_posting_is_no_error() {
    let (site, anne) = site_with_anne().await;
    site.server.cli(&["lists", "set", LIST, "duplicate_sig_action", "defer"]);
    let signed = anne.sign_and_encrypt(LIST, &entity("x", "six words of mine")).unwrap();
    site.send(LIST, &encrypted(ANNE, LIST, &signed), 1).await;
    // Her copy, and then the notice that it was posted already.
    site.send(LIST, &encrypted(ANNE, LIST, &signed), 1).await;
    assert_eq!(site.held(), 0, "the same at the same address is discarded");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_9_the_outside_of_a_copy_tells_nothing() {
    let (site, anne) = site_with_anne().await;
    let armor = anne.sign_and_encrypt(LIST, &entity("the plan", "nine words of mine")).unwrap();
    let mail = encrypted(ANNE, "team@lists.example, bart@example.org", &armor);
    let copies = site.send(LIST, &mail, 1).await;
    assert_sealed(&copies[0].message, "the plan");
    let (outside, _) = Headers::parse(&copies[0].message);
    for name in ["from", "to", "cc", "reply-to"] {
        let outside = outside.text(name).unwrap_or_default();
        assert!(!outside.contains("@example.org"), "{name}: {outside}");
    }
    assert!(read(&anne, &copies[0].message).contains("Subject: the plan"));
}
