//! LMTP transactions: from RCPT to the commit before the 250.

use std::sync::Arc;

use sealist_app::{App, AppError, Destination, Intake};
use sealist_lists::model::EntryNo;
use sealist_mail::scan::{MessageLimits, ScanError, Scanner};
use sealist_smtp::Reply;
use sealist_smtp::server::{Service, Transaction};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::runners::room::IntakeRoom;

/// How many octets one permit of the semaphore stands for.
const PERMIT_OCTETS: usize = 1024;

/// Receives mail for all lists.
pub(crate) struct LmtpService {
    pub(crate) app: App,
    /// The memory for messages, as a semaphore.
    pub(crate) memory: Arc<Semaphore>,
    /// Whether there is room on the disk and in the queue.
    pub(crate) room: IntakeRoom,
    /// Wakes the incoming runner.
    pub(crate) arrived: Arc<Notify>,
}

pub(crate) struct LmtpDelivery {
    app: App,
    memory: Arc<Semaphore>,
    arrived: Arc<Notify>,
    sender: Option<String>,
    arrivals: Vec<Destination>,
    /// The index of the arrival of each recipient. Two addresses may mean one sub-address.
    meant: Vec<usize>,
    intakes: Vec<Taking>,
    /// The size that MAIL declares.
    announced: Option<u64>,
    /// The octets received so far.
    came: u64,
    scanner: Option<Scanner>,
    held: Option<OwnedSemaphorePermit>,
    /// The octets of each intake.
    octets: usize,
}

/// The state of a message at one of its addresses.
enum Taking {
    In(Box<Intake>),
    /// It is refused with this reply.
    Refused(Reply),
}

impl Taking {
    fn as_intake(&mut self) -> Option<&mut Intake> {
        match self {
            Self::In(intake) => Some(intake),
            Self::Refused(_) => None,
        }
    }
}

impl Service for LmtpService {
    type Transaction = LmtpDelivery;

    async fn begin(&self, sender: Option<&str>, size: Option<u64>) -> Result<LmtpDelivery, Reply> {
        if self.room.is_full() {
            return Err(Reply::no_room());
        }
        Ok(LmtpDelivery {
            app: self.app.clone(),
            memory: self.memory.clone(),
            arrived: self.arrived.clone(),
            sender: sender.map(str::to_owned),
            arrivals: Vec::new(),
            meant: Vec::new(),
            intakes: Vec::new(),
            announced: size,
            came: 0,
            scanner: None,
            held: None,
            octets: 0,
        })
    }
}

impl Transaction for LmtpDelivery {
    async fn recipient(&mut self, recipient: &str) -> Result<(), Reply> {
        let address = recipient.parse().map_err(|_| Reply::no_such_address())?;
        match Destination::at(&self.app, &address).await {
            Ok(Some(arrival)) => {
                // The peer may count line ends differently.
                let is_too_large = |most: u64| self.announced.is_some_and(|octets| octets > most + most / 8);
                if arrival.most_octets().is_some_and(is_too_large) {
                    return Err(too_large());
                }
                // Each handle is an address of its own, so a message to many handles would be stored many
                // times.
                if self.arrivals.iter().any(|other| other.is_another_command_of_its_list(&arrival)) {
                    return Err(Reply::new(452, (4, 5, 3), "one address for commands of a list at a time"));
                }
                let known = self.arrivals.iter().position(|other| other.is_same_sub_address(&arrival));
                self.meant.push(known.unwrap_or(self.arrivals.len()));
                if known.is_none() {
                    self.arrivals.push(arrival);
                }
            }
            Ok(None) => return Err(Reply::no_such_address()),
            Err(error) => return Err(not_looked_up(&error)),
        }
        Ok(())
    }

    async fn start(&mut self) -> Result<(), Reply> {
        for arrival in &self.arrivals {
            let room = arrival.has_room(&self.app, self.sender.as_deref(), self.app.now()).await;
            if !room.map_err(|error| not_looked_up(&error))? {
                self.intakes.push(Taking::Refused(no_room_for_commands()));
                continue;
            }
            let intake = Intake::begin(arrival, self.sender.as_deref());
            let intake = intake.map_err(|error| {
                tracing::error!(
                    event = "intake-failed", %error, list = %arrival.list.name,
                    "cannot receive a message; LMTP replied 451"
                );
                Reply::try_again()
            })?;
            self.intakes.push(Taking::In(Box::new(intake)));
        }
        self.scanner = Some(Scanner::new(MessageLimits::default()));
        Ok(())
    }

