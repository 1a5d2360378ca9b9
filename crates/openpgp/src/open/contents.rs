//! Walks over the packets of a decrypted OpenPGP message ([RFC 9580, section 10.3]) and finds the literal
//! data and the signature packets around it.
//!
//! The library gets only compressed packets, one at a time, and single signatures. So a packet that it cannot
//! parse never makes it search for the next one.

use std::borrow::Cow;
use std::ops::Range;

use sequoia_openpgp::Packet;
use sequoia_openpgp::parse::{Dearmor, PacketParser, PacketParserBuilder, PacketParserResult, Parse as _};

use super::budget::{OpeningBudget, SMALL_OCTETS};
use super::verify::{count_all, read_all};
use crate::cleartext::Cleartext;
use crate::framing::Packets;

const SIGNATURE: u8 = 2;
const ONE_PASS_SIGNATURE: u8 = 4;
const COMPRESSED: u8 = 8;
const MARKER: u8 = 10;
const LITERAL: u8 = 11;
const PADDING: u8 = 21;

/// The content of a decrypted message.
pub(super) struct Contents {
    /// The literal data: exactly the octets that the signatures cover.
    pub(super) content: Cleartext,
    /// All signature packets.
    pub(super) signatures: Vec<u8>,
}

/// Takes a message apart. `None` if it is not a message, contains encrypted data, or exceeds the budget.
pub(super) fn contents(packets: Cleartext, budget: &mut OpeningBudget) -> Option<Contents> {
    let mut signatures = Signatures::default();
    let mut layer = packets;
    loop {
        let next = match signatures.around(&layer, budget)? {
            Inner::Literal { pieces, head } => {
                let content = layer.keep(pieces.into_iter(), head);
                return signatures.fit().then_some(Contents { content, signatures: signatures.packets });
            }
            Inner::Compressed(packet) => decompressed(&packet, budget)?,
        };
        layer = next;
    }
}

/// The only data packet of a layer.
enum Inner<'a> {
    Literal {
        /// The positions of the body's chunks.
        pieces: Vec<Range<usize>>,
        /// How many octets of the body precede the data.
        head: usize,
    },
    Compressed(Cow<'a, [u8]>),
}

/// The signatures of all layers.
#[derive(Default)]
struct Signatures {
    packets: Vec<u8>,
    announced: usize,
    before: usize,
    behind: usize,
}

impl Signatures {
    /// Records the signatures of one layer and returns the data between them.
    fn around<'a>(&mut self, layer: &'a [u8], budget: &mut OpeningBudget) -> Option<Inner<'a>> {
        let mut inner = None;
        let mut at = 0;
        for packet in Packets::new(layer) {
            let packet = packet.ok()?;
            budget.meet(&packet).ok()?;
            match (packet.tag, &inner) {
                (MARKER | PADDING, _) => {}
                (ONE_PASS_SIGNATURE, None) => self.announced += 1,
                (SIGNATURE, _) => {
                    *(if inner.is_none() { &mut self.before } else { &mut self.behind }) += 1;
                    self.packets.extend_from_slice(&packet.plain());
                }
                (COMPRESSED, None) => inner = Some(Inner::Compressed(packet.last())),
                (LITERAL, None) => {
                    // Type, length of the name, name, date ([RFC 9580, section 5.9]).
                    let head = 6 + usize::from(*packet.body.get(1)?);
                    let shift = |piece: Range<usize>| piece.start + at..piece.end + at;
                    let pieces: Vec<_> = packet.pieces().map(shift).collect();
                    let octets: usize = pieces.iter().map(ExactSizeIterator::len).sum();
                    (head <= octets).then_some(())?;
                    inner = Some(Inner::Literal { pieces, head });
                }
                _ => return None,
            }
            at += packet.whole.len();
        }
        inner
    }

    /// Whether as many signatures follow the data as were announced, or all precede it, as in old messages.
    fn fit(&self) -> bool {
        self.announced == self.behind && (self.announced == 0 || self.before == 0)
    }
}

/// Large data is decompressed twice. In the first pass data that exceeds the limit costs time but no memory,
/// and other data shows how much memory it needs.
fn decompressed(packet: &[u8], budget: &mut OpeningBudget) -> Option<Cleartext> {
    let most = budget.compressed(packet.len()).ok()?;
    let mut octets = packet.len();
    if most > SMALL_OCTETS {
        octets = count_all(&mut reader(packet)?, most)?;
        if octets > SMALL_OCTETS {
            budget.wait_for_room(octets).ok()?;
        }
    }
    let layer = read_all(&mut reader(packet)?, octets, most)?;
    budget.put_out(layer.len()).ok()?;
    Some(layer)
}

fn reader(packet: &[u8]) -> Option<PacketParser<'_>> {
    let builder = PacketParserBuilder::from_bytes(packet).ok()?.dearmor(Dearmor::Disabled);
    let PacketParserResult::Some(parser) = builder.build().ok()? else { return None };
    matches!(parser.packet, Packet::CompressedData(_)).then_some(parser)
}
