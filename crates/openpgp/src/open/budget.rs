//! What one message may cost, over all its parts, leaves and layers together.
//!
//! All of it is counted before the library sees the data. A person's mail stays far below; a message that is beyond it
//! is not read.

use std::any::Any;

use crate::framing::RawPacket;

/// Packets in all that a message holds.
const MAX_PACKETS: usize = 4_096;
/// Signatures that are looked at.
pub(super) const MAX_SIGNATURES: usize = 16;
/// Uses of a secret key of the list.
const MAX_SESSION_KEYS: usize = 32;
/// Compressed data within compressed data and beside other compressed data.
const MAX_COMPRESSED: usize = 16;
/// What compressed data may grow to: so many times its own size, and this much in any case. Text shrinks to a tenth,
/// logs to a thirtieth, a table of equal rows to a hundredth and less.
const MAX_RATIO: usize = 64;
const ALWAYS_OCTETS: usize = 8 * 1024 * 1024;
/// What is large may not grow much: opening 60 MiB under false signatures took 390 ms, whoever sent the one MiB before.
const MUCH_OCTETS: usize = 32 * 1024 * 1024;
const MAX_RATIO_OF_MUCH: usize = 4;
/// Data that waits for no room in memory.
pub(super) const SMALL_OCTETS: usize = 1024 * 1024;

/// What may come out of compressed blocks in text.
const MAX_INLINE_OCTETS: usize = 16 * 1024 * 1024;

/// There is too much of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

/// Room in memory that was taken; given back when it is dropped.
pub type TakenRoom = Box<dyn Any + Send + Sync>;

/// Waits until there is room in memory for so many octets. Called at most once for a message, so that no two messages
/// wait for what the other has.
pub type TakeRoom = Box<dyn FnOnce(usize) -> TakenRoom + Send>;

/// Waits for nothing.
pub(super) fn unbounded() -> TakeRoom {
    Box::new(|_| Box::new(()))
}

/// What is left for one message.
pub(super) struct OpeningBudget {
    packets: usize,
    signatures: usize,
    session_keys: usize,
    compressed: usize,
    output_octets: usize,
    /// Whether more than one OpenPGP message may have to be decompressed.
    several: bool,
    take_room: Option<TakeRoom>,
    taken: Option<TakenRoom>,
    /// Of the room that was taken, what nothing is in yet.
    reserved_octets: usize,
}

impl OpeningBudget {
    /// Of a message of which so many octets may come out.
    pub(super) fn new(output_octets: usize, take_room: TakeRoom) -> Self {
        Self {
            packets: MAX_PACKETS,
            signatures: MAX_SIGNATURES,
            session_keys: MAX_SESSION_KEYS,
            compressed: MAX_COMPRESSED,
            output_octets,
            several: false,
            take_room: Some(take_room),
            taken: None,
            reserved_octets: 0,
        }
    }

    /// The message is text with so many blocks in it: people write no large ones, and each is copied more often than a
    /// part is. Where there are several, the first that is large takes room for all.
    pub(super) fn inline(&mut self, blocks: usize) {
        self.output_octets = self.output_octets.min(MAX_INLINE_OCTETS);
        self.several = blocks > 1;
    }

    /// Waits for room before so much is decompressed. What is large and stands within something large has none left, and
    /// is not read: no program makes such mail.
    pub(super) fn room(&mut self, octets: usize) -> Result<(), TooMuch> {
        if let Some(take_room) = self.take_room.take() {
            self.reserved_octets = if self.several { self.output_octets } else { octets };
            self.taken = Some(take_room(self.reserved_octets));
        }
        take(&mut self.reserved_octets, octets)
    }

    /// The room that was taken, to be kept as long as what is in it.
    pub(super) fn taken(&mut self) -> Option<TakenRoom> {
        self.taken.take()
    }

    /// Looks at the next packet.
    pub(super) fn meet(&mut self, _packet: &RawPacket<'_>) -> Result<(), TooMuch> {
        take(&mut self.packets, 1)
    }

    /// Before a signature is looked at.
    pub(super) fn signature(&mut self) -> Result<(), TooMuch> {
        take(&mut self.signatures, 1)
    }

    /// Before a secret key is used.
    pub(super) fn session_key(&mut self) -> Result<(), TooMuch> {
        take(&mut self.session_keys, 1)
    }

    /// Before so many octets of compressed data are opened: how many may come out.
    pub(super) fn compressed(&mut self, octets: usize) -> Result<usize, TooMuch> {
        take(&mut self.compressed, 1)?;
        let little = octets.saturating_mul(MAX_RATIO).max(ALWAYS_OCTETS);
        let much = octets.saturating_mul(MAX_RATIO_OF_MUCH).max(MUCH_OCTETS);
        Ok(self.output_octets.min(little).min(much))
    }

    /// So many octets came out of compressed data.
    pub(super) fn put_out(&mut self, octets: usize) -> Result<(), TooMuch> {
        take(&mut self.output_octets, octets)
    }
}

fn take(left: &mut usize, wanted: usize) -> Result<(), TooMuch> {
    *left = left.checked_sub(wanted).ok_or(TooMuch)?;
    Ok(())
}
