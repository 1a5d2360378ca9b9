//! The client against a scripted peer that answers 4xx, 5xx, late, half, garbage, or not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use sealist_smtp::client::{
    Body, Connection, Envelope, PeerReply, Protocol, RecipientResult, Target, Timeouts,
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// What a peer does instead of a reply.
const CLOSE: &str = "CLOSE";
const SILENCE: &str = "SILENCE";

type Script = fn(&str) -> &'static str;

/// A peer that answers every line, and "." for the end of a content, as the script says.
async fn peer(script: Script, pipelining: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(converse(stream, script, pipelining));
        }
    });
    port
}

async fn converse(stream: tokio::net::TcpStream, script: Script, pipelining: bool) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 peer\r\n").await?;
    let mut in_content = false;
    while let Some(line) = lines.next_line().await? {
        let reply = match (in_content, line.as_str()) {
            (true, ".") => script("."),
            (true, _) => continue,
            (false, line) if line.starts_with("EHLO") => {
                if pipelining {
                    "250-peer\r\n250 PIPELINING\r\n"
                } else {
                    "250 peer\r\n"
                }
            }
            (false, "RSET") => "250 reset\r\n",
            (false, line) => script(line),
        };
        in_content = reply.starts_with("354");
        match reply {
            CLOSE => return Ok(()),
            SILENCE => std::future::pending::<()>().await,
            reply => writer.write_all(reply.as_bytes()).await?,
        }
    }
    Ok(())
}

fn envelope(id: u64, recipients: &[&str]) -> Envelope {
    Envelope {
        id,
        sender: Some("list@x.example".into()),
        recipients: recipients.iter().map(|r| (*r).to_owned()).collect(),
        body: Body::from_message(b"Subject: x\r\n\r\n.words\r\n"),
    }
}

/// Three envelopes, the second with two recipients; the results as short words.
async fn outcome(script: Script, pipelining: bool) -> (Vec<(u64, Vec<&'static str>)>, bool) {
    let mut target = Target::plain("127.0.0.1", peer(script, pipelining).await, Protocol::Smtp);
    target.timeouts = Timeouts {
        connect: Duration::from_secs(5),
        command: Duration::from_millis(300),
        data: Duration::from_secs(5),
        data_done: Duration::from_millis(300),
    };
    let mut connection = Connection::connect(&target).await.unwrap();
    let mut envelopes = vec![
        envelope(3, &["c@x.example"]),
        envelope(2, &["bad@x.example", "b@x.example"]),
        envelope(1, &["a@x.example"]),
    ];
    let mut results = Vec::new();
    let kept = connection
        .deliver(|| envelopes.pop(), |id, outcomes| results.push((id, outcomes.iter().map(word).collect())))
        .await;
    (results, kept.is_ok())
}

fn word(result: &RecipientResult) -> &'static str {
    match result {
        RecipientResult::Sent(_) => "sent",
        RecipientResult::Deferred(_) => "deferred",
        RecipientResult::Failed(_) => "failed",
        RecipientResult::NotSent => "not sent",
        RecipientResult::Unknown => "unknown",
    }
}

async fn check(script: Script, expected: &[(u64, &[&'static str])], kept: bool) {
    for pipelining in [true, false] {
        let expected: Vec<_> = expected.iter().map(|(id, words)| (*id, words.to_vec())).collect();
        assert_eq!(outcome(script, pipelining).await, (expected, kept), "pipelining: {pipelining}");
    }
}

fn kind(line: &str) -> &'static str {
    match line {
        "." => "250 taken\r\n",
        "DATA" => "354 go\r\n",
        _ => "250 ok\r\n",
    }
}

#[tokio::test]
async fn everything_is_taken() {
    check(kind, &[(1, &["sent"]), (2, &["sent", "sent"]), (3, &["sent"])], true).await;
}

#[tokio::test]
async fn a_refused_recipient_spoils_nothing() {
    fn script(line: &str) -> &'static str {
        if line.contains("bad@") { "550 5.1.1 no\r\n" } else { kind(line) }
    }
    check(script, &[(1, &["sent"]), (2, &["failed", "sent"]), (3, &["sent"])], true).await;
}

#[tokio::test]
async fn too_many_recipients_are_tried_again() {
    fn script(line: &str) -> &'static str {
        if line.contains("<b@") { "452 4.5.3 too many\r\n" } else { kind(line) }
    }
    check(script, &[(1, &["sent"]), (2, &["sent", "deferred"]), (3, &["sent"])], true).await;
}

