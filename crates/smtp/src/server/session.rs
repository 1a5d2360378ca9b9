//! One LMTP session: the commands, their order, and the limits.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use super::command::{LmtpCommand, Malformed, announces_chunk};
use super::content::DotReader;
use super::wire::{LineRead, Wire};
use super::{Protocol, Service, Settings, Transaction};
use crate::reply::Reply;

/// How long content may arrive slowly before its rate is checked.
const RATE_GRACE: Duration = Duration::from_secs(30);

pub(super) async fn run<S: Service>(
    stream: TcpStream,
    service: Arc<S>,
    settings: Arc<Settings>,
    stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let mut session = LmtpSession {
        wire: Wire::new(stream),
        service,
        settings,
        stop,
        greeted: false,
        secure: false,
        errors: 0,
        mail: None,
    };
    let protocol = match session.settings.protocol {
        Protocol::Lmtp => "LMTP",
        Protocol::Smtp => "ESMTP",
    };
    let greeting = format!("220 {} {protocol} Sealist\r\n", session.settings.hostname);
    session.wire.raw_reply(&greeting);
    if let Err(error) = session.talk().await {
        tracing::debug!(event = "session-broken", %error, "an LMTP session ended early");
    }
}

struct LmtpSession<S: Service> {
    wire: Wire,
    service: Arc<S>,
    settings: Arc<Settings>,
    stop: watch::Receiver<bool>,
    greeted: bool,
    secure: bool,
    errors: u32,
    mail: Option<Mail<S::Transaction>>,
}

/// A transaction between MAIL and its last reply.
struct Mail<T> {
    transaction: T,
    recipients: usize,
    /// The octets so far; `Some` after the content has begun.
    content: Option<IncomingContent>,
}

/// Content that is being received, by DATA or in BDAT chunks.
#[derive(Default)]
struct IncomingContent {
    octets: u64,
    refusal: Option<Reply>,
}

enum SessionNext {
    Go,
    Close,
}

impl<S: Service> LmtpSession<S> {
    async fn talk(&mut self) -> std::io::Result<()> {
        loop {
            let line = tokio::select! {
                line = timeout(self.settings.command_timeout, self.wire.line()) => {
                    line.map_err(|_| Reply::new(421, (4, 4, 2), "waited too long for a command"))
                }
                _ = self.stop.wait_for(|stop| *stop), if self.mail.is_none() => {
                    Err(Reply::new(421, (4, 3, 2), "shutting down, try again later"))
                }
            };
            let line = match line {
                Ok(line) => line?,
                Err(farewell) => return self.goodbye(farewell).await,
            };
            let next = match line {
                LineRead::Closed => return Ok(()),
                LineRead::Bad(line) if announces_chunk(&line) => self.lost(),
                LineRead::Bad(_) => {
                    self.refuse(Reply::new(500, (5, 5, 2), "line too long or not ended by CRLF"))
                }
                LineRead::Complete(line) => match LmtpCommand::parse(&line) {
                    Ok(command) => self.obey(command).await?,
                    Err(Malformed::Chunk) => self.lost(),
                    Err(malformed) => self.refuse(explain(malformed)),
                },
            };
            if matches!(next, SessionNext::Close) {
                return self.wire.flush().await;
            }
        }
    }

    async fn goodbye(&mut self, reply: Reply) -> std::io::Result<()> {
        self.wire.reply(&reply);
        self.wire.flush().await
    }

    fn send_reply(&mut self, reply: Reply) -> SessionNext {
        self.wire.reply(&reply);
        SessionNext::Go
    }

    /// Sends a refusal that counts as an error of the peer.
    fn refuse(&mut self, reply: Reply) -> SessionNext {
        self.wire.reply(&reply);
        self.errors += 1;
        if self.errors <= self.settings.max_errors {
            return SessionNext::Go;
        }
        self.wire.reply(&Reply::new(421, (4, 7, 0), "too many errors"));
        SessionNext::Close
    }

    /// Ends the session: it is unknown where the announced octets end, so none of them may be executed as
    /// commands.
    fn lost(&mut self) -> SessionNext {
        self.wire.reply(&explain(Malformed::Chunk));
        SessionNext::Close
    }

