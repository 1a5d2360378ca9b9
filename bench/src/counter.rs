//! A next hop that counts recipients and keeps nothing, so that it is faster than the server that is
//! measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const READ_OCTETS: usize = 256 * 1024;
const END: &[u8] = b"\r\n.\r\n";

/// The number of recipients so far.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Serves on a free port of loopback and returns the port.
    pub(crate) async fn start(&self) -> std::io::Result<u16> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let counter = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counter = counter.clone();
                tokio::spawn(async move { counter.serve(stream).await });
            }
        });
        Ok(port)
    }

    /// The recipients whose message was answered.
    pub(crate) fn recipients(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits for that many recipients. Returns whether they came in time.
    pub(crate) async fn reaches(&self, recipients: u64, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.recipients() < recipients && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.recipients() >= recipients
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.write_all(b"220 counter\r\n").await?;
        let mut input: Vec<u8> = Vec::with_capacity(READ_OCTETS);
        let (mut from, mut in_data, mut recipients) = (0, false, 0);
        let mut answer = Vec::new();
        loop {
            let rest = &input[from..];
            let found = if in_data { memmem::find(rest, END) } else { memmem::find(rest, b"\r\n") };
            let is_whole = |at: &usize| rest.len() >= at + 2 + bdat(&rest[..*at]).unwrap_or_default();
            let Some(at) = found.filter(|at| in_data || is_whole(at)) else {
                // The last octets may be the beginning of the end of a content.
                from = if in_data { input.len().saturating_sub(END.len() - 1).max(from) } else { from };
                input.drain(..from);
                from = 0;
                stream.write_all(&answer).await?;
                answer.clear();
                input.reserve(READ_OCTETS);
                if stream.read_buf(&mut input).await? == 0 {
                    return Ok(());
                }
                continue;
            };
            let end_of_content = match in_data {
                true => Some(at + END.len()),
                false => bdat(&rest[..at]).map(|octets| at + 2 + octets),
            };
            if let Some(end) = end_of_content {
                from += end;
                in_data = false;
                self.0.fetch_add(recipients, Ordering::Relaxed);
                recipients = 0;
                answer.extend_from_slice(b"250 counted\r\n");
                continue;
            }
            match rest.get(..4) {
                Some(b"EHLO") => answer
                    .extend_from_slice(b"250-counter\r\n250-8BITMIME\r\n250-CHUNKING\r\n250 PIPELINING\r\n"),
                Some(b"DATA") => {
                    // The end of an empty content may follow directly.
                    in_data = true;
                    from += at;
                    answer.extend_from_slice(b"354 go on\r\n");
                    continue;
                }
                Some(b"RCPT") => {
                    recipients += 1;
                    answer.extend_from_slice(b"250 ok\r\n");
                }
                Some(b"RSET" | b"MAIL") => {
                    recipients = 0;
                    answer.extend_from_slice(b"250 ok\r\n");
                }
                _ => answer.extend_from_slice(b"221 bye\r\n"),
            }
            from += at + 2;
        }
    }
}

/// The octets of `BDAT octets LAST` ([RFC 3030, section 2]).
fn bdat(line: &[u8]) -> Option<usize> {
    std::str::from_utf8(line.strip_prefix(b"BDAT ")?).ok()?.split(' ').next()?.parse().ok()
}
