//! Delivers a series of envelopes on one connection.

use std::io::IoSlice;

use bytes::{Buf as _, Bytes};
use fail::fail_point;
use sealist_mail::SmtpStage;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::Protocol;
use super::connection::Connection;
use super::envelope::{Envelope, RecipientResult};
use super::replies::{PeerReply, ReplyError};

/// The end of a content whose last line has a line end.
const END: &[u8] = b".\r\n";
pub(super) const RESET: &[u8] = b"RSET\r\n";

/// One envelope in delivery, with the state of its recipients.
pub(super) struct EnvelopeUnderWay {
    pub(super) envelope: Envelope,
    /// The refusal of each recipient; `None` while the recipient is accepted.
    refused: Vec<Option<RecipientResult>>,
    /// Whether refusals certainly concern this envelope. After a refused RSET they may concern an earlier
    /// one.
    is_clear: bool,
}

impl EnvelopeUnderWay {
    /// The recipients that RCPT is sent for, with their positions. Recipients that the peer cannot take are
    /// skipped.
    fn deliverable_recipients(&self) -> impl Iterator<Item = (&str, usize)> {
        let recipients = self.envelope.recipients.iter().zip(&self.refused).enumerate();
        recipients.filter(|(_, (_, refused))| refused.is_none()).map(|(at, (one, _))| (one.as_str(), at))
    }

    /// The results if no more replies arrive. If the content was sent, the message may have been delivered.
    pub(super) fn unanswered(&self, accepted: &Accepted) -> Vec<RecipientResult> {
        let rest = match accepted {
            Accepted::Content => RecipientResult::Unknown,
            Accepted::Nobody | Accepted::No => RecipientResult::NotSent,
        };
        let result = |refused: &Option<RecipientResult>| refused.clone().unwrap_or_else(|| rest.clone());
        self.refused.iter().map(|refused| self.checked_result(result(refused))).collect()
    }

    /// Replaces a refusal that may concern another envelope: it is decided again on another connection.
    fn checked_result(&self, result: RecipientResult) -> RecipientResult {
        match result {
            RecipientResult::Deferred(..) | RecipientResult::Failed(..) if !self.is_clear => {
                RecipientResult::NotSent
            }
            result => result,
        }
    }
}

impl Connection {
    /// Delivers envelopes until `next` returns `None` or the connection is used up. `done` gets each
    /// envelope's id with one result per recipient, in order, as soon as the results are known. Errs if the
    /// connection can no longer be used; every envelope that was taken from `next` has its results by then.
    pub async fn deliver(
        &mut self,
        mut next: impl FnMut() -> Option<Envelope>,
        mut done: impl FnMut(u64, Vec<RecipientResult>),
    ) -> Result<(), ReplyError> {
        let delivered = self.hand_over(&mut next, &mut done).await;
        self.use_so_far.last = std::time::Instant::now();
        delivered
    }

    async fn hand_over(
        &mut self,
        mut next: &mut impl FnMut() -> Option<Envelope>,
        mut done: &mut impl FnMut(u64, Vec<RecipientResult>),
    ) -> Result<(), ReplyError> {
        let first = match self.takes_chunks().await? {
            true => self.deliver_ahead(&mut next, &mut done).await?,
            false => self.next_envelope(&mut next, &mut done),
        };
        self.deliver_in_turn(first, next, done).await?;
        if self.refused_reset { Err(ReplyError::NotReset) } else { Ok(()) }
    }

    /// Delivers envelopes one after the other, each after the reply to the previous content, beginning with
    /// the envelope that was already taken.
    async fn deliver_in_turn(
        &mut self,
        first: Option<EnvelopeUnderWay>,
        mut next: impl FnMut() -> Option<Envelope>,
        mut done: impl FnMut(u64, Vec<RecipientResult>),
    ) -> Result<(), ReplyError> {
        let mut current = first;
        if let Some(running) = &current
            && self.offers.pipelining
        {
            let commands = self.commands(running, "DATA");
            if let Err(lost) = self.write(&[commands]).await {
                return Err(give_up(current, &mut done, lost));
            }
        }
        while let Some(mut running) = current.take() {
            let accepted = match self.offer(&mut running).await {
                Ok(accepted) => accepted,
                Err(lost) => return Err(give_up(Some(running), &mut done, lost)),
            };
            let following = self.next_envelope(&mut next, &mut done);
            let mut pieces: Vec<Bytes> = match accepted {
                Accepted::Content => running.envelope.body.pieces().to_vec(),
                // The peer replied 354 although it accepted no recipient, so an empty content ends the
                // transaction.
                Accepted::Nobody | Accepted::No => Vec::new(),
            };
            if !matches!(accepted, Accepted::No) {
                pieces.push(Bytes::from_static(END));
            } else {
                pieces.push(Bytes::from_static(RESET));
            }
            if let Some(following) = &following
                && self.offers.pipelining
            {
                pieces.push(self.commands(following, "DATA"));
            }
            if let Err(lost) = self.write(&pieces).await {
                done(running.envelope.id, running.unanswered(&accepted));
                return Err(give_up(following, &mut done, lost));
            }
            let outcome = self.outcome(&accepted, &running).await;
            fail_point!("after-outcome");
            match outcome {
                Ok(results) => done(running.envelope.id, results),
                Err(lost) => {
                    done(running.envelope.id, running.unanswered(&accepted));
                    return Err(give_up(following, &mut done, lost));
                }
            }
            if self.replies.leaving {
                return Err(give_up(following, &mut done, ReplyError::Lost));
            }
            current = following;
        }
        Ok(())
    }

