//! Somebody writes a thousand times in the name of others, so that a list floods them. `make long` does it
//! ten thousand times.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::common::post_as;
use crate::common::site::Site;
use sealist_mail::Timestamp;
use sealist_smtp::client::{Connection, Envelope, RecipientResult, WireBody};
use tokio::task::JoinSet;

/// How often each victim's name is misused.
const TIMES: usize = 20;
const CONNECTIONS: usize = 4;

/// How many people are written for: each costs the same, so that CI takes few.
fn victims() -> usize {
    std::env::var("SEALIST_VICTIMS").map_or(50, |victims| victims.parse().unwrap())
}

struct Forged {
    to: &'static str,
    victim: usize,
    command: &'static str,
}

fn message(forged: &Forged, number: usize) -> Vec<u8> {
    let Forged { to, victim, command } = forged;
    let date = Timestamp::now().rfc5322();
    format!(
        "From: victim{victim}@example.com\r\nTo: {to}\r\nSubject: {command}\r\nDate: {date}\r\nMessage-ID: <{number}@example.net>\r\n\r\n\r\n"
    )
    .into_bytes()
}

/// `first`: the number of the first of them; every fourth follows.
async fn pour(mut connection: Connection, first: usize, mails: Vec<(&'static str, Vec<u8>)>) {
    let (mut taken, total) = (0, mails.len());
    let mut envelopes = mails.into_iter().enumerate().map(|(id, (to, message))| Envelope {
        id: id as u64,
        sender: Some(format!("victim{}@example.com", (first + id * CONNECTIONS) % victims())),
        recipients: vec![to.into()],
        body: WireBody::from_message(&message),
    });
    let count = |_, results: Vec<RecipientResult>| {
        taken += results.iter().filter(|result| matches!(result, RecipientResult::Sent(_))).count();
    };
    connection.deliver(|| envelopes.next(), count).await.unwrap();
    assert_eq!(taken, total);
}

/// Sends so many, of these kinds in turn, and returns how many notices came to each victim.
async fn bomb(site: &Site, count: usize, kinds: &[(&'static str, &'static str)]) -> BTreeMap<String, usize> {
    let forged = |number: usize| {
        let (to, command) = kinds[number / victims() % kinds.len()];
        (to, message(&Forged { to, victim: number % victims(), command }, number))
    };
    let mut pouring = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let mails = (connection..count).step_by(CONNECTIONS).map(forged).collect();
        pouring.spawn(pour(site.server.connect().await, connection, mails));
    }
    pouring.join_all().await;
    let end = Instant::now() + Duration::from_secs(120);
    let db = site.database();
    while db.query_row("SELECT COUNT(*) FROM queue", [], |row| row.get::<_, i64>(0)).unwrap() > 0 {
        assert!(Instant::now() < end, "the queue does not drain: {}", site.server.cli(&["queue", "list"]));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut notices = BTreeMap::new();
    for notice in site.notices().await {
        *notices.entry(notice.recipient).or_default() += 1;
    }
    notices
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_more_than_one_notice() {
    let site = Site::configured("[site]\nmax_stranger_notices_per_hour = 100000\n").await;
    let sent = victims() * TIMES;
    let notices = bomb(&site, sent, &[("team-request@lists.example", "subscribe")]).await;
    assert_eq!(notices.len(), victims());
    assert!(notices.values().all(|count| *count == 1), "{notices:?}");
    let waiting: Vec<serde_json::Value> =
        serde_json::from_str(&site.server.cli(&["--json", "requests", "list"])).unwrap();
    assert_eq!(waiting.len(), victims(), "one request each");
    assert_eq!(site.server.cli(&["members", "list", "team@lists.example"]), "");
    let db = site.database();
    let rows = |table: &str| -> i64 {
        db.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert!(rows("events") <= 50, "{}", rows("events"));
    let tried = "SELECT SUM(times) FROM events WHERE kind IN ('request-asked', 'request-unasked')";
    let tried: i64 = db.query_row(tried, [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(tried).unwrap(), sent, "each is counted");
    let doctor = site.server.command(&["doctor"]).stdout;
    let untold = format!("{} by the limit of a day to one address", sent - victims());
    assert!(String::from_utf8_lossy(&doctor).contains(&untold));
}

/// Whatever is asked for, and at however many lists: three answers and five questions a day from the whole
/// site.
#[tokio::test(flavor = "multi_thread")]
async fn nor_by_other_commands_and_lists() {
    let site = Site::configured("[site]\nmax_stranger_notices_per_hour = 100000\n").await;
    site.server.cli(&["lists", "create", "staff@lists.example"]);
    site.server.cli(&["lists", "create", "board@lists.example"]);
    site.server.cli(&["lists", "create", "press@lists.example"]);
    site.server.cli(&["lists", "create", "plain@lists.example", "--style", "legacy-default"]);
    let kinds = [
        ("team-request@lists.example", "subscribe"),
        ("team-request@lists.example", "help"),
        ("team-request@lists.example", "key change"),
        ("team-request@lists.example", "key receive"),
        ("team-request@lists.example", "leave"),
        ("team-join@lists.example", "x"),
        ("team-leave@lists.example", "x"),
        ("staff-join@lists.example", "x"),
        ("staff-request@lists.example", "help"),
        ("staff-request@lists.example", "nonsense"),
        ("plain-request@lists.example", "subscribe"),
        ("plain-confirm+abc@lists.example", "x"),
        ("team-sendkey@lists.example", "x"),
        ("staff-sendkey@lists.example", "x"),
        ("staff-request@lists.example", "key receive"),
        ("board-sendkey@lists.example", "x"),
        ("press-sendkey@lists.example", "x"),
    ];
    let notices = bomb(&site, kinds.len() * victims(), &kinds).await;
    assert_eq!(notices.len(), victims());
    assert!(notices.values().all(|count| *count <= 8), "{notices:?}");
}

/// Who asks much in the name of others: what waits for the next hour has its limit, beyond it mail for
/// commands is put off and nothing is lost; mail from elsewhere, posts, and whoever has a token come in.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_put_off_and_nobody_else() {
    let site = Site::configured("[site]\nmax_stranger_notices_per_hour = 10\n").await;
    site.server.cli(&["lists", "create", "plain@lists.example", "--style", "legacy-default"]);
    site.server.cli(&["members", "add", "plain@lists.example", "anne@example.com"]);
    let mut connection = site.server.connect().await;
    let join = "plain-join@lists.example";
    let (mut taken, mut put_off) = (0, Vec::new());
    for number in 0..30 {
        let from = format!("victim{number}@example.com");
        let forged = format!("From: {from}\r\nSubject: x\r\n\r\n\r\n");
        match post_as(&mut connection, &from, join, forged.as_bytes()).await {
            RecipientResult::Sent(_) => taken += 1,
            other => put_off.push(format!("{other:?}")),
        }
    }
    assert!((10..=15).contains(&taken), "five are asked, ten wait: {taken}");
    assert!(put_off.iter().all(|reply| reply.contains("452")), "{put_off:?}");
    let sent = async |from: &str, to: &str| {
        let mail = format!("From: {from}\r\nTo: {to}\r\nSubject: x\r\n\r\nWords.\r\n");
        let result = post_as(&mut site.server.connect().await, from, to, mail.as_bytes()).await;
        matches!(result, RecipientResult::Sent(_))
    };
    assert!(!sent("anne@example.com", "plain-request@lists.example").await, "a member is no exception");
    assert!(!sent("nobody@example.com", "plain-sendkey@lists.example").await);
    assert!(sent("anne@example.com", "plain@lists.example").await, "a post");
    assert!(sent("anne@example.com", "plain-owner@lists.example").await);
    assert!(sent("rolf@example.org", join).await);
    let mut asked = Vec::new();
    while asked.iter().all(|recipient| recipient != "rolf@example.org") {
        let came = site.sink.wait_for(1, Duration::from_secs(20)).await;
        assert!(!came.is_empty(), "whoever writes from elsewhere is asked at once: {asked:?}");
        asked.extend(came.into_iter().map(|notice| notice.recipient));
    }
}
