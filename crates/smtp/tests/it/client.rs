//! The client against a scripted peer that answers with 4xx, 5xx, late, partly, with garbage, or not at all.

use std::time::Duration;

use sealist_mail::SmtpStage;
use sealist_smtp::client::{
    Connection, Envelope, NextHop, PeerReply, Protocol, RecipientResult, Reuse, Timeouts, WireBody,
};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// What a peer does instead of a reply.
const CLOSE: &str = "CLOSE";
const SILENCE: &str = "SILENCE";
const CONTENT: &[u8] = b"Subject: x\r\n\r\nwords.\r\n";

type Script = fn(&str) -> &'static str;

/// What a peer offers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Offer {
    Nothing,
    Pipelining,
    Chunking,
}

impl Offer {
    fn hello(self) -> &'static str {
        match self {
            Offer::Nothing => "250 peer\r\n",
            Offer::Pipelining => "250-peer\r\n250 PIPELINING\r\n",
            Offer::Chunking => "250-peer\r\n250-CHUNKING\r\n250 PIPELINING\r\n",
        }
    }
}

/// A peer that answers every command, and the end of every content as ".", as the script says.
async fn peer(script: Script, offer: Offer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(converse(stream, script, offer));
        }
    });
    port
}

async fn converse(stream: tokio::net::TcpStream, script: Script, offer: Offer) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    writer.write_all(b"220 peer\r\n").await?;
    let (mut in_content, mut nobody) = (false, true);
    let mut line = String::new();
    while reader.read_line(&mut line).await? > 0 {
        let command = std::mem::take(&mut line);
        let command = command.trim_end();
        let reply = match (in_content, command) {
            (true, ".") => script("."),
            (true, _) => continue,
            (false, hello) if hello.starts_with("EHLO") => offer.hello(),
            (false, bdat) if bdat.starts_with("BDAT ") => {
                let octets = bdat.split(' ').nth(1).unwrap().parse().unwrap();
                let mut content = vec![0; octets];
                reader.read_exact(&mut content).await?;
                assert!(octets == 0 || content == CONTENT, "each octet of it, and no more");
                match script("BDAT") {
                    known if known.starts_with("250") && octets > 0 => {
                        if nobody {
                            "503 nobody\r\n"
                        } else {
                            script(".")
                        }
                    }
                    reply => reply,
                }
            }
            (false, command) => script(command),
        };
        nobody = match command {
            rcpt if rcpt.starts_with("RCPT") => nobody && !reply.starts_with("250"),
            _ => true,
        };
        in_content = reply.starts_with("354");
        match reply {
            CLOSE => return Ok(()),
            SILENCE => std::future::pending::<()>().await,
            reply => writer.write_all(reply.as_bytes()).await?,
        }
        if reply.starts_with("421") {
            return Ok(());
        }
    }
    Ok(())
}

fn envelope(id: u64, recipients: &[&str]) -> Envelope {
    Envelope {
        id,
        sender: Some("list@x.example".into()),
        recipients: recipients.iter().map(|r| (*r).to_owned()).collect(),
        body: WireBody::from_message(CONTENT),
    }
}

/// Delivers three envelopes, the second with two recipients, and returns the results as short words.
async fn outcome(script: Script, offer: Offer) -> (Vec<(u64, Vec<&'static str>)>, bool) {
    let mut target = NextHop::plain("127.0.0.1", peer(script, offer).await, Protocol::Smtp);
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
        RecipientResult::Deferred(..) => "deferred",
        RecipientResult::Failed(..) => "failed",
        RecipientResult::NeedsSevenBit => "eight bit",
        RecipientResult::NotSent => "not sent",
        RecipientResult::Unknown => "unknown",
    }
}

type Outcomes<'e> = &'e [(u64, &'e [&'static str])];

/// Checks the script with every set of extensions that a peer may offer.
async fn check(script: Script, expected: Outcomes<'_>, kept: bool) {
    for offer in [Offer::Nothing, Offer::Pipelining, Offer::Chunking] {
        check_with(offer, script, expected, kept).await;
    }
}

