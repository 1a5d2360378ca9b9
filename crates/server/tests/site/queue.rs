//! `sealist queue`: what an admin keeps from going on, and lets go.

use std::time::Duration;

use crate::common::site::{LIST, Site, WAIT};
use crate::common::{entity, post};
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind, Person};
use sealist_smtp::client::RecipientResult;
use serde_json::Value;

/// Longer than the runners pause.
const A_WHILE: Duration = Duration::from_millis(800);

async fn stage() -> (Site, Person) {
    let site = Site::new().await;
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    site.join_with("bart@example.org", Kind::Curve25519);
    (site, anne)
}

async fn take_in(site: &Site, anne: &Person, subject: &str) {
    let message = anne.mail(&site.certificate(), &entity(subject, "Words."), Timestamp::now());
    let result = post(&mut site.server.connect().await, LIST, &message).await;
    assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
}

fn json(site: &Site, arguments: &[&str]) -> Value {
    serde_json::from_str(&site.server.cli(&[&["--json"], arguments].concat())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_list_takes_mail_in() {
    let (site, anne) = stage().await;
    site.server.cli(&["queue", "hold", LIST]);
    let doctor = String::from_utf8_lossy(&site.server.command(&["doctor"]).stdout).into_owned();
    assert!(doctor.contains(&format!("sealist queue release {LIST}")), "{doctor}");
    for subject in ["one", "two"] {
        take_in(&site, &anne, subject).await;
    }
    assert!(site.sink.wait_for(1, A_WHILE).await.is_empty());
    let waiting = json(&site, &["queue", "list"]);
    let places: Vec<&str> =
        waiting.as_array().unwrap().iter().map(|entry| entry["queue"].as_str().unwrap()).collect();
    assert_eq!(places, ["paused", "paused"]);
    // One of them is kept for good.
    let kept = waiting[0]["entry"].to_string();
    site.server.cli(&["queue", "hold", &kept]);
    site.server.cli(&["queue", "release", LIST]);
    assert_eq!(site.sink.wait_for(2, WAIT).await.len(), 2);
    assert!(site.sink.wait_for(1, A_WHILE).await.is_empty());
    assert_eq!(json(&site, &["queue", "show", &kept])["reasons"][0], "by-admin");
    site.server.cli(&["queue", "accept", &kept]);
    assert_eq!(site.sink.wait_for(2, WAIT).await.len(), 2);
    let again = site.server.command(&["queue", "release", LIST]);
    assert!(!again.status.success(), "it is not held any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_going_out_is_held() {
    let (site, anne) = stage().await;
    site.sink.defer("bart@example.org");
    take_in(&site, &anne, "one").await;
    assert_eq!(site.sink.wait_for(1, WAIT).await[0].recipient, "anne@example.org");
    let end = std::time::Instant::now() + WAIT;
    let number = loop {
        let posts = json(&site, &["queue", "posts"]);
        if posts[0]["copies"]["due"] == 1 && posts[0]["copies"]["sent"] == 1 {
            break posts[0]["post"].to_string();
        }
        assert!(std::time::Instant::now() < end, "{posts}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    site.server.cli(&["queue", "hold", "--post", &number]);
    assert_eq!(json(&site, &["queue", "posts"])[0]["copies"]["held"], 1);
    site.sink.accept("bart@example.org");
    site.server.cli(&["queue", "resend"]);
    assert!(site.sink.wait_for(1, A_WHILE).await.is_empty(), "held, whatever is tried again");
    site.server.cli(&["queue", "resend", "--post", &number]);
    assert_eq!(site.sink.wait_for(1, WAIT).await[0].recipient, "bart@example.org");
    site.server.wait_until_quiet();
    assert_eq!(json(&site, &["queue", "posts"]), Value::Array(Vec::new()), "all are out");
    let nothing = site.server.command(&["queue", "drop", "--post", &number]);
    assert!(!nothing.status.success());
    for (which, none) in
        [(&["--post", "99999"][..], "there is no post 99999"), (&["99999"][..], "there is no copy 99999")]
    {
        let none_such = site.server.command(&[&["queue", "resend"], which].concat());
        let said = String::from_utf8_lossy(&none_such.stderr).into_owned();
        assert!(!none_such.status.success() && said.contains(none), "{said}");
    }
}

/// Many large messages are judged as room in memory allows, whatever came in at once.
#[tokio::test(flavor = "multi_thread")]
async fn large_messages_are_not_judged_all_at_once() {
    let (site, _anne) = stage().await;
    for name in ["max_message_kib", "max_held_mib"] {
        site.server.cli(&["lists", "set", LIST, name, "0"]);
    }
    site.server.cli(&["queue", "hold", LIST]);
    let line = "0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
    let text = format!("From: stranger@example.com\r\n\r\n{}", line.repeat(20_000_000 / line.len()));
    for _ in 0..8 {
        let result = post(&mut site.server.connect().await, LIST, text.as_bytes()).await;
        assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
    }
    site.server.cli(&["queue", "release", LIST]);
    site.server.wait_until_judged();
    assert_eq!(site.held(), 8);
    let status = std::fs::read_to_string(format!("/proc/{}/status", site.server.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 256 * 1024, "{} MiB at once", peak_kib / 1024);
}
