//! The limits for one message, over all its parts, leaves and layers together.
//!
//! Everything is counted before the library sees the data. Mail that people write stays far below the limits,
//! and a message beyond them is not read.

use std::any::Any;

use crate::framing::RawPacket;

/// The most packets in a message.
const MAX_PACKETS: usize = 4_096;
/// The most signatures that are read.
pub(super) const MAX_SIGNATURES: usize = 16;
/// The most uses of a secret key of the list.
const MAX_SESSION_KEYS: usize = 32;
/// The most compressed packets, nested or side by side.
const MAX_COMPRESSED: usize = 16;
/// Compressed data may grow to this many times its size, or to [`ALWAYS_OCTETS`] in any case. Text shrinks to
/// a tenth, logs to a thirtieth, and a table of equal rows to a hundredth or less.
const MAX_RATIO: usize = 64;
const ALWAYS_OCTETS: usize = 8 * 1024 * 1024;
/// Larger data may grow less. Opening 60 MiB with false signatures took 390 ms, for one MiB of mail by
/// anybody.
const MUCH_OCTETS: usize = 32 * 1024 * 1024;
const MAX_RATIO_OF_MUCH: usize = 4;
/// Data up to this size does not wait for memory.
pub(super) const SMALL_OCTETS: usize = 1024 * 1024;

/// The most octets that may come out of compressed inline blocks.
const MAX_INLINE_OCTETS: usize = 16 * 1024 * 1024;

/// A limit is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

/// Reserved memory. It is released when the value is dropped.
pub type TakenRoom = Box<dyn Any + Send + Sync>;

/// Waits until that many octets of memory are free. It is called at most once per message, so that no two
/// messages wait for each other's memory.
pub type TakeRoom = Box<dyn FnOnce(usize) -> TakenRoom + Send>;

/// Does not wait.
pub(super) fn unbounded() -> TakeRoom {
    Box::new(|_| Box::new(()))
}

/// The rest of the limits of one message.
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
    /// The part of the reserved memory that is not used yet.
    reserved_octets: usize,
}

impl OpeningBudget {
    /// The budget of a message that may yield that many octets.
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

    /// The message is inline, with that many blocks. People write no large blocks, and each block is copied
    /// more often than a part, so the limit is smaller. If there are several blocks, the first large one
    /// reserves memory for all.
    pub(super) fn inline(&mut self, blocks: usize) {
        self.output_octets = self.output_octets.min(MAX_INLINE_OCTETS);
        self.several = blocks > 1;
    }

    /// Waits for memory before that much data is decompressed. Large data inside other large data finds no
    /// memory left and is not read, because no program writes such mail.
    pub(super) fn wait_for_room(&mut self, octets: usize) -> Result<(), TooMuch> {
        if let Some(take_room) = self.take_room.take() {
            self.reserved_octets = if self.several { self.output_octets } else { octets };
            self.taken = Some(take_room(self.reserved_octets));
        }
        spend(&mut self.reserved_octets, octets)
    }

    /// The reserved memory, which must be kept as long as the data.
    pub(super) fn taken(&mut self) -> Option<TakenRoom> {
        self.taken.take()
    }

    /// Counts the next packet.
    pub(super) fn meet(&mut self, _packet: &RawPacket<'_>) -> Result<(), TooMuch> {
        spend(&mut self.packets, 1)
    }

    /// Counts a signature before it is read.
    pub(super) fn signature(&mut self) -> Result<(), TooMuch> {
        spend(&mut self.signatures, 1)
    }

    /// Counts the use of a secret key beforehand.
    pub(super) fn session_key(&mut self) -> Result<(), TooMuch> {
        spend(&mut self.session_keys, 1)
    }

    /// Counts compressed data of that size before it is opened. Returns how many octets it may yield.
    pub(super) fn compressed(&mut self, octets: usize) -> Result<usize, TooMuch> {
        spend(&mut self.compressed, 1)?;
        let little = octets.saturating_mul(MAX_RATIO).max(ALWAYS_OCTETS);
        let much = octets.saturating_mul(MAX_RATIO_OF_MUCH).max(MUCH_OCTETS);
        Ok(self.output_octets.min(little).min(much))
    }

    /// Counts octets that compressed data has yielded.
    pub(super) fn put_out(&mut self, octets: usize) -> Result<(), TooMuch> {
        spend(&mut self.output_octets, octets)
    }
}

fn spend(left: &mut usize, wanted: usize) -> Result<(), TooMuch> {
    *left = left.checked_sub(wanted).ok_or(TooMuch)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Whoever has room never waits again: otherwise two messages that have some room each would wait for
    /// each other.
    #[test]
    fn a_message_waits_once_for_room() {
        fn check(blocks: usize, wanted: &[(usize, bool)], reserved: usize) {
            let (waits, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (counted, octets_asked) = (waits.clone(), asked.clone());
            let mut budget = OpeningBudget::new(
                100,
                Box::new(move |octets| {
                    counted.fetch_add(1, Ordering::Relaxed);
                    octets_asked.store(octets, Ordering::Relaxed);
                    Box::new(())
                }),
            );
            budget.inline(blocks);
            for (octets, fits) in wanted {
                assert_eq!(budget.wait_for_room(*octets).is_ok(), *fits, "{octets} of {wanted:?}");
                assert_eq!(waits.load(Ordering::Relaxed), 1, "{wanted:?}");
            }
            assert_eq!(asked.load(Ordering::Relaxed), reserved, "{wanted:?}");
        }
        check(1, &[(60, true), (0, true), (1, false)], 60);
        check(1, &[(60, true), (60, false)], 60);
        // The first of several blocks takes the room of all.
        check(2, &[(60, true), (40, true), (1, false)], 100);
    }
}
