//! Reads bounded lines from one peer and writes replies, with or without TLS.

use std::time::Duration;

use fail::fail_point;
use memchr::memchr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::reply::Reply;
use crate::stream::SmtpStream;

/// The longest command line ([RFC 5321, section 4.5.3.1.4] requires 512, and extensions add to it).
const MAX_LINE_OCTETS: usize = 2048;
const READ_OCTETS: usize = 32 * 1024;

/// A peer, with the input that was received and not read yet.
pub(super) struct Wire {
    stream: Box<dyn SmtpStream>,
    buffer: Vec<u8>,
    read_to: usize,
    pending: Vec<u8>,
}

/// The result of reading a line.
pub(super) enum LineRead {
    Complete(Vec<u8>),
    /// The line is too long, or does not end in CRLF. Holds its beginning.
    Bad(Vec<u8>),
    /// The peer closed the connection.
    Closed,
}

impl Wire {
    pub(super) fn new(stream: impl SmtpStream + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: Vec::new(), read_to: 0, pending: Vec::new() }
    }

    /// Returns the stream for a TLS handshake. Unencrypted input that was already received is dropped,
    /// because it may have been injected (CVE-2011-0411).
    pub(super) fn into_stream(self) -> Box<dyn SmtpStream> {
        self.stream
    }

    /// Whether more input has arrived already. Then replies wait and are sent together (PIPELINING).
    fn has_input(&self) -> bool {
        self.read_to < self.buffer.len()
    }

    /// Queues a reply. It is sent before the next wait for input.
    pub(super) fn reply(&mut self, reply: &Reply) {
        self.pending.extend_from_slice(reply.to_string().as_bytes());
        self.pending.extend_from_slice(b"\r\n");
    }

    pub(super) fn raw_reply(&mut self, text: &str) {
        self.pending.extend_from_slice(text.as_bytes());
    }

    pub(super) async fn flush(&mut self) -> std::io::Result<()> {
        if !self.pending.is_empty() {
            fail_point!("before-reply");
            self.stream.write_all(&self.pending).await?;
            self.stream.flush().await?;
            self.pending.clear();
            fail_point!("after-reply");
        }
        Ok(())
    }

    /// Returns at least one more octet, or an empty slice if the peer closed the connection. The caller
    /// consumes them with [`Wire::consume`].
    pub(super) async fn fill(&mut self) -> std::io::Result<&[u8]> {
        if !self.has_input() {
            self.flush().await?;
            self.buffer.clear();
            self.buffer.reserve(READ_OCTETS);
            self.read_to = 0;
            self.stream.read_buf(&mut self.buffer).await?;
        }
        Ok(&self.buffer[self.read_to..])
    }

    pub(super) fn consume(&mut self, octets: usize) {
        self.read_to += octets;
    }

    pub(super) async fn line(&mut self) -> std::io::Result<LineRead> {
        let mut line = Vec::new();
        loop {
            let input = self.fill().await?;
            if input.is_empty() {
                return Ok(LineRead::Closed);
            }
            let end = memchr(b'\n', input);
            let piece = &input[..end.map_or(input.len(), |at| at + 1)];
            let taken = piece.len();
            // The rest of a line that is too long is read but not kept.
            if line.len() <= MAX_LINE_OCTETS {
                line.extend_from_slice(piece);
            }
            self.consume(taken);
            if end.is_some() {
                let fits = line.len() <= MAX_LINE_OCTETS;
                let content = line.strip_suffix(b"\r\n").filter(|_| fits).map(<[u8]>::to_vec);
                return Ok(content.map_or_else(|| LineRead::Bad(line), LineRead::Complete));
            }
        }
    }
}

/// Refuses a connection because there are too many.
pub(super) async fn turn_away(mut stream: TcpStream) {
    let answer = stream.write_all(b"421 4.3.2 too many connections, try again later\r\n");
    let _ = tokio::time::timeout(Duration::from_secs(5), answer).await;
}