    async fn obey(&mut self, command: LmtpCommand) -> std::io::Result<SessionNext> {
        Ok(match (command, self.settings.protocol) {
            (LmtpCommand::Lhlo, Protocol::Lmtp) | (LmtpCommand::Helo, Protocol::Smtp) => {
                self.greeted = true;
                self.mail = None;
                let offer = self.extensions();
                self.wire.raw_reply(&offer);
                SessionNext::Go
            }
            (LmtpCommand::Helo, _) => self.refuse(Reply::new(500, (5, 5, 1), "this is LMTP: say LHLO")),
            (LmtpCommand::Lhlo, _) => self.refuse(Reply::new(500, (5, 5, 1), "this is SMTP: say EHLO")),
            (LmtpCommand::Mail { sender, size }, _) => self.mail(sender.as_deref(), size).await,
            (LmtpCommand::Rcpt { recipient }, _) => self.rcpt(&recipient).await,
            (LmtpCommand::Data, _) => return self.data().await,
            (LmtpCommand::Bdat { octets, last }, _) => return self.bdat(octets, last).await,
            (LmtpCommand::Rset, _) => {
                self.mail = None;
                self.send_reply(Reply::ok("reset"))
            }
            (LmtpCommand::Noop, _) => self.send_reply(Reply::ok("ok")),
            (LmtpCommand::Quit, _) => {
                self.wire.reply(&Reply::new(221, (2, 0, 0), "bye"));
                SessionNext::Close
            }
            (LmtpCommand::StartTls, _) => return self.start_tls().await,
            (LmtpCommand::Verify, _) => self.send_reply(Reply::new(252, (2, 1, 5), "send mail and see")),
            (LmtpCommand::Help, _) => self.send_reply(Reply::new(214, (2, 0, 0), "see RFC 2033")),
        })
    }

    fn extensions(&self) -> String {
        let size = self.settings.max_message_octets;
        let mut lines = vec![
            self.settings.hostname.clone(),
            "PIPELINING".into(),
            "8BITMIME".into(),
            "SMTPUTF8".into(),
            "CHUNKING".into(),
            "ENHANCEDSTATUSCODES".into(),
            format!("SIZE {size}"),
        ];
        if self.settings.tls.is_some() && !self.secure {
            lines.push("STARTTLS".into());
        }
        let last = lines.len() - 1;
        let line =
            |(at, text): (usize, &String)| format!("250{}{text}\r\n", if at == last { ' ' } else { '-' });
        lines.iter().enumerate().map(line).collect()
    }

    async fn mail(&mut self, sender: Option<&str>, size: Option<u64>) -> SessionNext {
        if !self.greeted || self.mail.is_some() {
            return self.refuse(Reply::new(503, (5, 5, 1), "wrong order of commands"));
        }
        if size.is_some_and(|size| size > self.settings.max_message_octets) {
            return self.send_reply(too_large());
        }
        match self.service.begin(sender, size).await {
            Ok(transaction) => {
                self.mail = Some(Mail { transaction, recipients: 0, content: None });
                self.send_reply(Reply::new(250, (2, 1, 0), "ok"))
            }
            Err(reply) => self.send_reply(reply),
        }
    }

    async fn rcpt(&mut self, recipient: &str) -> SessionNext {
        let max_recipients = self.settings.max_recipients;
        let Some(mail) = self.mail.as_mut().filter(|mail| mail.content.is_none()) else {
            return self.refuse(Reply::new(503, (5, 5, 1), "wrong order of commands"));
        };
        if mail.recipients >= max_recipients {
            return self.send_reply(Reply::new(452, (4, 5, 3), "too many recipients in one transaction"));
        }
        match mail.transaction.recipient(recipient).await {
            Ok(()) => {
                mail.recipients += 1;
                self.send_reply(Reply::new(250, (2, 1, 5), "ok"))
            }
            Err(reply) => self.send_reply(reply),
        }
    }

    async fn data(&mut self) -> std::io::Result<SessionNext> {
        let Some(mut mail) = self.mail.take_if(|mail| mail.content.is_none()) else {
            return Ok(self.refuse(Reply::new(503, (5, 5, 1), "wrong order of commands")));
        };
        if mail.recipients == 0 {
            self.mail = Some(mail);
            return Ok(self.send_reply(Reply::new(554, (5, 5, 1), "no valid recipients")));
        }
        if let Err(reply) = mail.transaction.start().await {
            return Ok(self.send_reply(reply));
        }
        self.wire.raw_reply("354 send the content, end with a dot\r\n");
        let mut content = IncomingContent::default();
        let mut dots = DotReader::default();
        let began = Instant::now();
        let mut chunk = Vec::new();
        while !dots.is_at_end() {
            let Some(input) = self.content_input(began, &content).await? else {
                return Ok(self.cut_off());
            };
            if input.is_empty() {
                return Ok(SessionNext::Close);
            }
            chunk.clear();
            let taken = dots.read(input, &mut chunk);
            self.wire.consume(taken);
            content.add(&chunk, &mut mail.transaction, &self.settings).await;
            if content.is_hopeless(&self.settings) {
                return Ok(self.cut_off());
            }
        }
        if dots.has_bare_line_end() {
            content.refusal.get_or_insert(Reply::new(
                554,
                (5, 6, 11),
                "lines must end in CRLF, and no NUL may occur",
            ));
        }
        self.conclude(mail, content).await;
        Ok(SessionNext::Go)
    }

