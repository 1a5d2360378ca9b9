//! LMTP dialogues: the server replies, never panics, and accepts no message that the dialogue did not end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bolero::check;
use sealist_smtp::Reply;
use sealist_smtp::server::{Service, Settings, Transaction, serve};

use crate::duration;
use crate::mutate::FuzzCase;

struct Taker;

struct TakenMessages(usize);

impl Service for Taker {
    type Transaction = TakenMessages;

    async fn begin(&self, _sender: Option<&str>, _size: Option<u64>) -> Result<TakenMessages, Reply> {
        Ok(TakenMessages(0))
    }
}

impl Transaction for TakenMessages {
    async fn recipient(&mut self, _recipient: &str) -> Result<(), Reply> {
        self.0 += 1;
        Ok(())
    }

    async fn start(&mut self) -> Result<(), Reply> {
        Ok(())
    }

    async fn data(&mut self, chunk: &[u8]) -> Result<(), Reply> {
        assert!(!chunk.windows(5).any(|octets| octets == b"\r\n.\r\n"), "the end is no content");
        Ok(())
    }

    async fn finish(self) -> Vec<Reply> {
        vec![Reply::ok("taken"); self.0]
    }
}

#[test]
fn dialogues() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let settings = Settings { max_message_octets: 100_000, ..Settings::default() };
    runtime.spawn(serve(listener, Arc::new(Taker), settings, stopped, Duration::from_secs(1)));
    let seeds: Vec<Vec<u8>> = [
        "LHLO x\r\nMAIL FROM:<a@x.example> SIZE=10\r\nRCPT TO:<b@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
        "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@x.example>\r\nBDAT 5\r\nhelloBDAT 3 LAST\r\n.\r\nRSET\r\nNOOP\r\nVRFY x\r\nQUIT\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    check!().with_type::<FuzzCase>().with_test_time(duration()).for_each(|case| {
        let (_, dialogue) = case.apply(&seeds);
        let mut stream = TcpStream::connect(address).expect("the server is up");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        // The server may have closed already.
        let _ = stream.write_all(&dialogue);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut replies = Vec::new();
        match stream.read_to_end(&mut replies) {
            Ok(_) => assert!(replies.starts_with(b"220 "), "{replies:?}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{dialogue:?}"),
        }
    });
}
