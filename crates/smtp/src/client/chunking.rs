//! Sends envelopes ahead of the replies, if the peer offers CHUNKING ([RFC 3030]).
//!
//! DATA must be answered before the content may follow, so every message costs a round trip and a wake-up on
//! both sides. After BDAT the content follows at once, and the next envelope after it ([RFC 2920]).

use std::collections::VecDeque;

use bytes::Bytes;
use fail::fail_point;

use super::Protocol;
use super::connection::Connection;
use super::deliver::{Accepted, EnvelopeUnderWay, RESET};
use super::envelope::{Envelope, RecipientResult};
use super::replies::ReplyError;

/// The most recipients of unanswered envelopes, not counting the envelope that exceeds the limit. If the
/// connection breaks, at most so many recipients get a second copy.
const MAX_RECIPIENTS: usize = 16;
/// The most octets of unanswered content, not counting the envelope that exceeds the limit. A larger content
/// gains nothing from being sent ahead.
const MAX_OCTETS: usize = 128 * 1024;

/// The envelopes on one connection, in order. A RSET is sent between two of them, because after a refusal the
/// peer may not be ready for the next MAIL ([RFC 3030, section 2]).
#[derive(Default)]
struct ChunkedRun {
    begun: usize,
    answered: usize,
    /// The envelopes that were written and not answered yet.
    ahead: VecDeque<EnvelopeUnderWay>,
    /// The first envelope that must be sent with DATA.
    behind: Option<EnvelopeUnderWay>,
    /// Why nothing more can be written. Replies that already arrived can still be read.
    mute: Option<ReplyError>,
}

impl Connection {
    /// Whether the peer really supports BDAT, so that envelopes can be sent ahead of the replies. Asks the
    /// peer in any case: a reused connection may be closed by now, and a filter in between may advertise an
    /// extension that it does not support.
    pub(super) async fn takes_chunks(&mut self) -> Result<bool, ReplyError> {
        if !self.target.trust.is_whole() {
            return Ok(false);
        }
        if !(self.target.protocol == Protocol::Smtp && self.offers.pipelining && self.offers.chunking) {
            return Ok(false);
        }
        if self.proved {
            self.reset().await?;
            return Ok(!self.refused_reset);
        }
        self.proved = self.probe().await.inspect_err(|_| self.target.trust.lose())?;
        self.offers.chunking = self.proved;
        Ok(self.proved)
    }

    /// Whether the peer knows BDAT. If the peer closes the connection at this question, it would do so on the
    /// next connection, too, so the caller then uses DATA.
    async fn probe(&mut self) -> Result<bool, ReplyError> {
        self.write(&[Bytes::from_static(b"BDAT 0 LAST\r\n")]).await?;
        let reply = self.read_reply(self.target.timeouts.command).await?;
        if self.replies.leaving {
            return Err(ReplyError::Lost);
        }
        // These codes mean that the command is known, but out of sequence.
        Ok(matches!(reply.code, 200..=299 | 503 | 554))
    }

    /// Delivers like [`Connection::deliver`], until `next` returns `None` or an envelope that must be sent
    /// with DATA. Returns that envelope.
    pub(super) async fn deliver_ahead(
        &mut self,
        next: &mut impl FnMut() -> Option<Envelope>,
        done: &mut impl FnMut(u64, Vec<RecipientResult>),
    ) -> Result<Option<EnvelopeUnderWay>, ReplyError> {
        let mut run = ChunkedRun::default();
        loop {
            if run.has_room() && !self.replies.leaving {
                let pieces = self.fill(&mut run, next, done);
                if !pieces.is_empty() {
                    run.mute = self.write(&pieces).await.err();
                }
            }
            let answered = self.answers(&mut run).await;
            fail_point!("after-outcome");
            match answered {
                Ok(Some((id, results))) => done(id, results),
                Ok(None) => break,
                Err(lost) => return Err(self.report_unanswered(run, done, lost)),
            }
        }
        let usable = match (run.mute.take(), self.replies.leaving) {
            (Some(lost), _) => Err(lost),
            (None, true) => Err(ReplyError::Lost),
            (None, false) if run.behind.is_some() => self.reset().await,
            (None, false) => Ok(()),
        };
        match usable {
            Ok(()) => Ok(run.behind),
            Err(lost) => Err(self.report_unanswered(run, done, lost)),
        }
    }