    /// The next envelope that has at least one recipient whom the peer can take. The other recipients get a
    /// refusal.
    pub(super) fn next_envelope(
        &mut self,
        next: &mut impl FnMut() -> Option<Envelope>,
        done: &mut impl FnMut(u64, Vec<RecipientResult>),
    ) -> Option<EnvelopeUnderWay> {
        loop {
            if self.is_used_up() || self.refused_reset {
                return None;
            }
            let envelope = next()?;
            if !self.offers.eight_bit && !envelope.body.is_seven_bit() {
                done(envelope.id, vec![RecipientResult::NeedsSevenBit; envelope.recipients.len()]);
                continue;
            }
            let sender = envelope.sender.as_deref().unwrap_or_default();
            let takes = |address: &str| self.offers.utf8 || (address.is_ascii() && sender.is_ascii());
            let refusal = |recipient: &String| (!takes(recipient)).then(takes_no_utf8);
            let refused: Vec<_> = envelope.recipients.iter().map(refusal).collect();
            if refused.iter().any(Option::is_none) {
                self.use_so_far.messages += 1;
                return Some(EnvelopeUnderWay { envelope, refused, is_clear: true });
            }
            done(envelope.id, refused.into_iter().flatten().collect());
        }
    }

    /// The commands before the content, including the command that starts the content.
    pub(super) fn commands(&self, running: &EnvelopeUnderWay, content: &str) -> Bytes {
        let mut commands = self.mail_from(&running.envelope);
        for (recipient, _) in running.deliverable_recipients() {
            commands.push_str(&format!("RCPT TO:<{recipient}>\r\n"));
        }
        commands.push_str(content);
        commands.push_str("\r\n");
        commands.into()
    }

    fn mail_from(&self, envelope: &Envelope) -> String {
        let mut command = format!("MAIL FROM:<{}>", envelope.sender.as_deref().unwrap_or_default());
        if self.offers.size {
            command.push_str(&format!(" SIZE={}", envelope.body.octets()));
        }
        if self.offers.eight_bit {
            command.push_str(" BODY=8BITMIME");
        }
        if self.offers.utf8 && is_international(envelope) {
            command.push_str(" SMTPUTF8");
        }
        command.push_str("\r\n");
        command
    }

    /// Reads the replies to MAIL and RCPT; without PIPELINING it sends the commands one by one. Returns how
    /// many recipients are accepted.
    pub(super) async fn offer_recipients(
        &mut self,
        running: &mut EnvelopeUnderWay,
    ) -> Result<usize, ReplyError> {
        running.is_clear = !self.refused_reset;
        let sender = self.exchange(|this| this.mail_from(&running.envelope)).await?;
        // After a refused RSET the MAIL may be refused as a nested one, while its recipients and content are
        // still accepted.
        let goes_on = sender.is_positive() || !running.is_clear;
        let mut accepted = 0;
        let asked: Vec<usize> = running.deliverable_recipients().map(|(_, at)| at).collect();
        for at in asked {
            // Without PIPELINING the RCPT commands are not sent after a refused sender.
            if !goes_on && !self.offers.pipelining {
                running.refused[at] = Some(RecipientResult::refused(sender.clone(), SmtpStage::Sender));
                continue;
            }
            let recipient = &running.envelope.recipients[at];
            let reply = self.exchange(|_| format!("RCPT TO:<{recipient}>\r\n")).await?;
            match (goes_on, reply.is_positive()) {
                (true, true) => accepted += 1,
                (true, false) => running.refused[at] = Some(refused_recipient(reply)),
                (false, _) => {
                    running.refused[at] = Some(RecipientResult::refused(sender.clone(), SmtpStage::Sender));
                }
            }
        }
        Ok(accepted)
    }

    /// Sends the commands before the content, and DATA.
    async fn offer(&mut self, running: &mut EnvelopeUnderWay) -> Result<Accepted, ReplyError> {
        let accepted = self.offer_recipients(running).await?;
        if accepted == 0 && !self.offers.pipelining {
            return Ok(Accepted::No);
        }
        let data = self.exchange(|_| "DATA\r\n".to_owned()).await?;
        if data.code == 354 {
            return Ok(if accepted > 0 { Accepted::Content } else { Accepted::Nobody });
        }
        if data.is_positive() {
            return Err(ReplyError::Garbage);
        }
        for refusal in running.refused.iter_mut().filter(|refusal| refusal.is_none()) {
            *refusal = Some(RecipientResult::refused(data.clone(), SmtpStage::Content));
        }
        Ok(Accepted::No)
    }

