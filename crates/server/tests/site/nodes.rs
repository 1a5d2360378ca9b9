//! Several nodes on one PostgreSQL.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::common::readers::read_copy;
use crate::common::sink::Sink;
use crate::common::site::{LIST, WAIT};
use crate::common::{Server, entity, post};
use sealist_mail::Timestamp;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person};
use sealist_smtp::client::RecipientResult;
use sealist_store::testing::Postgres;
use tokio::sync::watch;

/// Two nodes, one database, a list with two members, and the mail server that takes the copies.
struct Cluster {
    first: Server,
    second: Server,
    sink: Sink,
    anne: Person,
    list: Certificate,
    _stop: watch::Sender<bool>,
}

impl Cluster {
    async fn new() -> Self {
        let sink = Sink::default();
        let (stop, stopped) = watch::channel(false);
        let port = sink.start(stopped).await.unwrap();
        let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
        let sections = format!(
            "[database]\nurl = '{url}'\n[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = {port}\nmax_connections = 2\n"
        );
        let first = Server::configured(&sections);
        first.cli(&["lists", "create", LIST]);
        let anne = Person::new("anne@example.org", Kind::Curve25519, Timestamp::now());
        for address in ["anne@example.org", "bart@example.org"] {
            let member = match address {
                "anne@example.org" => anne.certificate(),
                other => Person::new(other, Kind::Curve25519, Timestamp::now()).certificate(),
            };
            let key = first.file(address, &member.armored());
            first.cli(&["members", "add", LIST, address, "--key", &key]);
        }
        let list = Certificate::read_one(first.cli(&["lists", "key", LIST]).as_bytes()).unwrap();
        let second = Server::with_keys_in(first.folder.path().join("keys").to_str().unwrap(), &sections);
        Self { first, second, sink, anne, list, _stop: stop }
    }

    fn message(&self, number: usize) -> Vec<u8> {
        self.anne.mail(&self.list, &entity(&format!("No. {number}"), "We meet at seven."), Timestamp::now())
    }

    /// How often each Subject came out to Anne.
    fn subjects(&self, came: &[crate::common::sink::Received]) -> BTreeMap<String, usize> {
        let mut seen = BTreeMap::new();
        for copy in came.iter().filter(|copy| copy.recipient == "anne@example.org") {
            let Shape::Encrypted(armor) = classify(&copy.message) else { panic!("not encrypted") };
            let (text, signed) = read_copy(&self.anne, &armor, &self.list).unwrap();
            assert!(signed);
            let (protected, _) = sealist_mail::Headers::parse(&text);
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
    let came = cluster.sink.take(2, WAIT).await;
    assert_eq!(cluster.subjects(&came).values().copied().collect::<Vec<_>>(), [1]);
    // A replay at the other node is one.
    let mut connection = cluster.first.connect().await;
    assert!(matches!(post(&mut connection, LIST, &message).await, RecipientResult::Sent(_)));
    cluster.first.wait_until_judged();
    let came = cluster.sink.take(2, Duration::from_millis(500)).await;
    let to: Vec<_> = came.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!(to, ["anne@example.org"], "the notice that it was posted already");
    cluster.first.kill();
    let message = cluster.message(2);
    assert!(matches!(
        post(&mut cluster.second.connect().await, LIST, &message).await,
        RecipientResult::Sent(_)
    ));
    assert_eq!(cluster.sink.take(2, WAIT).await.len(), 2, "one node is enough");
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
        came.extend(cluster.sink.take(1, Duration::from_secs(1)).await);
        seen = cluster.subjects(&came);
    }
    assert_eq!(seen.len(), POSTS + 1, "nothing acknowledged is lost, and all is taken over in time");
    came.extend(cluster.sink.take(2 * (POSTS + 1), Duration::from_secs(1)).await);
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
    assert_eq!(site.sink.take(2, WAIT).await.len(), 2, "what waited for a key goes out");
}

/// While the database is out of reach nobody is seen: that kills nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_the_database_kills_no_node() {
    let cluster = Cluster::new().await;
    let config = std::fs::read_to_string(cluster.first.folder.path().join("sealist.toml")).unwrap();
    let url = config.lines().find_map(|line| line.strip_prefix("url = '")).unwrap().trim_end_matches('\'');
    let pause = "BEGIN; LOCK TABLE nodes IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(8); COMMIT";
    let mut psql = std::process::Command::new("psql");
    psql.args(["-q", url, "-c", pause]);
    assert!(tokio::task::spawn_blocking(move || psql.output()).await.unwrap().unwrap().status.success());
    tokio::time::sleep(Duration::from_secs(7)).await;
    for node in [&cluster.first, &cluster.second] {
        assert!(!node.log().contains("what they had is done here"), "both live");
    }
}
