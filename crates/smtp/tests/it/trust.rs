//! Peers that offer PIPELINING and CHUNKING and do not go well with what comes ahead of their replies: nobody
//! gets a second copy from them, and nothing waits for ever.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sealist_mail::SmtpStage;
use sealist_smtp::client::{Connection, Envelope, NextHop, Protocol, RecipientResult, WireBody};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How a peer answers.
#[derive(Clone, Copy, Debug)]
struct Manners {
    hello: &'static str,
    /// To each RSET of a connection; the last one to all that follow.
    reset: &'static [&'static str],
    /// To the RSETs that are refused: whether it leaves afterwards.
    then: Then,
    /// To a BDAT without MAIL.
    probe: &'static str,
    mail: Nested,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    GoesOn,
    RefusesAll,
    Leaves,
}

/// What it makes of a MAIL within a transaction.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Nested {
    Begins,
    Refused,
}

const CHUNKING: &str = "250-peer\r\n250-CHUNKING\r\n250 PIPELINING\r\n";
const PIPELINING: &str = "250-peer\r\n250 PIPELINING\r\n";
const BARE: &str = "250 peer\r\n";
const LEAVE: &str = "";
const GOOD: Manners = Manners {
    hello: CHUNKING,
    reset: &["250 ok\r\n"],
    then: Then::GoesOn,
    probe: "503 no transaction\r\n",
    mail: Nested::Refused,
};

/// What a peer took, by the first line of the content, and how many connections it had.
#[derive(Default)]
struct Seen {
    copies: Mutex<BTreeMap<String, usize>>,
    connections: AtomicUsize,
}

async fn peer(manners: Manners) -> (NextHop, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = NextHop::plain("127.0.0.1", listener.local_addr().unwrap().port(), Protocol::Smtp);
    let seen = Arc::<Seen>::default();
    let counted = seen.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.connections.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(converse(stream, manners, counted.clone()));
        }
    });
    (target, seen)
}

async fn converse(stream: TcpStream, manners: Manners, seen: Arc<Seen>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 peer\r\n").await?;
    let (mut resets, mut is_over) = (0, false);
    let (mut begun, mut accepted) = (false, 0);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let command = std::mem::take(&mut line);
        let mut content = None;
        if let Some(octets) = command.strip_prefix("BDAT ") {
            let mut body = vec![0; octets.split(' ').next().unwrap().parse().unwrap()];
            stream.read_exact(&mut body).await?;
            content = Some(String::from_utf8(body).unwrap());
        }
        let reply = match command.get(..4).unwrap_or_default() {
            "EHLO" => manners.hello,
            _ if is_over => "554 too many commands\r\n",
            "MAIL" if begun && manners.mail == Nested::Refused => "503 nested MAIL\r\n",
            "MAIL" => {
                (begun, accepted) = (true, 0);
                "250 ok\r\n"
            }
            "RCPT" if !begun => "503 no sender\r\n",
            "RCPT" if command.contains("bad@") => "550 5.1.1 nobody\r\n",
            "RCPT" => {
                accepted += 1;
                "250 ok\r\n"
            }
            "RSET" => {
                let reply = manners.reset[resets.min(manners.reset.len() - 1)];
                resets += 1;
                if reply.starts_with("250") {
                    begun = false;
                } else if manners.then == Then::Leaves {
                    stream.write_all(reply.as_bytes()).await?;
                    return Ok(());
                }
                is_over = !reply.starts_with("250") && manners.then == Then::RefusesAll;
                reply
            }
            "BDAT" if !begun && manners.probe == LEAVE => return Ok(()),
            "BDAT" if !begun => manners.probe,
            "DATA" if accepted > 0 => {
                stream.write_all(b"354 go\r\n").await?;
                let mut body = String::new();
                while !body.ends_with("\r\n.\r\n") && body != ".\r\n" {
                    stream.read_line(&mut body).await?;
                }
                content = Some(body);
                "250 taken\r\n"
            }
            "BDAT" if accepted > 0 => "250 taken\r\n",
            "DATA" | "BDAT" => "554 nobody\r\n",
            _ => "250 ok\r\n",
        };
        if reply == "250 taken\r\n" {
            let first = content.unwrap().lines().next().unwrap().to_owned();
            *seen.copies.lock().unwrap().entry(first).or_default() += 1;
            (begun, accepted) = (false, 0);
        }
        stream.write_all(reply.as_bytes()).await?;
        if reply.starts_with("421") {
            return Ok(());
        }
    }
    Ok(())
}

/// Every third one is for somebody whom the peer does not know.
fn envelope(id: u64) -> Envelope {
    let recipient = if is_bad(id) { "bad@x.example" } else { "good@x.example" };
    Envelope {
        id,
        sender: Some(format!("list+{id}@x.example")),
        recipients: vec![recipient.to_owned()],
        body: WireBody::from_message(format!("Subject: {id}\r\n\r\nwords\r\n").as_bytes()),
    }
}

fn is_bad(id: u64) -> bool {
    id % 3 == 1
}

const COUNT: u64 = 40;

