//! Bounces: whom they are about, what they count, and that nobody can make them up.

use std::time::{Duration, Instant};

use crate::common::site::{LIST, Site, WAIT};
use crate::common::{entity, post};
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind, Person};
use sealist_smtp::client::{Envelope, RecipientResult, WireBody};

fn report(action: &str) -> Vec<u8> {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nSubject: Report\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nWords.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; bart@example.org\r\nAction: {action}\r\nStatus: 5.1.1\r\n--b--\r\n"
    )
    .into_bytes()
}

async fn bounce(site: &Site, to: &str, action: &str) {
    let mut connection = site.server.connect().await;
    let body = WireBody::from_message(&report(action));
    let mut envelope = Some(Envelope { id: 0, sender: None, recipients: vec![to.to_owned()], body });
    let mut results = Vec::new();
    connection.deliver(|| envelope.take(), |_, outcome| results = outcome).await.unwrap();
    assert!(matches!(results[0], RecipientResult::Sent(_)), "{results:?}");
    site.server.wait_until_judged();
}

/// A list that stops at the first bounce, with Anne, Bart and their owner Olga.
async fn stage() -> (Site, Person) {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "bounce_score_threshold", "1"]);
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    site.join_with("bart@example.org", Kind::Curve25519);
    let olga = Person::new("olga@example.org", Kind::Curve25519, Timestamp::now());
    let key = site.server.file("olga.asc", &olga.certificate().armored());
    site.server.cli(&["members", "add", LIST, "olga@example.org", "--role", "owner", "--key", &key]);
    (site, anne)
}