async fn check_with(offer: Offer, script: Script, expected: Outcomes<'_>, kept: bool) {
    let expected: Vec<_> = expected.iter().map(|(id, words)| (*id, words.to_vec())).collect();
    assert_eq!(outcome(script, offer).await, (expected, kept), "{offer:?}");
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
    check_with(Offer::Nothing, data, deferred, true).await;
    check_with(Offer::Pipelining, data, deferred, true).await;
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
        for offer in [Offer::Nothing, Offer::Pipelining] {
            check_with(offer, script, &[(1, &["unknown"]), (2, &["not sent", "not sent"])], false).await;
        }
        let all = &[(1, &["unknown"][..]), (2, &["unknown", "unknown"]), (3, &["unknown"])];
        check_with(Offer::Chunking, script, all, false).await;
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
    let (results, _) = outcome(script, Offer::Nothing).await;
    assert_eq!(results[0], (1, vec!["deferred"]));
    check_with(Offer::Pipelining, closes, &[(1, &["not sent"])], false).await;
}

#[tokio::test]
async fn what_is_behind_a_goodbye_is_not_sent() {
    fn script(line: &str) -> &'static str {
        if line.contains("<b@") { "421 going down\r\n" } else { kind(line) }
    }
    let expected = &[(1, &["sent"][..]), (2, &["not sent", "deferred"]), (3, &["not sent"])];
    check_with(Offer::Chunking, script, expected, false).await;
}

#[tokio::test]
async fn a_peer_that_leaves_at_once_gets_nothing() {
    fn script(line: &str) -> &'static str {
        if line == "BDAT" { "421 too many connections\r\n" } else { kind(line) }
    }
    check_with(Offer::Chunking, script, &[], false).await;
}

#[tokio::test]
async fn an_offer_that_is_not_kept_is_not_used() {
    fn script(line: &str) -> &'static str {
        if line == "BDAT" { "500 unknown command\r\n" } else { kind(line) }
    }
    let expected = &[(1, &["sent"][..]), (2, &["sent", "sent"]), (3, &["sent"])];
    check_with(Offer::Chunking, script, expected, true).await;
}

/// Delivers `count` envelopes with one recipient each and returns their results.
async fn many(connection: &mut Connection, count: u64) -> (Vec<(u64, &'static str)>, bool) {
    let (mut left, mut results) = (1..=count, Vec::new());
    let next = || left.next().map(|id| envelope(id, &["a@x.example"]));
    let kept = connection.deliver(next, |id, outcomes| results.push((id, word(&outcomes[0])))).await;
    (results, kept.is_ok())
}

#[tokio::test]
async fn each_of_many_has_its_result_once() {
    let target = NextHop::plain("127.0.0.1", peer(kind, Offer::Chunking).await, Protocol::Smtp);
    let mut connection = Connection::connect(&target).await.unwrap();
    let all: Vec<_> = (1..=100).map(|id| (id, "sent")).collect();
    assert_eq!(many(&mut connection, 100).await, (all.clone(), true));
    assert_eq!(many(&mut connection, 100).await, (all, true), "on the kept connection");
}

#[tokio::test]
async fn nothing_is_entrusted_to_a_connection_that_is_closed() {
    fn script(line: &str) -> &'static str {
        if line == "RSET" { CLOSE } else { kind(line) }
    }
    let target = NextHop::plain("127.0.0.1", peer(script, Offer::Chunking).await, Protocol::Smtp);
    let mut connection = Connection::connect(&target).await.unwrap();
    assert_eq!(many(&mut connection, 1).await, (vec![(1, "sent")], true));
    assert_eq!(many(&mut connection, 1).await, (vec![], false));
}