    async fn bdat(&mut self, octets: u64, last: bool) -> std::io::Result<SessionNext> {
        let mut mail = self.mail.take().filter(|mail| mail.recipients > 0);
        let mut content = match &mut mail {
            None => IncomingContent {
                refusal: Some(Reply::new(503, (5, 5, 1), "no valid recipients")),
                octets: 0,
            },
            Some(mail) => match mail.content.take() {
                Some(content) => content,
                None => IncomingContent { refusal: mail.transaction.start().await.err(), octets: 0 },
            },
        };
        // The chunk follows even if the command is refused ([RFC 3030, section 2]).
        let began = Instant::now();
        let mut left = octets;
        while left > 0 {
            let Some(input) = self.content_input(began, &content).await? else {
                return Ok(self.cut_off());
            };
            if input.is_empty() {
                return Ok(SessionNext::Close);
            }
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
            let chunk = input[..taken].to_vec();
            self.wire.consume(taken);
            left -= taken as u64;
            match &mut mail {
                Some(mail) => content.add(&chunk, &mut mail.transaction, &self.settings).await,
                None => content.octets += taken as u64,
            }
            if content.is_hopeless(&self.settings) {
                return Ok(self.cut_off());
            }
        }
        let Some(mut mail) = mail else {
            let refusal = content.refusal.unwrap_or_else(Reply::try_again);
            return Ok(self.refuse(refusal));
        };
        if last {
            self.conclude(mail, content).await;
        } else {
            let reply = content.refusal.clone().unwrap_or_else(|| Reply::ok("chunk taken"));
            mail.content = Some(content);
            self.mail = Some(mail);
            self.send_reply(reply);
        }
        Ok(SessionNext::Go)
    }

    /// Reads more input. Returns `None` if the peer is too slow.
    async fn content_input(
        &mut self,
        began: Instant,
        content: &IncomingContent,
    ) -> std::io::Result<Option<&[u8]>> {
        let spent = began.elapsed();
        let too_slow =
            spent > RATE_GRACE && content.octets / spent.as_secs().max(1) < self.settings.min_octets_per_s;
        let left = self.settings.data_timeout.checked_sub(spent).filter(|_| !too_slow);
        match left {
            None => Ok(None),
            Some(left) => match timeout(left.min(RATE_GRACE), self.wire.fill()).await {
                Ok(input) => input.map(Some),
                Err(_) => Ok(None),
            },
        }
    }

    fn cut_off(&mut self) -> SessionNext {
        self.wire.reply(&Reply::new(421, (4, 4, 2), "the message came too slowly or without end"));
        SessionNext::Close
    }

    /// Sends the replies, one per recipient.
    async fn conclude(&mut self, mail: Mail<S::Transaction>, content: IncomingContent) {
        let replies = match content.refusal {
            Some(refusal) => vec![refusal; mail.recipients],
            None => mail.transaction.finish().await,
        };
        debug_assert_eq!(replies.len(), mail.recipients, "one reply per recipient, RFC 2033 section 4.2");
        match self.settings.protocol {
            Protocol::Lmtp => replies.iter().for_each(|reply| self.wire.reply(reply)),
            Protocol::Smtp => {
                let worst =
                    replies.into_iter().max_by_key(|reply| reply.code).unwrap_or_else(Reply::try_again);
                self.wire.reply(&worst);
            }
        }
    }

    async fn start_tls(&mut self) -> std::io::Result<SessionNext> {
        let Some(tls) = self.settings.tls.clone().filter(|_| !self.secure) else {
            return Ok(self.refuse(Reply::new(502, (5, 5, 1), "TLS is not offered")));
        };
        self.wire.reply(&Reply::new(220, (2, 0, 0), "go ahead"));
        self.wire.flush().await?;
        let unconnected = Wire::new(tokio::io::empty());
        let stream = std::mem::replace(&mut self.wire, unconnected).into_stream();
        let handshake = TlsAcceptor::from(tls).accept(stream);
        let stream = match timeout(self.settings.command_timeout, handshake).await {
            Ok(stream) => stream?,
            Err(_) => return Ok(SessionNext::Close),
        };
        self.wire = Wire::new(stream);
        (self.secure, self.greeted, self.mail) = (true, false, None);
        Ok(SessionNext::Go)
    }
}

impl IncomingContent {
    async fn add(&mut self, chunk: &[u8], transaction: &mut impl Transaction, settings: &Settings) {
        self.octets += chunk.len() as u64;
        if self.octets > settings.max_message_octets {
            self.refusal.get_or_insert_with(too_large);
        }
        if self.refusal.is_none() {
            self.refusal = transaction.data(chunk).await.err();
        }
    }

    /// Whether to give up reading. A refused message is read to its end so that the reply is in its place,
    /// but not without limit.
    fn is_hopeless(&self, settings: &Settings) -> bool {
        self.octets > 2 * settings.max_message_octets + 1024 * 1024
    }
}

fn too_large() -> Reply {
    Reply::new(552, (5, 3, 4), "the message is too large")
}

fn explain(malformed: Malformed) -> Reply {
    match malformed {
        Malformed::Unknown => Reply::new(500, (5, 5, 1), "unknown command"),
        Malformed::Syntax => Reply::new(501, (5, 5, 4), "this command has another form"),
        Malformed::Parameter => Reply::new(555, (5, 5, 4), "unknown parameter"),
        Malformed::Chunk => Reply::new(501, (5, 5, 4), "how long is the chunk? closing the connection"),
    }
}
