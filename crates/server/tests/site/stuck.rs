//! What must not stop everything, and what must not wait for ever: a database that refuses for a while, a
//! list that goes, a next hop that hangs.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::site::{LIST, Site, WAIT};
use crate::common::{Server, entity, post};
use rusqlite::Connection;
use sealist_mail::Timestamp;
use sealist_openpgp::testing::Kind;
use sealist_smtp::client::RecipientResult;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

const OTHER: &str = "other@lists.example";

fn database(server: &Server) -> Connection {
    let database = Connection::open(server.folder.path().join("data/sealist.db")).unwrap();
    database.busy_timeout(WAIT).unwrap();
    database
}

/// A table that takes no claim back, and a second fault by which there is one to give back.
fn refuse(server: &Server, table: &str, fault: &str) {
    let no_back = format!(
        "CREATE TRIGGER no_back BEFORE UPDATE ON {table} WHEN OLD.claimed_by IS NOT NULL AND NEW.claimed_by IS NULL
         BEGIN SELECT RAISE(ABORT, 'not now'); END; {fault}"
    );
    database(server).execute_batch(&no_back).unwrap();
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A post to a database with that fault, which goes away after the log has told of it.
async fn is_given_back(table: &str, fault: &str, told: &str) {
    let site = Site::new().await;
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    refuse(&site.server, table, fault);
    let message = anne.mail(&site.certificate(), &entity("one", "Words."), Timestamp::now());
    let mut connection = site.server.connect().await;
    assert!(matches!(post(&mut connection, LIST, &message).await, RecipientResult::Sent(_)));
    until(told, || site.server.log().contains(told)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let database = database(&site.server);
    database.execute_batch("DROP TRIGGER no_back; DROP TRIGGER fault;").unwrap();
    let claimed = format!("SELECT COUNT(*) FROM {table} WHERE claimed_by IS NOT NULL");
    let claimed = || database.query_row(&claimed, (), |row| row.get::<_, i64>(0)).unwrap();
    until("a claim that nobody frees", || claimed() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_given_back_as_soon_as_the_database_takes_it() {
    let fault = "CREATE TRIGGER fault BEFORE INSERT ON posts BEGIN SELECT RAISE(ABORT, 'not now'); END;";
    is_given_back("queue", fault, "judging-failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_given_back_as_soon_as_the_database_takes_them() {
    let fault = "CREATE TRIGGER fault AFTER INSERT ON posts
                 BEGIN UPDATE bodies SET octets = octets + 1 WHERE no = NEW.body_no; END;";
    is_given_back("deliveries", fault, "copies-failed").await;
}

/// A mail server that lets Bart's sender wait, and then has nobody of that name.
struct SlowHop {
    port: u16,
    asked: mpsc::UnboundedReceiver<()>,
    taken: mpsc::UnboundedReceiver<String>,
    go_on: watch::Sender<bool>,
}

impl SlowHop {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asks, asked) = mpsc::unbounded_channel();
        let (takes, taken) = mpsc::unbounded_channel();
        let (go_on, going) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, asks.clone(), takes.clone(), going.clone()));
            }
        });
        Self { port, asked, taken, go_on }
    }
}

async fn talk(
    stream: TcpStream,
    asks: mpsc::UnboundedSender<()>,
    takes: mpsc::UnboundedSender<String>,
    mut going: watch::Receiver<bool>,
) -> Option<()> {
    let (from, mut to) = stream.into_split();
    let (mut lines, mut content) = (BufReader::new(from).lines(), false);
    to.write_all(b"220 slow\r\n").await.ok()?;
    while let Ok(Some(line)) = lines.next_line().await {
        let reply: &[u8] = match line.as_str() {
            "." => b"250 taken\r\n",
            _ if content => continue,
            "DATA" => b"354 go on\r\n",
            rcpt if rcpt.contains("bart@") => {
                asks.send(()).ok()?;
                going.wait_for(|going| *going).await.ok()?;
                b"550 5.1.1 nobody here\r\n"
            }
            other => {
                takes.send(other.to_owned()).ok()?;
                b"250 ok\r\n"
            }
        };
        content = line == "DATA";
        to.write_all(reply).await.ok()?;
    }
    Some(())
}

/// Two plain lists: a post to the first goes to Bart, one to the second to Kim.
async fn two_lists(hop: &mut SlowHop) -> Server {
    let server = Server::sending_to(hop.port);
    for (list, member) in [(LIST, "bart@example.org"), (OTHER, "kim@example.org")] {
        server.cli(&["lists", "create", list, "--style", "legacy-default"]);
        server.cli(&["members", "add", list, member]);
    }
    write(&server, LIST, "bart").await;
    hop.asked.recv().await.unwrap();
    server
}

async fn write(server: &Server, to: &str, from: &str) {
    let message = format!("From: {from}@example.org\r\nTo: {to}\r\nSubject: x\r\n\r\nWords.\r\n");
    let mut connection = server.connect().await;
    assert!(matches!(post(&mut connection, to, message.as_bytes()).await, RecipientResult::Sent(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_goes_stops_no_other() {
    let mut hop = SlowHop::start().await;
    let server = two_lists(&mut hop).await;
    server.cli(&["lists", "delete", LIST, "--yes"]);
    hop.go_on.send(true).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    write(&server, OTHER, "kim").await;
    until("Kim gets nothing", || {
        hop.taken.try_recv().is_ok_and(|line| line.contains("RCPT TO:<kim@example.org>"))
    })
    .await;
    let refused = "results-not-recorded";
    assert!(!server.log().contains(refused), "{refused}, over and over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hop_that_hangs_does_not_keep_the_server() {
    let mut hop = SlowHop::start().await;
    let mut server = two_lists(&mut hop).await;
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    until("the server does not end", || server.child.try_wait().unwrap().is_some()).await;
}
