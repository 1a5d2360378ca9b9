//! Handing over envelopes ahead of the replies, where the peer takes contents by their size ([RFC 3030]).
//!
//! DATA must be answered before a content may follow: every message costs a round trip, and wakes both sides for
//! itself. Behind BDAT the content follows at once, and the next envelope behind it ([RFC 2920]).

use std::collections::VecDeque;

use bytes::Bytes;
use fail::fail_point;

use super::connection::Connection;
use super::deliver::{Accepted, Running};
use super::envelope::{Envelope, RecipientResult};
use super::replies::ReplyError;

/// Recipients of what is on its way, not counting the envelope that exceeds them: a connection that breaks may cost second
/// copies of so many.
const MAX_RECIPIENTS: usize = 16;
/// Octets of content on their way, not counting the envelope that exceeds them.
const MAX_OCTETS: usize = 128 * 1024;
const RESET: &[u8] = b"RSET\r\n";

impl Connection {
    /// As [`Connection::deliver`] does, until `next` has none left or one whose dots are stuffed, which is returned.
    pub(super) async fn deliver_ahead(
        &mut self,
        next: &mut impl FnMut() -> Option<Envelope>,
        done: &mut impl FnMut(u64, Vec<RecipientResult>),
    ) -> Result<Option<Envelope>, ReplyError> {
        // A kept connection may be closed by now: nothing is entrusted to it before it has answered.
        self.write(&[Bytes::from_static(RESET)]).await?;
        self.read_reply(self.target.timeouts.command).await?;
        let mut ahead = VecDeque::new();
        let mut stuffed = None;
        loop {
            if recipients(&ahead) <= MAX_RECIPIENTS / 2 && stuffed.is_none() {
                let pieces = self.fill(&mut ahead, &mut stuffed, next, done);
                if !pieces.is_empty()
                    && let Err(lost) = self.write(&pieces).await
                {
                    return Err(self.give_up(ahead, stuffed, done, lost));
                }
            }
            let Some(mut running) = ahead.pop_front() else { return Ok(stuffed) };
            let answered = self.answers(&mut running).await;
            fail_point!("after-outcome");
            let reset = match answered {
                Ok(results) => {
                    done(running.envelope.id, results);
                    self.read_reply(self.target.timeouts.command).await.map(drop)
                }
                Err(lost) => {
                    ahead.push_front(running);
                    Err(lost)
                }
            };
            if let Err(lost) = reset {
                return Err(self.give_up(ahead, stuffed, done, lost));
            }
        }
    }

    /// Takes envelopes while there is room; what is to be written of them.
    fn fill(
        &self,
        ahead: &mut VecDeque<Running>,
        stuffed: &mut Option<Envelope>,
        next: &mut impl FnMut() -> Option<Envelope>,
        done: &mut impl FnMut(u64, Vec<RecipientResult>),
    ) -> Vec<Bytes> {
        let mut octets: usize = ahead.iter().map(|running| running.envelope.body.octets()).sum();
        let mut pieces = Vec::new();
        while octets < MAX_OCTETS
            && recipients(ahead) < MAX_RECIPIENTS
            && let Some(running) = self.take(next, done)
        {
            let body = &running.envelope.body;
            if !body.is_as_it_is() {
                *stuffed = Some(running.envelope);
                break;
            }
            octets += body.octets();
            pieces.push(self.commands(&running.envelope, &format!("BDAT {} LAST", body.octets())));
            pieces.extend_from_slice(body.pieces());
            // After a refusal the peer may not be ready for the next MAIL ([RFC 3030, section 2]).
            pieces.push(Bytes::from_static(RESET));
            ahead.push_back(running);
        }
        pieces
    }

    async fn answers(&mut self, running: &mut Running) -> Result<Vec<RecipientResult>, ReplyError> {
        let accepted = match self.offer_recipients(running).await? {
            0 => Accepted::Nobody,
            _ => Accepted::Content,
        };
        self.outcome(&accepted, running).await
    }

    /// The results of what has no answer: it may be through, unless the peer said that it leaves.
    fn give_up(
        &self,
        ahead: VecDeque<Running>,
        stuffed: Option<Envelope>,
        done: &mut impl FnMut(u64, Vec<RecipientResult>),
        lost: ReplyError,
    ) -> ReplyError {
        let reached = if self.replies.leaving { Accepted::No } else { Accepted::Content };
        for running in ahead {
            done(running.envelope.id, running.unanswered(&reached));
        }
        if let Some(Envelope { id, recipients, .. }) = stuffed {
            done(id, vec![RecipientResult::NotSent; recipients.len()]);
        }
        lost
    }
}

fn recipients(ahead: &VecDeque<Running>) -> usize {
    ahead.iter().map(|running| running.envelope.recipients.len()).sum()
}