async fn send(site: &Site, anne: &Person, subject: &str) {
    let message = anne.mail(&site.certificate(), &entity(subject, "Words."), Timestamp::now());
    let mut connection = site.server.connect().await;
    assert!(matches!(post(&mut connection, LIST, &message).await, RecipientResult::Sent(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_counts_for_whom_it_is_about() {
    let (site, anne) = stage().await;
    send(&site, &anne, "one").await;
    let came = site.sink.wait_for(2, WAIT).await;
    let sender = |who: &str| came.iter().find(|copy| copy.recipient == who).unwrap().sender.clone();
    let (of_anne, of_bart) = (sender("anne@example.org"), sender("bart@example.org"));
    assert_ne!(of_anne, of_bart);
    assert!(of_bart.starts_with("team-bounces+") && of_bart.ends_with("@lists.example"), "{of_bart}");

    // Late is not lost, and a made-up handle is nobody's.
    bounce(&site, &of_bart, "delayed").await;
    for forged in [
        "team-bounces@lists.example",
        "team-bounces+0123456789abcdef0123456789ab@lists.example",
        "team-bounces+abcdefghijklmnopqrstuvwxyz234567@lists.example",
    ] {
        bounce(&site, forged, "failed").await;
    }
    let mut bent = of_bart.clone();
    bent.replace_range(14..15, if &of_bart[14..15] == "a" { "b" } else { "a" });
    bounce(&site, &bent, "failed").await;
    send(&site, &anne, "two").await;
    assert_eq!(site.sink.wait_for(2, WAIT).await.len(), 2, "nobody was stopped");

    bounce(&site, &of_bart, "failed").await;
    let notices = site.sink.wait_for(1, WAIT).await;
    assert_eq!(notices[0].recipient, "olga@example.org", "the owner hears of it");
    assert_eq!(notices[0].sender, "", "and a bounce of that goes nowhere");
    send(&site, &anne, "three").await;
    let came = site.sink.wait_for(2, Duration::from_secs(2)).await;
    let to: Vec<&str> = came.iter().map(|copy| copy.recipient.as_str()).collect();
    assert_eq!(to, ["anne@example.org"]);
    site.server.cli(&["members", "set", LIST, "bart@example.org", "delivery_status", "enabled"]);
    send(&site, &anne, "four").await;
    assert_eq!(site.sink.wait_for(2, WAIT).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_comes_back_stops_posts() {
    let (site, anne) = stage().await;
    site.server.cli(&["lists", "set", LIST, "verp_probes", "true"]);
    send(&site, &anne, "one").await;
    let of_bart = site.sink.wait_for(2, WAIT).await;
    let of_bart = of_bart.iter().find(|copy| copy.recipient == "bart@example.org").unwrap().sender.clone();
    // Probes have addresses of their own even where copies have none.
    site.server.cli(&["lists", "set", LIST, "verp", "false"]);

    bounce(&site, &of_bart, "failed").await;
    let probe = site.sink.wait_for(1, WAIT).await.remove(0);
    assert_eq!(probe.recipient, "bart@example.org", "nobody else hears of it yet");
    assert!(probe.sender.starts_with("team-bounces+"), "{}", probe.sender);
    assert_ne!(probe.sender, of_bart);
    send(&site, &anne, "two").await;
    assert_eq!(site.sink.wait_for(2, WAIT).await.len(), 2, "posts go on");
    bounce(&site, &of_bart, "failed").await;
    bounce(&site, &probe.sender, "delayed").await;
    send(&site, &anne, "three").await;
    assert_eq!(
        site.sink.wait_for(2, WAIT).await.len(),
        2,
        "a day's bounces count once, and late is not lost"
    );

    bounce(&site, &probe.sender, "failed").await;
    let notices = site.sink.wait_for(1, WAIT).await;
    assert_eq!(notices[0].recipient, "olga@example.org", "the owner hears of it");
    send(&site, &anne, "four").await;
    let came = site.sink.wait_for(2, Duration::from_secs(2)).await;
    assert_eq!(came.len(), 1, "Bart gets no posts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_refused_stops_posts() {
    let (site, anne) = stage().await;
    site.server.cli(&["lists", "set", LIST, "verp_probes", "true"]);
    site.sink.refuse("bart@example.org");
    send(&site, &anne, "one").await;
    // The post to Anne, and to the owner what could not be delivered and who is stopped; of the probe
    // nothing.
    let came = site.sink.wait_for(3, WAIT).await;
    let to: Vec<&str> = came.iter().map(|notice| notice.recipient.as_str()).collect();
    assert_eq!(to.iter().filter(|to| **to == "olga@example.org").count(), 2, "{to:?}");
    send(&site, &anne, "two").await;
    let came = site.sink.wait_for(2, Duration::from_secs(2)).await;
    assert_eq!(came.len(), 1, "Bart is not tried again");
}

/// Mail servers try for days; what came back of a post counts though the post is gone from here.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_bounce_counts() {
    for probes in ["false", "true"] {
        let (mut site, anne) = stage().await;
        for (name, value) in [("archive", "false"), ("verp_probes", probes)] {
            site.server.cli(&["lists", "set", LIST, name, value]);
        }
        send(&site, &anne, "one").await;
        let came = site.sink.wait_for(2, WAIT).await;
        let mut sender =
            came.iter().find(|copy| copy.recipient == "bart@example.org").unwrap().sender.clone();
        forget_posts(&mut site).await;
        if probes == "true" {
            bounce(&site, &sender, "failed").await;
            sender = site.sink.wait_for(1, WAIT).await.remove(0).sender;
            forget_posts(&mut site).await;
        }
        bounce(&site, &sender, "failed").await;
        let notices = site.sink.wait_for(1, WAIT).await;
        assert_eq!(notices.first().map(|notice| &notice.recipient[..]), Some("olga@example.org"));
    }
}

/// What is delivered goes, as it does each hour and at the start.
async fn forget_posts(site: &mut Site) {
    let db = site.database();
    let count = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let end = Instant::now() + WAIT;
    let wait_for_none = async |sql| {
        while count(sql) > 0 {
            assert!(Instant::now() < end, "{sql}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    wait_for_none("SELECT COUNT(*) FROM deliveries WHERE state = 'due'").await;
    site.server.kill();
    site.server.restart();
    wait_for_none("SELECT COUNT(*) FROM sendings").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_copy_is_a_bounce() {
    let (site, anne) = stage().await;
    site.sink.refuse("bart@example.org");
    send(&site, &anne, "one").await;
    // The post to Anne, and to the owner what could not be delivered and who is stopped.
    let came = site.sink.wait_for(3, WAIT).await;
    let to_olga = came.iter().filter(|notice| notice.recipient == "olga@example.org").count();
    assert_eq!((came.len(), to_olga), (3, 2));
    send(&site, &anne, "two").await;
    let came = site.sink.wait_for(2, Duration::from_secs(2)).await;
    assert_eq!(came.len(), 1, "Bart is not tried again");
}
