//! How much may be out and not recorded: what a crash would send twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::site::{LIST, WAIT};
use crate::common::{Server, post};
use rusqlite::Connection;
use sealist_lists::model::{ListName, Preferences, Role};
use sealist_mail::Timestamp;
use sealist_smtp::client::RecipientResult;
use sealist_store::transaction;
use sealist_store::{Store, StoreError, lists, people};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

#[tokio::test(flavor = "multi_thread")]
async fn no_more_copies_leave_than_may_be_unrecorded() {
    check("250 patient\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_ahead_of_the_replies() {
    check("250-patient\r\n250-CHUNKING\r\n250 PIPELINING\r\n").await;
}

/// What leaves while the database records nothing, to a next hop with that offer, would leave twice after a
/// crash.
async fn check(offer: &'static str) {
    const CONNECTIONS: usize = 8;
    const TOGETHER: usize = 50;
    // Each sender claims 500.
    const MEMBERS: usize = CONNECTIONS * 500;
    let ((asks, mut asked), (go_on, going)) = (mpsc::unbounded_channel(), watch::channel(false));
    let taken = Arc::<AtomicUsize>::default();
    let port = patient_hop(offer, asks, taken.clone(), going).await;
    let server = Server::configured(&format!(
        "[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = {port}\nmax_connections = {CONNECTIONS}\nmax_recipients = {TOGETHER}\n"
    ));
    server.cli(&["lists", "create", LIST, "--style", "legacy-default"]);
    enrol(&server, MEMBERS).await;
    let message = format!("From: m0@example.org\r\nTo: {LIST}\r\nSubject: x\r\n\r\nWords.\r\n");
    let mut sub_address = server.connect().await;
    assert!(matches!(post(&mut sub_address, LIST, message.as_bytes()).await, RecipientResult::Sent(_)));
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
    let joined = store.write(transaction!(|db| {
        let now = Timestamp::now();
        for n in 0..members {
            let address = format!("m{n}@example.org").parse().expect("an address");
            let no = people::ensure_address(&mut *db, &address, "", now).await?;
            people::add_member(&mut *db, list, no, Role::Member, Preferences::default(), now).await?;
        }
        Ok::<_, StoreError>(())
    }));
    joined.await.unwrap();
}

/// A mail server that waits before it takes the first content of each connection.
async fn patient_hop(
    offer: &'static str,
    asks: mpsc::UnboundedSender<()>,
    taken: Arc<AtomicUsize>,
    going: watch::Receiver<bool>,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take_all(offer, stream, asks.clone(), taken.clone(), going.clone()));
        }
    });
    port
}

async fn take_all(
    offer: &'static str,
    stream: TcpStream,
    asks: mpsc::UnboundedSender<()>,
    taken: Arc<AtomicUsize>,
    mut going: watch::Receiver<bool>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut recipients, mut in_content) = (String::new(), 0, false);
    stream.write_all(b"220 patient\r\n").await.ok()?;
    while stream.read_line(&mut line).await.ok()? > 0 {
        let command = std::mem::take(&mut line);
        let mut words = command.split_whitespace();
        let reply = match words.next() {
            Some(".") => {
                taken.fetch_add(std::mem::take(&mut recipients), Ordering::Relaxed);
                "250 taken\r\n"
            }
            _ if in_content => continue,
            Some("EHLO") => offer,
            Some("BDAT") if recipients == 0 => "503 nobody\r\n",
            Some("BDAT") => {
                let mut content = vec![0; words.next()?.parse().ok()?];
                stream.read_exact(&mut content).await.ok()?;
                let _ = asks.send(());
                going.wait_for(|going| *going).await.ok()?;
                taken.fetch_add(std::mem::take(&mut recipients), Ordering::Relaxed);
                "250 taken\r\n"
            }
            Some("DATA") => {
                let _ = asks.send(());
                going.wait_for(|going| *going).await.ok()?;
                "354 go on\r\n"
            }
            other => {
                recipients += usize::from(other == Some("RCPT"));
                "250 ok\r\n"
            }
        };
        in_content = reply.starts_with("354");
        stream.write_all(reply.as_bytes()).await.ok()?;
    }
    Some(())
}
