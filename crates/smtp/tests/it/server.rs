//! The server against peers that pipeline, smuggle, inject, are slow, exceed limits, or disconnect.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::ServerName;
use sealist_smtp::Reply;
use sealist_smtp::client::{Connection, NextHop, Security, Verify};
use sealist_smtp::server::{Protocol, Service, Settings, Transaction, serve};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Keeps the messages that it receives. Recipients that begin with "nobody" do not exist.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<Kept>>>);

/// Sender, recipients, content.
type Kept = (Option<String>, Vec<String>, Vec<u8>);

struct Incoming {
    keeper: Keeper,
    sender: Option<String>,
    recipients: Vec<String>,
    content: Vec<u8>,
}

impl Service for Keeper {
    type Transaction = Incoming;

    async fn begin(&self, sender: Option<&str>, _size: Option<u64>) -> Result<Incoming, Reply> {
        let sender = sender.map(str::to_owned);
        Ok(Incoming { keeper: self.clone(), sender, recipients: Vec::new(), content: Vec::new() })
    }
}

impl Transaction for Incoming {
    async fn recipient(&mut self, recipient: &str) -> Result<(), Reply> {
        if recipient.starts_with("nobody") {
            return Err(Reply::no_such_address());
        }
        self.recipients.push(recipient.to_owned());
        Ok(())
    }

    async fn start(&mut self) -> Result<(), Reply> {
        Ok(())
    }

    async fn data(&mut self, chunk: &[u8]) -> Result<(), Reply> {
        self.content.extend_from_slice(chunk);
        Ok(())
    }

    async fn finish(self) -> Vec<Reply> {
        let replies = self.recipients.iter().map(|to| Reply::ok(format!("kept for {to}"))).collect();
        self.keeper.0.lock().unwrap().push((self.sender, self.recipients, self.content));
        replies
    }
}

struct Stage {
    keeper: Keeper,
    port: u16,
    stop: watch::Sender<bool>,
}

async fn stage(change: impl FnOnce(&mut Settings)) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut settings =
        Settings { max_message_octets: 10_000, max_recipients: 3, max_errors: 4, ..Settings::default() };
    change(&mut settings);
    let (keeper, (stop, stopped)) = (Keeper::default(), watch::channel(false));
    tokio::spawn(serve(listener, Arc::new(keeper.clone()), settings, stopped, Duration::from_secs(1)));
    Stage { keeper, port, stop }
}

impl Stage {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Sends all input in one piece, closes the sending side, and returns the codes of all replies after the
    /// greeting.
    async fn talk(&self, input: &[u8]) -> Vec<String> {
        let mut stream = self.connect().await;
        stream.write_all(input).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text).await;
        let last_lines = text.lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
        last_lines.skip(1).map(|line| line.get(..3).unwrap_or_default().to_owned()).collect()
    }

    fn kept(&self) -> Vec<Kept> {
        std::mem::take(&mut *self.keeper.0.lock().unwrap())
    }
}

const OPEN: &str = "LHLO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n";