    /// Reads the replies to the end of the content (or to RSET) and returns the results.
    pub(super) async fn outcome(
        &mut self,
        accepted: &Accepted,
        running: &EnvelopeUnderWay,
    ) -> Result<Vec<RecipientResult>, ReplyError> {
        let limit = self.target.timeouts.data_done;
        let mut shared = None;
        let mut results = Vec::with_capacity(running.refused.len());
        match accepted {
            Accepted::Content => {}
            Accepted::Nobody => drop(self.read_reply(limit).await?),
            Accepted::No => self.is_reset().await?,
        }
        for refusal in &running.refused {
            let result = match (refusal, &shared) {
                (Some(refusal), _) => refusal.clone(),
                // LMTP replies once per accepted recipient, SMTP once per message.
                (None, Some(reply)) if self.target.protocol == Protocol::Smtp => {
                    final_result(PeerReply::clone(reply))
                }
                (None, _) => {
                    let reply = self.read_reply(limit).await?;
                    shared = Some(reply.clone());
                    final_result(reply)
                }
            };
            results.push(running.checked_result(result));
        }
        Ok(results)
    }

    /// Returns the reply to a command. Sends the command unless it was already pipelined.
    async fn exchange(&mut self, command: impl FnOnce(&Self) -> String) -> Result<PeerReply, ReplyError> {
        if !self.offers.pipelining {
            let command = command(self);
            self.write(&[command.into()]).await?;
        }
        self.read_reply(self.target.timeouts.command).await
    }

    pub(super) async fn read_reply(&mut self, limit: std::time::Duration) -> Result<PeerReply, ReplyError> {
        timeout(limit, self.replies.next(&mut self.stream)).await.map_err(|_| ReplyError::TimedOut)?
    }

    pub(super) async fn write(&mut self, pieces: &[Bytes]) -> Result<(), ReplyError> {
        let limit = self.target.timeouts.data;
        fail_point!("before-send");
        let written = timeout(limit, write_vectored(&mut self.stream, pieces))
            .await
            .map_err(|_| ReplyError::TimedOut)?;
        fail_point!("after-send");
        written.map_err(|_| ReplyError::Lost)
    }

    /// How many reads of the stream all replies so far needed.
    pub fn reads(&self) -> u64 {
        self.replies.reads
    }
}

/// What the peer replied to MAIL, RCPT and DATA.
pub(super) enum Accepted {
    /// The peer waits for the content.
    Content,
    /// The peer waits for the content although no recipient is accepted.
    Nobody,
    /// The peer waits for the next command.
    No,
}

fn is_international(envelope: &Envelope) -> bool {
    !envelope.recipients.iter().chain(envelope.sender.as_ref()).all(|address| address.is_ascii())
}

/// The result for a recipient that needs SMTPUTF8 if the peer does not offer it ([RFC 6531, section 3.2]).
fn takes_no_utf8() -> RecipientResult {
    let text = "5.6.7 the next mail server takes no international addresses".into();
    RecipientResult::Failed(PeerReply { code: 553, text }, SmtpStage::Recipient)
}

/// Some old servers reply 552 to RCPT if there are too many recipients ([RFC 5321, section 4.5.3.1.10]). Such
/// a reply is temporary, unless its enhanced code names another permanent reason.
fn refused_recipient(reply: PeerReply) -> RecipientResult {
    let permanent = reply.text.starts_with("5.") && !reply.text.starts_with("5.5.3");
    match reply.code {
        552 if !permanent => RecipientResult::Deferred(reply, SmtpStage::Recipient),
        _ => RecipientResult::refused(reply, SmtpStage::Recipient),
    }
}

fn final_result(reply: PeerReply) -> RecipientResult {
    match reply.is_positive() {
        true => RecipientResult::Sent(reply),
        false => RecipientResult::refused(reply, SmtpStage::Content),
    }
}

fn give_up(
    running: Option<EnvelopeUnderWay>,
    done: &mut impl FnMut(u64, Vec<RecipientResult>),
    lost: ReplyError,
) -> ReplyError {
    if let Some(running) = running {
        done(running.envelope.id, running.unanswered(&Accepted::No));
    }
    lost
}

/// Writes all pieces with as few calls as the stream allows.
async fn write_vectored(
    stream: &mut (impl AsyncWrite + Unpin + ?Sized),
    pieces: &[Bytes],
) -> std::io::Result<()> {
    let mut rest: std::collections::VecDeque<Bytes> =
        pieces.iter().filter(|p| !p.is_empty()).cloned().collect();
    while !rest.is_empty() {
        let slices: Vec<IoSlice<'_>> = rest.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut written = stream.write_vectored(&slices).await?;
        if written == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        while let Some(front) = rest.front_mut() {
            let taken = front.len().min(written);
            front.advance(taken);
            written -= taken;
            if !front.is_empty() {
                break;
            }
            rest.pop_front();
        }
    }
    stream.flush().await
}
