//! How the client connects: TLS, login, and what it refuses to do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealist_smtp::client::{ConnectError, Connection, Login, NextHop, Protocol, Security, Timeouts, Verify};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Heard = Arc<Mutex<Vec<String>>>;

/// A peer that offers `offers`, answers every other line with `answer`, and records what it reads. With `tls`
/// it does a handshake at once or after STARTTLS.
async fn peer(offers: &'static str, answer: fn(&str) -> &'static str, tls: Option<Security>) -> (u16, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), Heard::default());
    let notes = heard.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = tls.map(|_| TlsAcceptor::from(Arc::new(crate::identity::server())));
        let stream: Box<dyn Stream> = match (tls, &acceptor) {
            (Some(Security::Tls), Some(acceptor)) => Box::new(acceptor.accept(stream).await.unwrap()),
            _ => Box::new(stream),
        };
        let stream = talk(stream, "220 peer\r\n", offers, answer, &notes).await;
        if let (Some(stream), Some(acceptor)) = (stream, acceptor)
            && let Ok(stream) = acceptor.accept(stream).await
        {
            talk(Box::new(stream), "", offers, answer, &notes).await;
        }
    });
    (port, heard)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Talks until the end of the session or until STARTTLS, and then returns the stream.
async fn talk(
    stream: Box<dyn Stream>,
    greeting: &str,
    offers: &str,
    answer: fn(&str) -> &'static str,
    heard: &Heard,
) -> Option<Box<dyn Stream>> {
    let mut stream = BufReader::new(stream);
    stream.write_all(greeting.as_bytes()).await.ok()?;
    loop {
        stream.flush().await.ok()?;
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        heard.lock().unwrap().push(line.to_owned());
        let reply = match line {
            _ if line.starts_with("EHLO") => offers,
            _ => answer(line),
        };
        stream.write_all(reply.as_bytes()).await.ok()?;
        if line == "STARTTLS" && reply.starts_with("220") {
            stream.flush().await.ok()?;
            return Some(stream.into_inner());
        }
    }
}

fn target(port: u16, security: Security) -> NextHop {
    let patience = Duration::from_secs(5);
    NextHop {
        security,
        verify: Verify::No,
        timeouts: Timeouts { connect: patience, command: patience, data: patience, data_done: patience },
        ..NextHop::plain("127.0.0.1", port, Protocol::Smtp)
    }
}

fn with_login(target: NextHop) -> NextHop {
    NextHop { login: Some(Login { user: "lists".into(), password: "secret".to_owned().into() }), ..target }
}

const AUTH: &str = "250-peer\r\n250 AUTH LOGIN PLAIN\r\n";

#[tokio::test]
async fn it_logs_in_as_the_peer_likes() {
    let yes: fn(&str) -> &'static str =
        |line| if line.starts_with("AUTH LOGIN") { "334 x\r\n" } else { "235 ok\r\n" };
    let (port, heard) = peer(AUTH, yes, None).await;
    assert!(Connection::connect(&with_login(target(port, Security::None))).await.is_ok());
    assert_eq!(heard.lock().unwrap()[1], "AUTH PLAIN AGxpc3RzAHNlY3JldA==");

    let (port, heard) = peer("250-peer\r\n250 AUTH LOGIN\r\n", yes, None).await;
    assert!(Connection::connect(&with_login(target(port, Security::None))).await.is_ok());
    assert_eq!(heard.lock().unwrap()[1..], ["AUTH LOGIN", "bGlzdHM=", "c2VjcmV0"]);

    let (port, _) = peer("250 peer\r\n", yes, None).await;
    let none = Connection::connect(&with_login(target(port, Security::None))).await;
    assert!(matches!(none, Err(ConnectError::NoLogin)));

    let (port, _) = peer(AUTH, |_| "535 5.7.8 no\r\n", None).await;
    let refused = Connection::connect(&with_login(target(port, Security::None))).await;
    assert!(matches!(refused, Err(ConnectError::Refused(reply)) if reply.code == 535));
}