/// Hands all over, on as many connections as it takes; what is not sent goes over the next one. Each has one
/// result on each connection on which it was taken, and its last one at the end.
async fn hand_over(target: &NextHop) -> BTreeMap<u64, RecipientResult> {
    let (mut left, mut settled): (Vec<u64>, _) = ((0..COUNT).rev().collect(), BTreeMap::new());
    for _ in 0..3 * COUNT {
        if left.is_empty() {
            return settled;
        }
        let mut connection = Connection::connect(target).await.unwrap();
        // Another run on a kept connection begins with a RSET where the first one went ahead.
        for _ in 0..2 {
            let (mut taken, mut results) = (Vec::new(), Vec::new());
            let most = left.len() / 2 + 1;
            let next = || {
                let id = if taken.len() < most { left.pop() } else { None }?;
                taken.push(id);
                Some(envelope(id))
            };
            let kept = connection.deliver(next, |id, outcomes| results.push((id, outcomes))).await;
            let mut known: Vec<u64> = results.iter().map(|(id, _)| *id).collect();
            known.sort_unstable();
            taken.sort_unstable();
            assert_eq!(taken, known, "of each one result");
            for (id, mut outcomes) in results.into_iter().rev() {
                match outcomes.remove(0) {
                    RecipientResult::NotSent => left.push(id),
                    result => assert!(settled.insert(id, result).is_none()),
                }
            }
            if kept.is_err() {
                break;
            }
        }
    }
    panic!("still not sent: {left:?}");
}

/// Whoever the peer knows gets one copy; whoever it does not know fails for that reason. A peer that leaves
/// in the midst of what was written ahead may cost what it had by then; it got nothing twice.
async fn check(manners: Manners) {
    let (target, seen) = peer(manners).await;
    let results = hand_over(&target).await;
    for id in 0..COUNT {
        let copies = seen.copies.lock().unwrap().get(&format!("Subject: {id}")).copied().unwrap_or(0);
        let case = format!("{manners:?}: {id} has {copies} copies and {:?}", results[&id]);
        match &results[&id] {
            RecipientResult::Sent(_) => assert!(copies == 1 && !is_bad(id), "{case}"),
            RecipientResult::Failed(reply, SmtpStage::Recipient) => {
                assert!(copies == 0 && is_bad(id) && reply.code == 550, "{case}");
            }
            RecipientResult::Unknown => assert!(copies <= 1 && manners.then == Then::Leaves, "{case}"),
            _ => panic!("{case}"),
        }
    }
}

#[tokio::test]
async fn a_refused_reset_costs_no_second_copy() {
    let refusals: &[&[&str]] = &[
        &["502 5.5.1 not implemented\r\n"],
        &["500 what\r\n"],
        &["554 too many commands\r\n"],
        &["451 4.3.0 later\r\n"],
        &["250 ok\r\n", "250 ok\r\n", "451 4.3.0 later\r\n"],
        &["502 no\r\n", "250 ok\r\n"],
        &["421 4.3.2 bye\r\n"],
        &["250 ok\r\n", "421 4.3.2 bye\r\n"],
        &["250 ok\r\n"],
    ];
    for reset in refusals {
        for then in [Then::GoesOn, Then::RefusesAll, Then::Leaves] {
            for mail in [Nested::Begins, Nested::Refused] {
                for hello in [CHUNKING, PIPELINING, BARE] {
                    check(Manners { hello, reset, then, mail, ..GOOD }).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn after_a_refused_reset_nothing_goes_ahead() {
    let (target, seen) = peer(Manners { reset: &["502 no\r\n"], ..GOOD }).await;
    assert!(target.trust.is_whole());
    let mut connection = Connection::connect(&target).await.unwrap();
    let mut left = vec![envelope(2), envelope(0)];
    connection.deliver(|| left.pop(), |_, _| ()).await.unwrap_err();
    assert!(!target.trust.is_whole());
    assert!(connection.deliver(|| Some(envelope(3)), |id, _| panic!("{id} was taken")).await.is_err());
    let mut another = Connection::connect(&target.clone()).await.unwrap();
    let mut left: Vec<Envelope> = [5, 6, 8, 9].map(envelope).into();
    another.deliver(|| left.pop(), |_, _| ()).await.unwrap();
    assert_eq!(seen.copies.lock().unwrap().len(), 6);
}

#[tokio::test]
async fn a_goodbye_of_its_own_is_believed() {
    let (target, _) = peer(Manners { reset: &["421 bye\r\n"], ..GOOD }).await;
    let mut connection = Connection::connect(&target).await.unwrap();
    let (mut left, mut results) = (vec![envelope(3), envelope(2), envelope(0)], Vec::new());
    let done =
        |id, outcomes: Vec<RecipientResult>| results.push((id, outcomes[0] == RecipientResult::NotSent));
    connection.deliver(|| left.pop(), done).await.unwrap_err();
    assert_eq!(results, [(0, false), (2, true), (3, true)]);
    assert!(target.trust.is_whole(), "it leaves, and refuses nothing");
}

#[tokio::test]
async fn whoever_breaks_at_the_question_is_not_asked_again() {
    for probe in [LEAVE, "421 4.7.0 protocol error\r\n", "what?\r\n"] {
        let manners = Manners { probe, ..GOOD };
        let (target, seen) = peer(manners).await;
        let mut connection = Connection::connect(&target).await.unwrap();
        let taken = connection.deliver(|| panic!("nothing is taken"), |_, _| ()).await;
        assert!(taken.is_err(), "{probe:?}");
        let mut another = Connection::connect(&target.clone()).await.unwrap();
        let mut left: Vec<Envelope> = [0, 2, 3].map(envelope).into();
        another.deliver(|| left.pop(), |_, _| ()).await.unwrap();
        assert_eq!(seen.copies.lock().unwrap().len(), 3, "{probe:?}");
        assert_eq!(seen.connections.load(Ordering::Relaxed), 2, "{probe:?}");
        check(manners).await;
    }
    for probe in ["503 no\r\n", "554 no\r\n", "250 0 octets\r\n", "500 what\r\n", "501 zero?\r\n"] {
        let manners = Manners { probe, ..GOOD };
        let (target, seen) = peer(manners).await;
        assert_eq!(hand_over(&target).await.len() as u64, COUNT);
        assert!(target.trust.is_whole() && seen.copies.lock().unwrap().values().all(|copies| *copies == 1));
    }
}
