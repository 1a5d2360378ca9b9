//! What is refused for its size alone, before anything is kept of it.

use crate::common::post;
use crate::common::site::{LIST, Site};
use sealist_smtp::client::{Envelope, RecipientResult, WireBody};

fn message(octets: usize) -> Vec<u8> {
    let line = "0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
    format!("From: stranger@example.com\r\nSubject: x\r\n\r\n{}", line.repeat(octets / line.len()))
        .into_bytes()
}

/// The reply to each recipient of one transaction: 250, or the code of the refusal.
async fn replies(site: &Site, recipients: Vec<String>, octets: usize) -> Vec<u16> {
    let mut envelope = Some(Envelope {
        id: 0,
        sender: Some("stranger@example.com".into()),
        recipients,
        body: WireBody::from_message(&message(octets)),
    });
    let mut results = Vec::new();
    let mut connection = site.server.connect().await;
    connection.deliver(|| envelope.take(), |_, outcome| results = outcome).await.unwrap();
    results.iter().map(code).collect()
}

fn code(result: &RecipientResult) -> u16 {
    match result {
        RecipientResult::Sent(_) => 250,
        RecipientResult::Deferred(reply, _) | RecipientResult::Failed(reply, _) => reply.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_let_pass_is_refused_when_it_comes() {
    const KIB: usize = 1024;
    let site = Site::new().await;
    for (setting, address, octets, expected) in [
        ("2048", LIST, 1500 * KIB, 250),
        ("2048", LIST, 2100 * KIB, 552),
        // Up to 1 MiB a moderator may let it pass.
        ("40", LIST, 900 * KIB, 250),
        ("40", LIST, 1100 * KIB, 552),
        ("0", LIST, 3000 * KIB, 250),
        ("0", "team-request@lists.example", 1100 * KIB, 552),
        ("0", "team-join@lists.example", 1100 * KIB, 552),
        ("0", "team-leave@lists.example", 1100 * KIB, 552),
        ("0", "team-confirm+abc@lists.example", 1100 * KIB, 552),
        ("0", "team-sendkey@lists.example", 1100 * KIB, 552),
    ] {
        site.server.cli(&["lists", "set", LIST, "max_message_kib", setting]);
        let code = replies(&site, vec![address.to_owned()], octets).await;
        assert_eq!(code, [expected], "{setting} {address} {octets}");
    }
    // One of two addresses takes it.
    let both = vec!["team-request@lists.example".to_owned(), LIST.to_owned()];
    assert_eq!(replies(&site, both, 1100 * KIB).await, [552, 250]);
}

/// One message to many handles of a list is kept for one of them.
#[tokio::test(flavor = "multi_thread")]
async fn one_message_to_many_handles_is_kept_once() {
    let site = Site::new().await;
    for name in ["confirm", "bounces"] {
        let many = (0..50).map(|n| format!("team-{name}+{n}@lists.example")).collect();
        let replies = replies(&site, many, 900 * 1024).await;
        assert_eq!(replies.iter().filter(|code| **code == 250).count(), 1, "{name}");
        assert_eq!(replies.iter().filter(|code| **code == 452).count(), 49, "{name}");
    }
    // The same handle twice is one address.
    let same = vec!["team-confirm+x@lists.example".to_owned(); 2];
    assert_eq!(replies(&site, same, 1024).await, [250, 250]);
    // An address for people beside it is another matter.
    let beside = [LIST, "team-owner@lists.example", "team-request@lists.example"].map(str::to_owned);
    assert_eq!(replies(&site, beside.to_vec(), 1024).await, [250, 250, 250]);
    let result = post(&mut site.server.connect().await, LIST, &message(1024)).await;
    assert_eq!(code(&result), 250);
    let data = site.server.folder.path().join("data");
    let octets: u64 =
        std::fs::read_dir(data).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(octets < 16 * 1024 * 1024, "{octets}");
}