#[tokio::test]
async fn a_refused_content_is_refused_for_all() {
    fn later(line: &str) -> &'static str {
        if line == "." { "451 later\r\n" } else { kind(line) }
    }
    fn never(line: &str) -> &'static str {
        if line == "." { "554-never\r\n554 at all\r\n" } else { kind(line) }
    }
    check(later, &[(1, &["deferred"]), (2, &["deferred", "deferred"]), (3, &["deferred"])], true).await;
    check(never, &[(1, &["failed"]), (2, &["failed", "failed"]), (3, &["failed"])], true).await;
}

#[tokio::test]
async fn a_refused_sender_or_data_is_refused_for_all() {
    fn sender(line: &str) -> &'static str {
        match line {
            line if line.starts_with("MAIL") => "451 busy\r\n",
            "DATA" => "503 no recipients\r\n",
            line if line.starts_with("RCPT") => "503 no sender\r\n",
            line => kind(line),
        }
    }
    fn data(line: &str) -> &'static str {
        if line == "DATA" { "452 full\r\n" } else { kind(line) }
    }
    let deferred: &[(u64, &[&'static str])] =
        &[(1, &["deferred"]), (2, &["deferred", "deferred"]), (3, &["deferred"])];
    check(sender, deferred, true).await;
    check(data, deferred, true).await;
}

#[tokio::test]
async fn a_lost_reply_is_unknown_and_nothing_else_is() {
    fn closes(line: &str) -> &'static str {
        if line == "." { CLOSE } else { kind(line) }
    }
    fn hangs(line: &str) -> &'static str {
        if line == "." { SILENCE } else { kind(line) }
    }
    fn garbage(line: &str) -> &'static str {
        if line == "." { "what?\r\n" } else { kind(line) }
    }
    fn half(line: &str) -> &'static str {
        if line == "." { "25" } else { kind(line) }
    }
    for script in [closes as Script, hangs, garbage, half] {
        check(script, &[(1, &["unknown"]), (2, &["not sent", "not sent"])], false).await;
    }
}

#[tokio::test]
async fn a_peer_that_leaves_early_gets_nothing() {
    fn script(line: &str) -> &'static str {
        if line.starts_with("RCPT") { "421 going down\r\n" } else { kind(line) }
    }
    fn closes(line: &str) -> &'static str {
        if line == "DATA" { CLOSE } else { kind(line) }
    }
    let (results, _) = outcome(script, false).await;
    assert_eq!(results[0], (1, vec!["deferred"]));
    let (results, kept) = outcome(closes, true).await;
    assert_eq!((results, kept), (vec![(1, vec!["not sent"])], false));
}

#[tokio::test]
async fn pipelined_mail_takes_one_read_each() {
    let target = Target::plain("127.0.0.1", peer(kind, true).await, Protocol::Smtp);
    let mut connection = Connection::connect(&target).await.unwrap();
    let (mut left, mut sent) = (50, 0);
    let next = || {
        left -= 1;
        (left >= 0).then(|| envelope(1, &["a@x.example"]))
    };
    connection
        .deliver(next, |_, outcomes| sent += usize::from(matches!(outcomes[..], [RecipientResult::Sent(_)])))
        .await
        .unwrap();
    assert_eq!(sent, 50);
    // This peer writes each reply by itself; without pipelining it would be four reads a message and more.
    assert!(connection.reads() < 4 * 50, "{} reads", connection.reads());
}

#[tokio::test]
async fn international_addresses_need_the_peers_word() {
    let target = Target::plain("127.0.0.1", peer(kind, true).await, Protocol::Smtp);
    let mut connection = Connection::connect(&target).await.unwrap();
    let mut envelopes = vec![envelope(2, &["a@x.example"]), envelope(1, &["jörg@x.example"])];
    let mut results = Vec::new();
    connection.deliver(|| envelopes.pop(), |id, outcomes| results.push((id, outcomes))).await.unwrap();
    assert!(matches!(&results[0].1[..], [RecipientResult::Failed(PeerReply { code: 553, .. })]));
    assert!(matches!(&results[1].1[..], [RecipientResult::Sent(_)]));
}