#[tokio::test]
async fn a_peer_that_knows_no_ehlo_is_greeted_the_old_way() {
    for unknown in ["500 what\r\n", "502 5.5.1 what\r\n"] {
        let (port, heard) = peer(unknown, |_| "250 peer\r\n", None).await;
        assert!(Connection::connect(&target(port, Security::None)).await.is_ok());
        assert_eq!(heard.lock().unwrap()[..], ["EHLO localhost", "HELO localhost"]);
    }
    let (port, heard) = peer("550 not you\r\n", |_| "250 peer\r\n", None).await;
    assert!(matches!(
        Connection::connect(&target(port, Security::None)).await,
        Err(ConnectError::Refused(_))
    ));
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn tls_comes_first_or_nothing_is_said() {
    let (port, heard) = peer("250 peer\r\n", |_| "250 ok\r\n", None).await;
    let stripped = Connection::connect(&with_login(target(port, Security::StartTls))).await;
    assert!(matches!(stripped, Err(ConnectError::NoTls)), "an offer taken away on the wire");
    assert_eq!(heard.lock().unwrap().len(), 1, "nothing but EHLO was said");

    let offers = "250-peer\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";
    let (port, heard) =
        peer(offers, |line| if line == "STARTTLS" { "454 not now\r\n" } else { "235 ok\r\n" }, None).await;
    let refused = Connection::connect(&with_login(target(port, Security::StartTls))).await;
    assert!(matches!(refused, Err(ConnectError::Refused(reply)) if reply.code == 454));
    assert!(!heard.lock().unwrap().iter().any(|line| line.starts_with("AUTH")));

    for security in [Security::StartTls, Security::Tls] {
        let answer: fn(&str) -> &'static str =
            |line| if line == "STARTTLS" { "220 go\r\n" } else { "235 ok\r\n" };
        let (port, heard) = peer(offers, answer, Some(security)).await;
        assert!(Connection::connect(&with_login(target(port, security))).await.is_ok(), "{security:?}");
        assert!(heard.lock().unwrap().last().unwrap().starts_with("AUTH PLAIN"));
        let (port, _) = peer(offers, answer, Some(security)).await;
        let strict = NextHop { verify: Verify::Yes, ..target(port, security) };
        assert!(
            matches!(Connection::connect(&strict).await, Err(ConnectError::Tls(_))),
            "nobody vouches for it"
        );
    }
}

#[tokio::test]
async fn what_was_injected_before_tls_is_not_heard() {
    // A forged unencrypted greeting follows the reply to STARTTLS. Under TLS the peer offers no login.
    let answer: fn(&str) -> &'static str =
        |line| if line == "STARTTLS" { "220 go\r\n250-forged\r\n250 AUTH PLAIN\r\n" } else { "235 ok\r\n" };
    let (port, heard) = peer("250-peer\r\n250 STARTTLS\r\n", answer, Some(Security::StartTls)).await;
    let outcome = Connection::connect(&with_login(target(port, Security::StartTls))).await;
    // Either the handshake fails because of the injected octets, or they are dropped. In both cases no
    // password is sent.
    assert!(matches!(outcome, Err(ConnectError::NoLogin | ConnectError::Tls(_))));
    assert!(!heard.lock().unwrap().iter().any(|line| line.starts_with("AUTH")));
}

#[tokio::test]
async fn strange_peers_get_a_plain_sentence() {
    async fn check(greeting: &'static str, sentence: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(greeting.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        let mut target = target(port, Security::None);
        target.timeouts.command = Duration::from_millis(200);
        let error = Connection::connect(&target).await.err().unwrap();
        assert_eq!(error.to_string(), sentence, "{greeting:?}");
    }
    check("", "the mail server did not answer in time").await;
    check("554 go away\r\n", "the mail server refuses: 554 go away").await;
    check("HTTP/1.1 400 Bad Request\r\n", "the peer does not speak the protocol").await;
}