    async fn data(&mut self, chunk: &[u8]) -> Result<(), Reply> {
        self.octets = (self.octets + chunk.len()).min(Intake::MOST_OCTETS);
        self.came += chunk.len() as u64;
        for (arrival, taking) in self.arrivals.iter().zip(&mut self.intakes) {
            if arrival.most_octets().is_some_and(|most| self.came > most) {
                *taking = Taking::Refused(too_large());
            }
        }
        if self.intakes.iter_mut().all(|taking| taking.as_intake().is_none()) {
            // If every address refuses, nothing is stored, and each recipient gets its reply at the end.
            return Ok(());
        }
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = (self.octets * self.intakes.len()).div_ceil(PERMIT_OCTETS).saturating_sub(held);
        let more = u32::try_from(more).map_err(|_| Reply::no_room())?;
        let more = self.memory.clone().try_acquire_many_owned(more).map_err(|_| Reply::no_room())?;
        match &mut self.held {
            Some(held) => held.merge(more),
            held => *held = Some(more),
        }
        if let Some(scanner) = &mut self.scanner {
            scanner.feed(chunk).map_err(refusal)?;
        }
        for intake in self.intakes.iter_mut().filter_map(Taking::as_intake) {
            let kept = match intake.write(chunk) {
                Ok(()) => intake.spill(&self.app).await,
                failed => failed,
            };
            kept.map_err(|error| {
                tracing::error!(event = "intake-failed", %error, "cannot store a message; LMTP replied 451");
                Reply::try_again()
            })?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Vec<Reply> {
        let is_taken = self.intakes.iter_mut().any(|taking| taking.as_intake().is_some());
        let outline = self.scanner.take().filter(|_| is_taken);
        let outline = outline.map_or(Ok(()), |scanner| scanner.finish().map(|_| ()));
        if let Err(refused) = outline {
            return vec![refusal(refused); self.meant.len()];
        }
        let (transaction, now) = (Intake::transaction(), self.app.now());
        let mut replies = Vec::with_capacity(self.intakes.len());
        for (arrival, taking) in self.arrivals.iter().zip(std::mem::take(&mut self.intakes)) {
            replies.push(match taking {
                Taking::Refused(reply) => reply,
                Taking::In(intake) => match intake.commit(&self.app, transaction, now).await {
                    Ok(entry) => self.received(arrival, entry),
                    Err(error) => {
                        tracing::error!(
                            event = "intake-failed", %error,
                            "cannot store a message; LMTP replied 451"
                        );
                        Reply::try_again()
                    }
                },
            });
        }
        self.arrived.notify_one();
        self.meant.iter().filter_map(|at| replies.get(*at).cloned()).collect()
    }
}

impl LmtpDelivery {
    /// The reply to a message that is stored. Its number is in the log of the mail server in front and in
    /// each line of ours.
    fn received(&self, arrival: &Destination, entry: EntryNo) -> Reply {
        tracing::info!(
            event = "message-received", %entry, list = %arrival.list.name, sub_address = %arrival.sub_address,
            octets = self.came, "received"
        );
        Reply::ok(format!("queued as {entry}"))
    }
}

fn not_looked_up(error: &AppError) -> Reply {
    tracing::error!(
        event = "recipient-lookup-failed", %error,
        "cannot look up a recipient; LMTP replied 451"
    );
    Reply::try_again()
}

/// Too much mail with commands waits, from this source or in total.
fn no_room_for_commands() -> Reply {
    Reply::new(452, (4, 3, 1), "too much mail with commands waits here, try again in an hour")
}

/// The message is larger than the address accepts. The size of a message is no secret, so the reply may say
/// it.
fn too_large() -> Reply {
    Reply::new(552, (5, 3, 4), "message too large for this address")
}

/// The reply to a message whose structure is refused.
fn refusal(refusal: ScanError) -> Reply {
    let (code, enhanced) = match refusal {
        ScanError::LineEnd => (554, (5, 6, 11)),
        ScanError::Header | ScanError::Field => (552, (5, 3, 4)),
        ScanError::Depth | ScanError::Parts => (554, (5, 6, 0)),
    };
    Reply::new(code, enhanced, refusal.to_string())
}