    /// Takes envelopes while there is room, and returns what to write for them.
    fn fill(
        &mut self,
        run: &mut ChunkedRun,
        next: &mut impl FnMut() -> Option<Envelope>,
        done: &mut impl FnMut(u64, Vec<RecipientResult>),
    ) -> Vec<Bytes> {
        let mut octets: usize = run.ahead.iter().map(|running| running.envelope.body.octets()).sum();
        let mut pieces = Vec::new();
        while octets < MAX_OCTETS
            && run.recipients() < MAX_RECIPIENTS
            && let Some(running) = self.next_envelope(next, done)
        {
            let body = &running.envelope.body;
            if body.has_stuffed_dots() || body.octets() > MAX_OCTETS {
                run.behind = Some(running);
                break;
            }
            if run.begun > 0 {
                pieces.push(Bytes::from_static(RESET));
            }
            octets += body.octets();
            pieces.push(self.commands(&running, &format!("BDAT {} LAST", body.octets())));
            pieces.extend_from_slice(body.pieces());
            run.begun += 1;
            run.ahead.push_back(running);
        }
        pieces
    }

    /// Reads the results of the first unanswered envelope, if there is one.
    async fn answers(
        &mut self,
        run: &mut ChunkedRun,
    ) -> Result<Option<(u64, Vec<RecipientResult>)>, ReplyError> {
        let Some(running) = run.ahead.front_mut() else { return Ok(None) };
        if self.replies.leaving {
            return Err(ReplyError::Lost);
        }
        if run.answered > 0 {
            self.is_reset().await?;
        }
        let accepted = match self.offer_recipients(running).await? {
            0 => Accepted::Nobody,
            _ => Accepted::Content,
        };
        let results = self.outcome(&accepted, running).await?;
        let id = running.envelope.id;
        run.ahead.pop_front();
        run.answered += 1;
        Ok(Some((id, results)))
    }

    async fn reset(&mut self) -> Result<(), ReplyError> {
        self.write(&[Bytes::from_static(RESET)]).await?;
        self.is_reset().await
    }

    /// Reads the reply to RSET. If the peer refuses RSET, the replies to everything that was written after it
    /// are still read. Errs if the peer closes the connection.
    pub(super) async fn is_reset(&mut self) -> Result<(), ReplyError> {
        let reply = self.read_reply(self.target.timeouts.command).await?;
        if self.replies.leaving {
            return Err(ReplyError::Lost);
        }
        if !reply.is_positive() {
            self.refused_reset = true;
            self.target.trust.lose();
        }
        Ok(())
    }

    /// Reports the envelopes without a reply. They may have been delivered, unless the peer announced that it
    /// closes the connection.
    fn report_unanswered(
        &self,
        run: ChunkedRun,
        done: &mut impl FnMut(u64, Vec<RecipientResult>),
        lost: ReplyError,
    ) -> ReplyError {
        let reached = if self.replies.leaving { Accepted::No } else { Accepted::Content };
        for running in run.ahead {
            done(running.envelope.id, running.unanswered(&reached));
        }
        if let Some(running) = run.behind {
            done(running.envelope.id, running.unanswered(&Accepted::No));
        }
        lost
    }
}

impl ChunkedRun {
    fn has_room(&self) -> bool {
        self.mute.is_none() && self.behind.is_none() && self.recipients() <= MAX_RECIPIENTS / 2
    }

    fn recipients(&self) -> usize {
        self.ahead.iter().map(|running| running.envelope.recipients.len()).sum()
    }
}
