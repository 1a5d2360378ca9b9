//! Next hops that do not keep what they offer: copies leave all the same, once, and without a wait for the
//! next try.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::site::{LIST, WAIT};
use crate::common::{Server, post};
use sealist_smtp::client::RecipientResult;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a next hop answers to BDAT without MAIL, and to RSET. `None`: it leaves.
type Answers = (Option<&'static str>, Option<&'static str>);
/// Copies by recipient.
type Taken = Arc<Mutex<BTreeMap<String, usize>>>;

#[tokio::test(flavor = "multi_thread")]
async fn copies_leave_by_data_where_the_question_for_bdat_breaks() {
    check((None, Some("250 ok\r\n"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_leave_once_where_rset_is_refused() {
    check((Some("503 no\r\n"), Some("502 no\r\n"))).await;
}

async fn check(answers: Answers) {
    const MEMBERS: usize = 24;
    let taken = Taken::default();
    let port = hop(answers, taken.clone()).await;
    // Who has to wait for another try comes too late.
    let server = Server::configured(&format!(
        "[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = {port}\nmax_recipients = 1\n[queue]\nretry_after_s = 3600\n"
    ));
    server.cli(&["lists", "create", LIST, "--style", "legacy-default"]);
    for member in 0..MEMBERS {
        server.cli(&["members", "add", LIST, &format!("m{member}@example.org")]);
    }
    let message = format!("From: m0@example.org\r\nTo: {LIST}\r\nSubject: x\r\n\r\nWords.\r\n");
    let mut sub_address = server.connect().await;
    assert!(matches!(post(&mut sub_address, LIST, message.as_bytes()).await, RecipientResult::Sent(_)));
    let end = Instant::now() + WAIT;
    while taken.lock().unwrap().len() < MEMBERS {
        assert!(Instant::now() < end, "not all copies come:\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(taken.lock().unwrap().values().all(|copies| *copies == 1), "{taken:?}");
}

async fn hop(answers: Answers, taken: Taken) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take_all(stream, answers, taken.clone()));
        }
    });
    port
}

async fn take_all(stream: TcpStream, (probe, reset): Answers, taken: Taken) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut recipients, mut in_content) = (String::new(), Vec::new(), false);
    stream.write_all(b"220 hop\r\n").await.ok()?;
    while stream.read_line(&mut line).await.ok()? > 0 {
        let command = std::mem::take(&mut line);
        let mut words = command.split_whitespace();
        let reply = match words.next() {
            Some(".") => "250 taken\r\n",
            _ if in_content => continue,
            Some("EHLO") => "250-hop\r\n250-CHUNKING\r\n250 PIPELINING\r\n",
            Some("BDAT") if recipients.is_empty() => probe?,
            Some("BDAT") => {
                let mut content = vec![0; words.next()?.parse().ok()?];
                stream.read_exact(&mut content).await.ok()?;
                "250 taken\r\n"
            }
            Some("DATA") => "354 go on\r\n",
            Some("RSET") => reset?,
            Some("RCPT") => {
                recipients.push(command.clone());
                "250 ok\r\n"
            }
            _ => "250 ok\r\n",
        };
        if reply == "250 taken\r\n" {
            for recipient in recipients.drain(..) {
                *taken.lock().unwrap().entry(recipient).or_default() += 1;
            }
        }
        in_content = reply.starts_with("354");
        stream.write_all(reply.as_bytes()).await.ok()?;
    }
    Some(())
}