#[tokio::test]
async fn one_reply_for_each_recipient_that_was_taken() {
    let stage = stage(|_| ()).await;
    let codes = stage
        .talk(b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@x.example>\r\nRCPT TO:<nobody@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n")
        .await;
    assert_eq!(codes, ["250", "250", "250", "550", "250", "354", "250", "250", "221"]);
    let to = vec!["b@x.example".to_owned(), "c@x.example".to_owned()];
    assert_eq!(stage.kept(), [(None, to, b"Subject: x\r\n\r\n.dot\r\n".to_vec())]);
}

#[tokio::test]
async fn chunks_are_taken_as_they_are() {
    let stage = stage(|_| ()).await;
    // A lone dot ends nothing in a chunk, and octets that look like commands are content (RFC 3030).
    let content = b"Subject: x\r\n\r\n.\r\nQUIT\r\n";
    let input =
        [OPEN.as_bytes(), b"BDAT 10\r\n", &content[..10], b"BDAT 13 LAST\r\n", &content[10..], b"QUIT\r\n"];
    assert_eq!(stage.talk(&input.concat()).await, ["250", "250", "250", "250", "250", "221"]);
    assert_eq!(stage.kept()[0].2, content);
    let empty = [OPEN.as_bytes(), b"BDAT 4\r\nX: y", b"BDAT 0 LAST\r\n"].concat();
    assert_eq!(stage.talk(&empty).await, ["250", "250", "250", "250", "250"]);
    assert_eq!(stage.kept()[0].2, b"X: y");
}

#[tokio::test]
async fn a_chunk_that_nobody_wants_is_swallowed_and_not_obeyed() {
    let stage = stage(|_| ()).await;
    let input = b"LHLO x\r\nBDAT 26 LAST\r\nMAIL FROM:<evil@x.example>NOOP\r\n";
    assert_eq!(stage.talk(&input[..]).await, ["250", "503", "250"]);
    let mixed = [OPEN.as_bytes(), b"BDAT 2\r\nabDATA\r\nRSET\r\n"].concat();
    assert_eq!(stage.talk(&mixed).await, ["250", "250", "250", "250", "503", "250"]);
    assert!(stage.kept().is_empty());
}

/// The octets after it could be a message that looks like commands.
#[tokio::test]
async fn a_chunk_of_unclear_length_ends_the_connection() {
    let stage = stage(|_| ()).await;
    let evil = "RSET\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nevil\r\n.\r\n";
    let long = format!("BDAT {} LAST\r\n", "0".repeat(100_000));
    for line in ["BDAT 18446744073709551616 LAST\r\n", "BDAT +5\r\n", "BDAT x\r\n", "BDAT 5 LAST\n", &long] {
        let codes = stage.talk(format!("{OPEN}{line}{evil}").as_bytes()).await;
        assert_eq!(codes, ["250", "250", "250", "501"], "{:?}", &line[..line.len().min(40)]);
    }
    assert!(stage.kept().is_empty());
}

#[tokio::test]
async fn only_one_sequence_ends_the_data() {
    let stage = stage(|_| ()).await;
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\n\n.\r\n", "\r\n.\r\r\n"] {
        let smuggled = format!(
            "{OPEN}DATA\r\nSubject: x\r\n\r\nwords{end}MAIL FROM:<evil@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n"
        );
        let codes = stage.talk(smuggled.as_bytes()).await;
        assert_eq!(codes, ["250", "250", "250", "354", "554", "221"], "{end:?}");
        assert!(stage.kept().is_empty(), "{end:?}");
    }
}

#[tokio::test]
async fn limits_are_kept() {
    let stage = stage(|_| ()).await;
    let declared = b"LHLO x\r\nMAIL FROM:<a@x.example> SIZE=10001\r\nMAIL FROM:<a@x.example> SIZE=10000\r\n";
    assert_eq!(stage.talk(declared).await, ["250", "552", "250"]);
    let big = format!("{OPEN}DATA\r\n{}.\r\nQUIT\r\n", "0123456789abcdef\r\n".repeat(600));
    assert_eq!(stage.talk(big.as_bytes()).await, ["250", "250", "250", "354", "552", "221"]);
    let chunk = [OPEN.as_bytes(), b"BDAT 10001 LAST\r\n", &[b'x'; 10_001], b"QUIT\r\n"].concat();
    assert_eq!(stage.talk(&chunk).await, ["250", "250", "250", "552", "221"]);
    let many = format!("{OPEN}{}", "RCPT TO:<b@x.example>\r\n".repeat(4));
    assert_eq!(stage.talk(many.as_bytes()).await, ["250", "250", "250", "250", "250", "452", "452"]);
    let long = format!("LHLO x\r\nNOOP {}\r\nNOOP\r\n", "x".repeat(100_000));
    assert_eq!(stage.talk(long.as_bytes()).await, ["250", "500", "250"]);
    let nonsense = "HELLO\r\n".repeat(30);
    assert_eq!(stage.talk(nonsense.as_bytes()).await, ["500", "500", "500", "500", "500", "421"]);
    assert!(stage.kept().is_empty());
}

#[tokio::test]
async fn a_message_without_end_is_cut_off() {
    let stage = stage(|_| ()).await;
    let endless = format!("{OPEN}DATA\r\n{}", "0123456789abcdef\r\n".repeat(200_000));
    let mut stream = stage.connect().await;
    let _ = stream.write_all(endless.as_bytes()).await;
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text).await;
    assert!(stage.kept().is_empty());
}

