//! Octets to and from one peer: bounded lines in, replies out, TLS in between.

use std::time::Duration;

use fail::fail_point;
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::reply::Reply;

/// Longer command lines are refused ([RFC 5321, section 4.5.3.1.4] asks for 512 and extensions).
const MAX_LINE_OCTETS: usize = 2048;
const READ_OCTETS: usize = 32 * 1024;

/// What a session reads and writes: plain or TLS.
pub(super) trait ServerStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ServerStream for T {}

/// A peer with what it has sent and we have not yet read.
pub(super) struct Wire {
    stream: Box<dyn ServerStream>,
    buffer: Vec<u8>,
    read_to: usize,
    pending: Vec<u8>,
}

/// How reading a line ended.
pub(super) enum LineRead {
    Complete(Vec<u8>),
    /// Too long, or its line end was not CRLF: its beginning.
    Bad(Vec<u8>),
    /// The peer is gone.
    Closed,
}

impl Wire {
    pub(super) fn new(stream: impl ServerStream + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: Vec::new(), read_to: 0, pending: Vec::new() }
    }

    /// The stream itself, for a TLS handshake. What was read ahead in the clear is dropped: it may have been
    /// injected (CVE-2011-0411).
    pub(super) fn into_stream(self) -> Box<dyn ServerStream> {
        self.stream
    }

    /// Whether more input stands ready: then replies can wait and go out together (pipelining).
    fn has_input(&self) -> bool {
        self.read_to < self.buffer.len()
    }

    /// Queues a reply; it is sent before the next wait for input.
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

    /// More octets, at least one; an empty slice when the peer is gone. Take them with [`Wire::consume`].
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
            // A line that is too long is read to its end, but not kept.
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

/// Answers a connection for which there is no room.
pub(super) async fn turn_away(mut stream: TcpStream) {
    let answer = stream.write_all(b"421 4.3.2 too many connections, try again later\r\n");
    let _ = tokio::time::timeout(Duration::from_secs(5), answer).await;
}