/// A peer that offers CHUNKING and reads `contents` contents without answering any. Returns the stream and
/// the lines that it read.
async fn hear(listener: TcpListener, contents: usize) -> (BufReader<tokio::net::TcpStream>, Vec<u8>) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut seen = Vec::new();
    stream.write_all(b"220 peer\r\n").await.unwrap();
    for reply in [Offer::Chunking.hello(), "503 nobody\r\n"] {
        stream.read_until(b'\n', &mut seen).await.unwrap();
        stream.write_all(reply.as_bytes()).await.unwrap();
    }
    seen.clear();
    while seen.windows(CONTENT.len()).filter(|some| *some == CONTENT).count() < contents {
        stream.read_until(b'\n', &mut seen).await.unwrap();
    }
    (stream, seen)
}

/// The peer accepts twelve of the messages, confirms them, and resets the connection before more is written.
#[tokio::test]
async fn what_is_answered_counts_when_nothing_can_be_written() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = NextHop::plain("127.0.0.1", listener.local_addr().unwrap().port(), Protocol::Smtp);
    tokio::spawn(async move {
        let (mut stream, _) = hear(listener, 16).await;
        stream.write_all(&b"250 ok\r\n".repeat(12 * 4 - 1)).await.unwrap();
        stream.get_ref().set_zero_linger().unwrap();
    });
    let mut connection = Connection::connect(&target).await.unwrap();
    let (results, kept) = many(&mut connection, 100).await;
    assert!(!kept);
    let ids: Vec<u64> = results.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, (1..=results.len() as u64).collect::<Vec<_>>(), "each once");
    let words: Vec<_> = results.iter().map(|(_, word)| *word).collect();
    assert_eq!(words[..12], ["sent"; 12]);
    assert!(words[12..].iter().all(|word| *word == "unknown"), "{words:?}");
}

/// The peer sends no reply before it has read three contents.
#[tokio::test]
async fn contents_go_ahead_of_replies() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = NextHop::plain("127.0.0.1", listener.local_addr().unwrap().port(), Protocol::Smtp);
    let peer = tokio::spawn(async move {
        let (mut stream, seen) = hear(listener, 3).await;
        stream.write_all(&b"250 ok\r\n".repeat(3 * 4 - 1)).await.unwrap();
        String::from_utf8(seen).unwrap()
    });
    let mut connection = Connection::connect(&target).await.unwrap();
    let mut envelopes: Vec<Envelope> = (1..=3).map(|id| envelope(id, &["a@x.example"])).collect();
    let mut results = Vec::new();
    connection.deliver(|| envelopes.pop(), |id, outcomes| results.push((id, outcomes))).await.unwrap();
    assert!(results.iter().all(|(_, outcomes)| matches!(outcomes[..], [RecipientResult::Sent(_)])));
    assert_eq!(results.len(), 3);
    let one = format!(
        "MAIL FROM:<list@x.example>\r\nRCPT TO:<a@x.example>\r\nBDAT {} LAST\r\n{}",
        CONTENT.len(),
        std::str::from_utf8(CONTENT).unwrap()
    );
    assert_eq!(peer.await.unwrap(), [&one[..], &one, &one].join("RSET\r\n"));
    assert_eq!(connection.reads(), 4, "greeting, offers, what it says to BDAT, everything");
}

#[tokio::test]
async fn a_content_with_stuffed_dots_or_a_large_one_goes_behind_data() {
    for content in ["a\r\n.\r\nb\r\n".to_owned(), "words\r\n".repeat(20_000)] {
        let target = NextHop::plain("127.0.0.1", peer(kind, Offer::Chunking).await, Protocol::Smtp);
        let mut connection = Connection::connect(&target).await.unwrap();
        let other =
            Envelope { body: WireBody::from_message(content.as_bytes()), ..envelope(2, &["dots@x.example"]) };
        let mut envelopes = vec![envelope(3, &["c@x.example"]), other, envelope(1, &["a@x.example"])];
        let mut results = Vec::new();
        let done = |id, outcomes: Vec<_>| results.push((id, word(&outcomes[0])));
        connection.deliver(|| envelopes.pop(), done).await.unwrap();
        assert_eq!(results, [(1, "sent"), (2, "sent"), (3, "sent")]);
    }
}

