//! How much may be out and not recorded: what a crash would send twice.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::site::{LIST, WAIT};
use common::{Server, post};
use rusqlite::Connection;
use sealist_lists::model::{ListName, Preferences, Role};
use sealist_mail::Timestamp;
use sealist_smtp::client::RecipientResult;
use sealist_store::{Store, StoreError, lists, people};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// What leaves while the database records nothing would leave twice after a crash.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_copies_leave_than_may_be_unrecorded() {
    const CONNECTIONS: usize = 8;
    const TOGETHER: usize = 50;
    // Each sender claims 500.
    const MEMBERS: usize = CONNECTIONS * 500;
    let ((asks, mut asked), (go_on, going)) = (mpsc::unbounded_channel(), watch::channel(false));
    let taken = Arc::<AtomicUsize>::default();
    let port = patient_hop(asks, taken.clone(), going).await;
    let server = Server::configured(&format!(
        "[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = {port}\nmax_connections = {CONNECTIONS}\nmax_recipients = {TOGETHER}\n"
    ));
    server.cli(&["lists", "create", LIST, "--style", "legacy-default"]);
    enrol(&server, MEMBERS).await;
    let message = format!("From: m0@example.org\r\nTo: {LIST}\r\nSubject: x\r\n\r\nWords.\r\n");
    let mut door = server.connect().await;
    assert!(matches!(post(&mut door, LIST, message.as_bytes()).await, RecipientResult::Sent(_)));
    for _ in 0..CONNECTIONS {
        asked.recv().await.unwrap();
    }
    let database = Connection::open(server.folder.path().join("data/sealist.db")).unwrap();
    database.busy_timeout(WAIT).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    go_on.send(true).unwrap();
    let mut out = 0;
    while out == 0 || out != taken.load(Ordering::Relaxed) {
        out = taken.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // Each connection has a message on its way, and the next one in hand.
    assert!(
        (1000..=1000 + CONNECTIONS * 2 * TOGETHER).contains(&out),
        "{out} copies are out and not recorded"
    );
    database.execute_batch("COMMIT").unwrap();
    let end = Instant::now() + WAIT;
    while taken.load(Ordering::Relaxed) < MEMBERS {
        assert!(Instant::now() < end, "not all copies come:\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(taken.load(Ordering::Relaxed), MEMBERS, "each once");
}

async fn enrol(server: &Server, members: usize) {
    let store = Store::open(&server.folder.path().join("data/sealist.db")).await.unwrap();
    let name: ListName = LIST.parse().unwrap();
    let list = lists::by_name(&mut store.reader().await.unwrap(), &name).await.unwrap().unwrap().no;
    let joined = store.write(move |db| {
        Box::pin(async move {
            let now = Timestamp::now();
            for n in 0..members {
                let address = format!("m{n}@example.org").parse().expect("an address");
                let no = people::ensure_address(&mut *db, &address, "", now).await?;
                people::add_member(&mut *db, list, no, Role::Member, Preferences::default(), now).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    joined.await.unwrap();
}

/// A mail server that waits before it takes the first content of each connection.
async fn patient_hop(
    asks: mpsc::UnboundedSender<()>,
    taken: Arc<AtomicUsize>,
    going: watch::Receiver<bool>,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take_all(stream, asks.clone(), taken.clone(), going.clone()));
        }
    });
    port
}

async fn take_all(
    stream: TcpStream,
    asks: mpsc::UnboundedSender<()>,
    taken: Arc<AtomicUsize>,
    mut going: watch::Receiver<bool>,
) -> Option<()> {
    let (from, mut to) = stream.into_split();
    let (mut lines, mut recipients) = (BufReader::new(from).lines(), 0);
    let mut in_content = false;
    to.write_all(b"220 patient\r\n").await.ok()?;
    while let Ok(Some(line)) = lines.next_line().await {
        let reply: &[u8] = match line.as_str() {
            "." => {
                taken.fetch_add(std::mem::take(&mut recipients), Ordering::Relaxed);
                b"250 taken\r\n"
            }
            _ if in_content => continue,
            "DATA" => {
                let _ = asks.send(());
                going.wait_for(|going| *going).await.ok()?;
                b"354 go on\r\n"
            }
            other => {
                recipients += usize::from(other.starts_with("RCPT"));
                b"250 ok\r\n"
            }
        };
        in_content = line == "DATA";
        to.write_all(reply).await.ok()?;
    }
    Some(())
}
