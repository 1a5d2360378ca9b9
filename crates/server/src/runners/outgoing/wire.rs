//! Sends copies on a connection that stays open, and opens a new one if that helps.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use sealist_app::{Copy, DeliveryResult, DeliveryState, Recipient};
use sealist_lists::model::{DeliveryNo, EntryNo};
use sealist_mail::{SmtpStage, Timestamp};
use sealist_smtp::client::{Connection, Envelope, RecipientResult, WireBody};

use super::SenderSettings;
use super::results::Results;

/// How copies are sent, and where their results go.
pub(super) struct ConnectionWork<'a, P> {
    pub(super) settings: &'a SenderSettings,
    /// The message that caused the copies.
    pub(super) entry: Option<EntryNo>,
    /// The results limit how many copies may be sent at a time.
    pub(super) results: &'a Results,
    /// Whether copies may still be sent.
    pub(super) may_go: &'a (dyn Fn() -> bool + Send + Sync),
    /// Whether a recipient must not get the copy any more.
    pub(super) is_gone: &'a (dyn Fn(DeliveryNo) -> bool + Send + Sync),
    /// The clock for the time of the next try.
    pub(super) now: &'a (dyn Fn() -> Timestamp + Send + Sync),
    pub(super) put: P,
}

/// Sends copies in order, encoded as ASCII if the next hop accepts nothing else. `put` gets each recipient's
/// result as soon as it is known. Returns the copies that may not be sent any more.
pub(super) async fn send<P: FnMut(DeliveryResult)>(
    mut sending: ConnectionWork<'_, P>,
    connection: &mut Option<Connection>,
    copies: &[Copy],
) -> Vec<DeliveryNo> {
    let mut unsent =
        UnsentCopies { copies, waiting: (0..copies.len()).collect(), seven_bit: BTreeMap::new() };
    while !unsent.waiting.is_empty() {
        sending.results.wait_for_room().await;
        if !(sending.may_go)() {
            break;
        }
        let (open, kept) = match usable(connection) {
            Some(open) => (open, true),
            None => match Connection::connect(&sending.settings.target).await {
                Ok(open) => (open, false),
                Err(error) => {
                    tracing::warn!(
                        event = "next-hop-unreachable", entry = sending.entry.map(display), %error,
                        "cannot connect to the next hop; copies are deferred"
                    );
                    sending.put_off(&error.to_string(), unsent.take_all());
                    break;
                }
            },
        };
        let (before, trust) = (unsent.waiting.len(), &sending.settings.target.trust);
        let trusted = trust.is_whole();
        let lost = sending.send_on(open, &mut unsent, connection).await;
        // The peer may have closed a reused connection, or a new one after some messages. Then a new
        // connection helps. It also helps if the peer accepts only one envelope at a time.
        if let Some(reason) = lost
            && !kept
            && unsent.waiting.len() == before
            && trust.is_whole() == trusted
        {
            sending.put_off(&reason, unsent.take_all());
        }
    }
    unsent.take_all().flat_map(|copy| &copy.recipients).map(|recipient| recipient.no).collect()
}

/// The copies of a batch that were not sent yet.
struct UnsentCopies<'c> {
    /// All copies of the batch.
    copies: &'c [Copy],
    /// The indexes of those that were not sent, in order.
    waiting: VecDeque<usize>,
    /// Forms in ASCII, for a next hop that accepts nothing else.
    seven_bit: BTreeMap<usize, Copy>,
}

impl<'c> UnsentCopies<'c> {
    fn take_all(&mut self) -> impl Iterator<Item = &'c Copy> {
        let copies = self.copies;
        self.waiting.drain(..).map(move |at| &copies[at])
    }
}

/// The open connection, unless it was used long enough. Closing it does not delay the caller.
fn usable(connection: &mut Option<Connection>) -> Option<Connection> {
    let kept = connection.take()?;
    if kept.is_used_up() {
        tokio::spawn(kept.quit());
        return None;
    }
    Some(kept)
}