#[tokio::test]
async fn pipelined_mail_takes_one_read_each() {
    let target = NextHop::plain("127.0.0.1", peer(kind, Offer::Pipelining).await, Protocol::Smtp);
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
    // This peer writes each reply by itself, so without pipelining there would be at least four reads per
    // message.
    assert!(connection.reads() < 4 * 50, "{} reads", connection.reads());
}

#[tokio::test]
async fn international_addresses_need_the_peers_word() {
    let target = NextHop::plain("127.0.0.1", peer(kind, Offer::Pipelining).await, Protocol::Smtp);
    let mut connection = Connection::connect(&target).await.unwrap();
    let mut envelopes = vec![envelope(2, &["a@x.example"]), envelope(1, &["jörg@x.example"])];
    let mut results = Vec::new();
    connection.deliver(|| envelopes.pop(), |id, outcomes| results.push((id, outcomes))).await.unwrap();
    assert!(matches!(&results[0].1[..], [RecipientResult::Failed(PeerReply { code: 553, .. }, _)]));
    assert!(matches!(&results[1].1[..], [RecipientResult::Sent(_)]));
}

#[tokio::test]
async fn whom_the_peer_cannot_take_fails_alone() {
    fn script(line: &str) -> &'static str {
        match line {
            "RCPT TO:<no@x.example>" => "550 5.1.1 no\r\n",
            line if line.contains("SMTPUTF8") || !line.is_ascii() => "555 what\r\n",
            line => kind(line),
        }
    }
    for offer in [Offer::Nothing, Offer::Pipelining, Offer::Chunking] {
        let target = NextHop::plain("127.0.0.1", peer(script, offer).await, Protocol::Smtp);
        let mut connection = Connection::connect(&target).await.unwrap();
        let recipients =
            ["jörg@x.example", "a@x.example", "b@münchen.example", "no@x.example", "c@x.example"];
        let mut envelopes = vec![envelope(2, &["d@x.example"]), envelope(1, &recipients)];
        let mut results = Vec::new();
        connection.deliver(|| envelopes.pop(), |_, outcomes| results.push(outcomes)).await.unwrap();
        let words: Vec<&str> = results.iter().flatten().map(word).collect();
        assert_eq!(words, ["failed", "sent", "failed", "failed", "sent", "sent"], "{offer:?}");
        let RecipientResult::Failed(reply, SmtpStage::Recipient) = &results[0][3] else {
            panic!("{results:?}")
        };
        assert_eq!(reply.to_string(), "550 5.1.1 no");
    }
}

#[tokio::test]
async fn a_refusal_tells_where_it_came() {
    async fn check(script: Script, expected: SmtpStage) {
        for offer in [Offer::Nothing, Offer::Pipelining, Offer::Chunking] {
            let target = NextHop::plain("127.0.0.1", peer(script, offer).await, Protocol::Smtp);
            let mut connection = Connection::connect(&target).await.unwrap();
            let mut next = Some(envelope(1, &["a@x.example"]));
            let mut results = Vec::new();
            connection.deliver(|| next.take(), |_, outcomes| results = outcomes).await.unwrap();
            let [RecipientResult::Failed(_, stage)] = results[..] else { panic!("{results:?}") };
            assert_eq!(stage, expected, "{offer:?}");
        }
    }
    check(|line| if line.starts_with("MAIL") { "550 5.1.1 no\r\n" } else { kind(line) }, SmtpStage::Sender)
        .await;
    check(|line| if line.starts_with("RCPT") { "550 no\r\n" } else { kind(line) }, SmtpStage::Recipient)
        .await;
    check(|line| if line == "." { "554 5.7.1 spam\r\n" } else { kind(line) }, SmtpStage::Content).await;
}