#[tokio::test]
async fn commands_have_an_order() {
    let stage = stage(|_| ()).await;
    assert_eq!(stage.talk(b"MAIL FROM:<a@x.example>\r\n").await, ["503"]);
    assert_eq!(stage.talk(b"EHLO x\r\nHELO x\r\n").await, ["500", "500"]);
    assert_eq!(stage.talk(b"LHLO x\r\nRCPT TO:<b@x.example>\r\nDATA\r\n").await, ["250", "503", "503"]);
    let none = b"LHLO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<nobody@x.example>\r\nDATA\r\n";
    assert_eq!(stage.talk(none).await, ["250", "250", "550", "554"]);
    let twice = b"LHLO x\r\nMAIL FROM:<a@x.example>\r\nMAIL FROM:<a@x.example>\r\nRSET\r\nMAIL FROM:<a@x.example>\r\n";
    assert_eq!(stage.talk(twice).await, ["250", "250", "503", "250", "250"]);
}

#[tokio::test]
async fn a_broken_connection_leaves_nothing() {
    let stage = stage(|_| ()).await;
    stage.talk(format!("{OPEN}DATA\r\nSubject: half of it\r\n").as_bytes()).await;
    stage.talk(format!("{OPEN}BDAT 100 LAST\r\nhalf of it").as_bytes()).await;
    assert!(stage.kept().is_empty());
}

#[tokio::test]
async fn who_says_nothing_is_sent_away() {
    let stage = stage(|settings| settings.command_timeout = Duration::from_millis(200)).await;
    let mut stream = stage.connect().await;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("\n421 4.4.2 "), "{text}");
}

#[tokio::test]
async fn content_that_never_ends_is_given_up() {
    let stage = stage(|settings| settings.data_timeout = Duration::from_millis(300)).await;
    let mut stream = stage.connect().await;
    stream.write_all(format!("{OPEN}DATA\r\nSubject: x").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("\n421 4.4.2 "), "{text}");
    assert!(stage.kept().is_empty());
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let stage = stage(|settings| settings.max_connections = 1).await;
    let (_first, greeting) = converse(stage.connect().await, "", |text| text.contains("220")).await;
    assert!(greeting.starts_with("220"));
    let mut second = String::new();
    stage.connect().await.read_to_string(&mut second).await.unwrap();
    assert!(second.starts_with("421 4.3.2 too many"), "{second}");
}

#[tokio::test]
async fn a_stop_lets_the_running_message_in() {
    let stage = stage(|_| ()).await;
    let open = format!("{OPEN}DATA\r\nSubject: x\r\n");
    let (stream, _) = converse(stage.connect().await, &open, |text| text.contains("354")).await;
    stage.stop.send(true).unwrap();
    let (_, text) = converse(stream, "\r\n.\r\n", |text| text.contains("421")).await;
    assert!(text.contains("250 2.0.0 kept for b@x.example"), "{text}");
    assert_eq!(stage.kept().len(), 1);
    assert!(TcpStream::connect(("127.0.0.1", stage.port)).await.is_err(), "no new connection");
}

/// Writes `input`, and reads until the expected text has arrived.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    input: &str,
    enough: impl Fn(&str) -> bool,
) -> (S, String) {
    stream.write_all(input.as_bytes()).await.unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !enough(&text) {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer)).await;
        let read = read.expect("a reply comes in time").unwrap();
        assert!(read > 0, "closed after {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    (stream, text)
}

#[tokio::test]
async fn what_was_said_before_tls_does_not_count() {
    let (certificate, key) = crate::identity::make();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = crate::identity::config(certificate.clone(), key);
    let stage = stage(|settings| settings.tls = Some(Arc::new(server))).await;

    // Commands injected after STARTTLS (CVE-2011-0411), and a transaction that was begun before it.
    let clear = format!("{OPEN}STARTTLS\r\nNOOP\r\nNOOP\r\n");
    let (stream, _) = converse(stage.connect().await, &clear, |text| text.contains("220 2.0.0")).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    let (stream, text) = converse(stream, "RCPT TO:<b@x.example>\r\n", |text| text.ends_with("\r\n")).await;
    assert!(text.starts_with("503 "), "{text}");
    let (_, text) = converse(stream, "LHLO x\r\n", |text| text.contains("250 SIZE")).await;
    assert!(!text.contains("STARTTLS"), "offered once: {text}");

    // The client accepts the certificate only if it is configured to.
    let target = |verify| NextHop {
        security: Security::StartTls,
        verify,
        ..NextHop::plain("127.0.0.1", stage.port, Protocol::Lmtp)
    };
    assert!(Connection::connect(&target(Verify::No)).await.is_ok());
    assert!(Connection::connect(&target(Verify::Yes)).await.is_err(), "nobody vouches for it");
}