impl<P: FnMut(DeliveryResult)> ConnectionWork<'_, P> {
    /// Sends waiting copies on one connection, and keeps the connection if possible. Copies that were not
    /// sent wait again. Returns why the connection was lost.
    async fn send_on(
        &mut self,
        mut open: Connection,
        unsent: &mut UnsentCopies<'_>,
        connection: &mut Option<Connection>,
    ) -> Option<String> {
        let (mut not_sent, mut eight_bit, may_go, results) =
            (Vec::new(), Vec::new(), self.may_go, self.results);
        let is_gone = self.is_gone;
        let UnsentCopies { copies, waiting, seven_bit } = unsent;
        // The recipients of each copy that was sent and not answered yet.
        let on_their_way: Mutex<HashMap<usize, Vec<&Recipient>>> = Mutex::default();
        let on_their_way = || on_their_way.lock().unwrap_or_else(PoisonError::into_inner);
        let next = || {
            while may_go() && results.has_room() {
                let at = waiting.pop_front()?;
                let to: Vec<&Recipient> =
                    copies[at].recipients.iter().filter(|recipient| !is_gone(recipient.no)).collect();
                if !to.is_empty() {
                    let next = envelope(at, seven_bit.get(&at).unwrap_or(&copies[at]), &to);
                    on_their_way().insert(at, to);
                    return Some(next);
                }
            }
            None
        };
        let done = |id: u64, outcomes: Vec<RecipientResult>| {
            let at = usize::try_from(id).unwrap_or(usize::MAX);
            let to = on_their_way().remove(&at).unwrap_or_default();
            if outcomes.iter().all(|outcome| *outcome == RecipientResult::NotSent) {
                not_sent.push(at);
                return;
            }
            if outcomes.contains(&RecipientResult::NeedsSevenBit)
                && !seven_bit.contains_key(&at)
                && let Some(copy) = copies[at].seven_bit()
            {
                eight_bit.push((at, copy));
                return;
            }
            for (recipient, outcome) in to.into_iter().zip(outcomes) {
                self.record_result(recipient, outcome);
            }
        };
        let delivered = open.deliver(next, done).await;
        debug_assert!(on_their_way().is_empty(), "each envelope has its results");
        for at in not_sent.into_iter().rev() {
            waiting.push_front(at);
        }
        for (at, copy) in eight_bit {
            seven_bit.insert(at, copy);
            waiting.push_back(at);
        }
        match delivered {
            Ok(()) => {
                *connection = Some(open);
                None
            }
            Err(error) => {
                tracing::warn!(
                    event = "next-hop-lost", entry = self.entry.map(display), %error,
                    "lost the connection to the next hop"
                );
                Some(error.to_string())
            }
        }
    }

    fn record_result(&mut self, recipient: &Recipient, outcome: RecipientResult) {
        let (state, reply, refused_at) = match outcome {
            RecipientResult::Sent(reply) => (DeliveryState::Sent, reply.to_string(), None),
            RecipientResult::Failed(reply, stage) => (DeliveryState::Failed, reply.to_string(), Some(stage)),
            RecipientResult::Deferred(reply, stage) => {
                (self.retry(recipient), reply.to_string(), Some(stage))
            }
            RecipientResult::NeedsSevenBit => {
                let reply = "554 5.6.3 the next mail server takes no 8-bit text, and what is signed is not encoded anew";
                (DeliveryState::Failed, reply.to_owned(), Some(SmtpStage::Content))
            }
            RecipientResult::NotSent => (self.retry(recipient), "the connection broke".to_owned(), None),
            RecipientResult::Unknown => (self.retry(recipient), "the last reply never came".to_owned(), None),
        };
        let (no, email) = (recipient.no, recipient.email.clone());
        (self.put)(DeliveryResult { no, email, state, reply, refused_at });
    }

    fn put_off<'c>(&mut self, reason: &str, copies: impl Iterator<Item = &'c Copy>) {
        for recipient in copies.flat_map(|copy| &copy.recipients) {
            let state = self.retry(recipient);
            let (no, email) = (recipient.no, recipient.email.clone());
            (self.put)(DeliveryResult { no, email, state, reply: reason.to_owned(), refused_at: None });
        }
    }

    fn retry(&self, recipient: &Recipient) -> DeliveryState {
        let [jitter] = sealist_openpgp::random::<1>();
        self.settings.retry.state(recipient.attempts, jitter, (self.now)())
    }
}

fn envelope(at: usize, copy: &Copy, to: &[&Recipient]) -> Envelope {
    Envelope {
        id: at as u64,
        sender: copy.sender.clone(),
        recipients: to.iter().map(|recipient| recipient.path.clone()).collect(),
        body: WireBody::from_wire_pieces(copy.pieces.clone(), copy.dots),
    }
}