#[tokio::test]
async fn eight_bit_text_goes_only_where_it_is_taken() {
    let target = NextHop::plain("127.0.0.1", peer(kind, Offer::Pipelining).await, Protocol::Smtp);
    let mut connection = Connection::connect(&target).await.unwrap();
    let eight = Envelope {
        body: WireBody::from_message("Subject: x\r\n\r\nä\r\n".as_bytes()),
        ..envelope(1, &["a@x.example"])
    };
    let mut envelopes = vec![envelope(2, &["a@x.example"]), eight];
    let mut results = Vec::new();
    connection
        .deliver(|| envelopes.pop(), |id, outcomes| results.push((id, word(&outcomes[0]))))
        .await
        .unwrap();
    assert_eq!(results, [(1, "eight bit"), (2, "sent")]);
}

#[tokio::test]
async fn no_envelope_is_forgotten_when_a_connection_is_used_up() {
    let dots = "a\r\n.\r\nb\r\n".to_owned();
    let large = format!("{}\r\n", "x".repeat(900)).repeat(150);
    // All orders of small contents (s), contents that need DATA (d, l), and contents without an accepted
    // recipient (e).
    let orders: Vec<Vec<&str>> = ["sss", "d", "l", "sd", "ds", "ssdss", "dlds", "e", "sed", "de"]
        .map(|order| order.split("").collect())
        .into();
    for offer in [Offer::Nothing, Offer::Pipelining, Offer::Chunking] {
        let port = peer(kind, offer).await;
        for (order, most) in orders.iter().flat_map(|order| (1..=6).map(move |most| (order, most))) {
            let mut target = NextHop::plain("127.0.0.1", port, Protocol::Smtp);
            target.reuse.max_messages = most;
            let kinds = order.iter().filter(|kind| !kind.is_empty()).cycle().take(12);
            let mut left: Vec<Envelope> = (0..)
                .zip(kinds)
                .map(|(id, kind)| {
                    let body = match *kind {
                        "d" => WireBody::from_message(dots.as_bytes()),
                        "l" => WireBody::from_message(large.as_bytes()),
                        "e" => WireBody::from_message("Subject: x\r\n\r\nä\r\n".as_bytes()),
                        _ => WireBody::from_message(CONTENT),
                    };
                    Envelope { body, ..envelope(id, &["a@x.example"]) }
                })
                .collect();
            let mut results = Vec::new();
            while !left.is_empty() {
                let mut connection = Connection::connect(&target).await.unwrap();
                connection.deliver(|| left.pop(), |id, _| results.push(id)).await.unwrap();
                let (taken, known) = (12 - left.len(), results.len());
                assert_eq!(taken, known, "{offer:?} {order:?}, {most} a connection: of each a result");
            }
            results.sort_unstable();
            assert!(
                results.iter().copied().eq(0..12),
                "{offer:?} {order:?}, {most} a connection: {results:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_connection_is_used_so_often() {
    for offer in [Offer::Nothing, Offer::Pipelining, Offer::Chunking] {
        let mut target = NextHop::plain("127.0.0.1", peer(kind, offer).await, Protocol::Smtp);
        target.reuse.max_messages = 7;
        let mut left: Vec<Envelope> = (0..20).map(|id| envelope(id, &["a@x.example"])).collect();
        let (mut sent, mut connections) = (0, 0);
        while !left.is_empty() {
            let mut connection = Connection::connect(&target).await.unwrap();
            connections += 1;
            assert!(!connection.is_used_up() && !connection.is_idle());
            connection.deliver(|| left.pop(), |_, _| sent += 1).await.unwrap();
            assert_eq!(connection.is_used_up(), !left.is_empty(), "{offer:?}");
        }
        assert_eq!((sent, connections), (20, 3), "{offer:?}");
        target.reuse = Reuse { idle: Duration::ZERO, life: Duration::ZERO, max_messages: 1 };
        let connection = Connection::connect(&target).await.unwrap();
        assert!(connection.is_used_up() && connection.is_idle());
    }
}
