//! Several nodes on one PostgreSQL.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::common::ground::{Ground, key_of};
use crate::common::sink::Received;
use crate::common::site::{LIST, WAIT};
use crate::common::{Server, entity, post};
use sealist_mail::Timestamp;
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person};
use sealist_smtp::client::RecipientResult;
use sealist_store::testing::Postgres;

/// Two nodes of one site with the same keys, and a list with two members.
struct Cluster {
    ground: Ground,
    first: Server,
    second: Server,
    list: Certificate,
}

impl Cluster {
    async fn new() -> Self {
        let ground = Ground::new().await;
        let first = ground.node("list = 'keys'");
        ground.set_up(&first);
        let bart = Person::new("bart@example.org", Kind::Curve25519, Timestamp::now());
        let key = first.file("bart.asc", &bart.certificate().armored());
        first.cli(&["members", "add", LIST, "bart@example.org", "--key", &key]);
        let keys = first.folder.path().join("keys");
        let second = ground.node(&format!("list = '{}'", keys.display()));
        let list = key_of(&first);
        Self { ground, first, second, list }
    }

    fn message(&self, number: usize) -> Vec<u8> {
        let text = entity(&format!("No. {number}"), "We meet at seven.");
        self.ground.anne.mail(&self.list, &text, Timestamp::now())
    }

    /// How often each Subject came out to Anne.
    fn subjects(&self, came: &[Received]) -> BTreeMap<String, usize> {
        let mut seen = BTreeMap::new();
        for copy in came.iter().filter(|copy| copy.recipient == "anne@example.org") {
            let (text, signed) = self.ground.read(copy, &self.list);
            assert!(signed);
            let (protected, _) = sealist_mail::Headers::parse(text.as_bytes());
            *seen.entry(protected.text("subject").unwrap()).or_insert(0) += 1;
        }
        seen
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_takes_in_another_sends_out() {
    let mut cluster = Cluster::new().await;
    let mut connection = cluster.second.connect().await;
    let message = cluster.message(1);
    assert!(matches!(post(&mut connection, LIST, &message).await, RecipientResult::Sent(_)));
    let came = cluster.ground.sink.wait_for(2, WAIT).await;
    assert_eq!(cluster.subjects(&came).values().copied().collect::<Vec<_>>(), [1]);
    // A replay at the other node is one.
    let mut connection = cluster.first.connect().await;
    assert!(matches!(post(&mut connection, LIST, &message).await, RecipientResult::Sent(_)));
    cluster.first.wait_until_judged();
    let came = cluster.ground.sink.wait_for(2, Duration::from_millis(500)).await;
    let to: Vec<_> = came.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!(to, ["anne@example.org"], "the notice that it was posted already");
    cluster.first.kill();
    let message = cluster.message(2);
    assert!(matches!(
        post(&mut cluster.second.connect().await, LIST, &message).await,
        RecipientResult::Sent(_)
    ));
    assert_eq!(cluster.ground.sink.wait_for(2, WAIT).await.len(), 2, "one node is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_nodes_work_is_done_by_the_other() {
    const POSTS: usize = 60;
    let mut cluster = Cluster::new().await;
    let mut connection = cluster.first.connect().await;
    for number in 0..POSTS {
        let message = cluster.message(number);
        assert!(matches!(post(&mut connection, LIST, &message).await, RecipientResult::Sent(_)));
        if number == POSTS / 2 {
            // The second is busy too.
            assert!(matches!(
                post(&mut cluster.second.connect().await, LIST, &cluster.message(1000)).await,
                RecipientResult::Sent(_)
            ));
        }
    }
    cluster.first.kill();
    let killed = Instant::now();
    // Second copies among them count for nothing.
    let (mut came, mut seen) = (Vec::new(), BTreeMap::new());
    while seen.len() <= POSTS && killed.elapsed() < Duration::from_secs(10) {
        came.extend(cluster.ground.sink.wait_for(1, Duration::from_secs(1)).await);
        seen = cluster.subjects(&came);
    }
    assert_eq!(seen.len(), POSTS + 1, "nothing acknowledged is lost, and all is taken over in time");
    came.extend(cluster.ground.sink.wait_for(2 * (POSTS + 1), Duration::from_secs(1)).await);
    let seen = cluster.subjects(&came);
    // A second copy only of what the dead node had sent and not recorded.
    assert!(seen.values().all(|times| *times <= 2), "{seen:?}");
    assert!(cluster.second.queued().is_empty());
}

/// A site with a post that waits and a hold moves, and goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_moves_from_sqlite() {
    let mut site = crate::common::site::Site::new().await;
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    site.server.cli(&["members", "add", LIST, "kim@example.org"]);
    let message =
        |subject: &str| anne.mail(&site.certificate(), &entity(subject, "Words."), Timestamp::now());
    let (first, second) = (message("one"), message("two"));
    site.send(LIST, &first, 2).await;
    let stranger = b"From: stranger@example.com\r\n\r\nWords.\r\n";
    site.send(LIST, stranger, 0).await;
    assert_eq!(site.held(), 1);
    site.server.kill();
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
    let moved = site.server.cli(&["--json", "db", "migrate-to", &url]);
    assert!(moved.contains("\"rows\""), "{moved}");
    let again = site.server.command(&["db", "migrate-to", &url]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("holds a site already"));
    let config = site.server.folder.path().join("sealist.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[database]\nurl = '{url}'\n")).unwrap();
    site.server.restart();
    assert_eq!(site.held(), 1, "the hold is there");
    site.send(LIST, &first, 1).await; // the notice that it was posted already
    assert_eq!(site.held(), 1, "the replay record is there");
    site.send(LIST, &second, 1).await;
    let kim = Person::new("kim@example.org", Kind::Curve25519, Timestamp::now());
    let file = site.server.file("kim.asc", &kim.certificate().armored());
    site.server.cli(&["keys", "import", "kim@example.org", &file]);
    assert_eq!(site.sink.wait_for(2, WAIT).await.len(), 2, "what waited for a key goes out");
}

/// While the database is out of reach nobody is seen: that kills nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_the_database_kills_no_node() {
    let cluster = Cluster::new().await;
    let url = cluster.ground.url.clone();
    let pause = "BEGIN; LOCK TABLE nodes IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(8); COMMIT";
    let mut psql = std::process::Command::new("psql");
    psql.args(["-q", &url, "-c", pause]);
    assert!(tokio::task::spawn_blocking(move || psql.output()).await.unwrap().unwrap().status.success());
    tokio::time::sleep(Duration::from_secs(7)).await;
    for node in [&cluster.first, &cluster.second] {
        assert!(!node.log().contains("nodes-released"), "both live");
    }
}
