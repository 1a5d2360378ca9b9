//! Mail that grows when it is opened, many at once: the memory of the server stays bounded and is given back,
//! each is held for its true reason, and an ordinary post beside them goes its way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sealist_chaos::process;
use sealist_mail::Timestamp;
use sealist_openpgp::testing::Kind;
use sealist_openpgp::testing::bombs::BOMBS;
use sealist_openpgp::testing::hostile::Stage;
use sealist_smtp::client::{Connection, RecipientResult};
use tokio::task::JoinSet;

use crate::common::site::{LIST, Site};
use crate::common::{entity, post_as};

const MEMBER: &str = "anne@example.org";
const CONNECTIONS: usize = 8;
const EACH: usize = 4;
/// MiB over idle while they are opened.
const MORE_MIB: u64 = 160;
/// MiB over idle that stay: pages of the database, and threads that wait for work.
const KEPT_MIB: u64 = 40;
/// No more may come out of blocks in text, or be signed there; what is beyond is damaged.
const MOST_IN_TEXT: usize = 16 << 20;
const WAIT: Duration = Duration::from_secs(60);

const UNREADABLE: &[&str] = &["unreadable", "unsigned"];
const UNSIGNED: &[&str] = &["unsigned", "decrypted-for-unproven-sender"];
/// Why the list holds each kind: one that does not fit cannot be read, like all that fails behind the use of
/// a key.
const REASONS: &[(&str, &[&str])] = &[
    ("ZIP beyond the limit", UNREADABLE),
    ("ZLIB beyond the limit", UNREADABLE),
    ("BZip2 beyond the limit", UNREADABLE),
    ("compressed in compressed", UNREADABLE),
    ("line ends", UNSIGNED),
    ("words", UNSIGNED),
    ("parts", UNREADABLE),
    ("base64", UNSIGNED),
    ("packets", UNREADABLE),
    ("words under a member's signatures", &["invalid-signature", "decrypted-for-unproven-sender"]),
    ("words in the text", &["not-encrypted", "invalid-signature"]),
    ("cleartext-signed line ends", &["not-encrypted", "invalid-signature"]),
];

/// What comes out of a message may be twice what the list takes.
#[tokio::test(flavor = "multi_thread")]
async fn bombs_at_once_cost_little_memory_where_messages_are_small() {
    check("1024", 1 << 20).await;
}

/// Without a limit it may be 32 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn bombs_at_once_cost_little_memory_where_messages_are_large() {
    check("0", 31 << 20).await;
}

async fn check(max_message_kib: &str, octets: usize) {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "max_message_kib", max_message_kib]);
    // The next rules judge what is inline.
    site.server.cli(&["lists", "set", LIST, "inline_pgp_action", "defer"]);
    for action in ["nonencrypted_msg_action", "unsigned_msg_action", "invalid_sig_action"] {
        site.server.cli(&["lists", "set", LIST, action, "hold"]);
    }
    let anne = site.join_with(MEMBER, Kind::Curve25519);
    let list = site.certificate();
    let honest = anne.mail(&list, &entity("Words", "An ordinary post."), Timestamp::now());
    let stage = Stage::against(list, anne, Timestamp::now());
    let bombs: Arc<Vec<_>> = Arc::new(BOMBS.iter().map(|bomb| bomb.mail(&stage, octets)).collect());

    let pid = site.server.child.id();
    let idle_kib = process::rss_kib(pid).unwrap();
    let mut sending = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let (mut open, bombs) = (site.server.connect().await, bombs.clone());
        sending.spawn(async move {
            for number in 0..EACH {
                let kind = (connection * EACH + number) % bombs.len();
                hand_in(&mut open, &format!("{kind}@bombs.example"), &bombs[kind]).await;
            }
        });
    }
    sending.join_all().await;
    hand_in(&mut site.server.connect().await, MEMBER, &honest).await;
    let came = site.sink.wait_for(1, WAIT).await;
    let waiting = || site.server.cli(&["queue", "list"]);
    assert!(came.iter().any(|copy| copy.recipient == MEMBER), "the post beside them waits: {}", waiting());

    let db = site.database();
    let in_work = "SELECT COUNT(*) FROM queue WHERE queue = 'in'";
    let end = Instant::now() + WAIT;
    while db.query_row(in_work, [], |row| row.get::<_, i64>(0)).unwrap() > 0 {
        assert!(Instant::now() < end, "the queue does not drain: {}", waiting());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let more_mib = process::peak_kib(pid).unwrap().saturating_sub(idle_kib) / 1024;
    assert!(more_mib <= MORE_MIB, "{more_mib} MiB more with max_message_kib = {max_message_kib}");
    assert_given_back(pid, idle_kib).await;
    assert_eq!(site.server.log().matches("action=accept").count(), 1, "only the honest post is posted");
    assert_reasons(&site, octets);
}

/// Waits for it: threads that have nothing to do end after a while.
async fn assert_given_back(pid: u32, idle_kib: u64) {
    let end = Instant::now() + WAIT;
    loop {
        let kept_mib = process::rss_kib(pid).unwrap().saturating_sub(idle_kib) / 1024;
        if kept_mib <= KEPT_MIB {
            return;
        }
        assert!(Instant::now() < end, "{kept_mib} MiB are not given back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Of strangers' mail the list keeps as much as its limits let it: what it keeps has its reason.
fn assert_reasons(site: &Site, octets: usize) {
    let held = site.server.queued();
    assert!(held.len() >= BOMBS.len() / 2, "{held:?}");
    for entry in held {
        let kind: usize = entry["sender"].as_str().unwrap().split('@').next().unwrap().parse().unwrap();
        let name = BOMBS[kind].name;
        let expected = match name {
            "words in the text" | "cleartext-signed line ends" if octets > MOST_IN_TEXT => {
                &["damaged", "unsigned"]
            }
            name => REASONS.iter().find(|(known, _)| *known == name).unwrap().1,
        };
        assert_eq!(entry["reasons"], serde_json::json!(expected), "{name}");
    }
}

async fn hand_in(connection: &mut Connection, sender: &str, message: &[u8]) {
    let result = post_as(connection, sender, LIST, message).await;
    assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
}
