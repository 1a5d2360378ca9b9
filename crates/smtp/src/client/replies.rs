//! Reads replies of the peer, with limits ([RFC 5321, section 4.2]).

use std::fmt;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest line of a reply.
const MAX_LINE_OCTETS: usize = 2048;
/// The longest reply, all lines together.
const MAX_REPLY_OCTETS: usize = 64 * 1024;
/// How much of a reply's text is kept for people.
const MAX_TEXT_CHARS: usize = 300;

/// "Service not available, closing transmission channel".
const CLOSING: u16 = 421;

/// A reply of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerReply {
    /// The code: three digits.
    pub code: u16,
    /// The lines, joined, without control characters.
    pub text: String,
}

impl PeerReply {
    pub(super) fn is_positive(&self) -> bool {
        self.code < 400
    }
}

impl fmt::Display for PeerReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// Why no reply could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// The connection was closed or broke.
    #[error("the connection was lost")]
    Lost,
    /// The answer is not a reply of the protocol.
    #[error("the peer does not speak the protocol")]
    Garbage,
    /// The peer refused RSET, so later replies may concern an earlier envelope ([RFC 5321, section 4.1.1.5]).
    #[error("the mail server refuses RSET")]
    NotReset,
    /// The reply did not arrive in time.
    #[error("the peer did not answer in time")]
    TimedOut,
}

/// Reads replies one after the other; one read may return several.
pub(super) struct Replies {
    buffer: Vec<u8>,
    from: usize,
    /// How often the stream was read. Tests measure pipelining by it.
    pub(super) reads: u64,
    /// The peer announced that it closes the connection. It has not executed the commands that it did not
    /// answer ([RFC 5321, section 3.8]).
    pub(super) leaving: bool,
}

impl Replies {
    pub(super) fn new() -> Self {
        Self { buffer: Vec::new(), from: 0, reads: 0, leaving: false }
    }

    pub(super) async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Result<PeerReply, ReplyError> {
        let mut code = None;
        let mut text = String::new();
        let mut octets = 0;
        loop {
            let line = self.line(stream).await?;
            octets += line.len();
            let (this, last, words) = parse_line(&line).ok_or(ReplyError::Garbage)?;
            if *code.get_or_insert(this) != this || octets > MAX_REPLY_OCTETS {
                return Err(ReplyError::Garbage);
            }
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&words);
            if last {
                self.leaving |= this == CLOSING;
                return Ok(PeerReply { code: this, text });
            }
        }
    }

    async fn line(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, ReplyError> {
        loop {
            let waiting = &self.buffer[self.from..];
            if let Some(end) = waiting.iter().position(|b| *b == b'\n') {
                let line = waiting[..end].trim_ascii_end().to_vec();
                self.from += end + 1;
                return if line.len() > MAX_LINE_OCTETS { Err(ReplyError::Garbage) } else { Ok(line) };
            }
            if waiting.len() > MAX_LINE_OCTETS {
                return Err(ReplyError::Garbage);
            }
            self.buffer.drain(..self.from);
            self.from = 0;
            self.buffer.reserve(4096);
            self.reads += 1;
            match stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Err(ReplyError::Lost),
                Ok(_) => {}
            }
        }
    }
}

/// The code, whether this is the last line, and the text.
fn parse_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let code = std::str::from_utf8(line.get(..3)?).ok()?;
    let code: u16 = code.bytes().all(|b| b.is_ascii_digit()).then(|| code.parse().ok()).flatten()?;
    let last = match line.get(3) {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    let words = String::from_utf8_lossy(line.get(4..).unwrap_or_default());
    let words = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT_CHARS).collect();
    (200..600).contains(&code).then_some((code, last, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(input: &[u8]) -> Vec<Result<PeerReply, String>> {
        let mut replies = Replies::new();
        let mut stream = input;
        let mut all = Vec::new();
        loop {
            let reply = replies.next(&mut stream).await.map_err(|e| e.to_string());
            let stop = reply.is_err();
            all.push(reply);
            if stop {
                return all;
            }
        }
    }

    #[tokio::test]
    async fn replies_are_read_one_by_one() {
        let all = read(b"250-one\r\n250 two\r\n354 go\r\n").await;
        assert_eq!(all[0].as_ref().unwrap().to_string(), "250 one\ntwo");
        assert_eq!(all[1].as_ref().unwrap().code, 354);
        assert_eq!(all[2], Err("the connection was lost".into()));
    }

    #[tokio::test]
    async fn garbage_is_no_reply() {
        let long = [b"250 ".to_vec(), vec![b'x'; 10_000_000]].concat();
        let endless = b"250-x\r\n".repeat(20_000);
        for bad in
            [&b"hello\r\n"[..], b"25\r\n", b"999 x\r\n", b"250-a\r\n550 b\r\n", b"250_x\r\n", &long, &endless]
        {
            let all = read(bad).await;
            assert_eq!(all, [Err("the peer does not speak the protocol".to_owned())]);
        }
    }
}
