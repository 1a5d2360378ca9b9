//! Splits data into packets ([RFC 9580, section 4.2]) by tag and length, without parsing their content.
//!
//! The framing is read before the library sees the data: to count packets, to filter them, and to see what is
//! public. The library searches for the next packet after junk octet by octet, so it is given only whole
//! packets.

use std::borrow::Cow;
use std::ops::Range;

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawPacket<'a> {
    pub(crate) tag: u8,
    /// The octets of the packet, header included.
    pub(crate) whole: &'a [u8],
    /// The beginning of the body, up to the end of the first partial chunk.
    pub(crate) body: &'a [u8],
    /// Whether the header contains the length of the packet.
    definite: bool,
}

impl<'a> RawPacket<'a> {
    /// The packet with one definite length. The library takes long for a body of many chunks.
    pub(crate) fn plain(&self) -> Cow<'a, [u8]> {
        if self.definite {
            return Cow::Borrowed(self.whole);
        }
        let octets: usize = self.pieces().map(|piece| piece.len()).sum();
        let mut packet = Vec::with_capacity(octets + 6);
        packet.extend_from_slice(&[0xc0 | self.tag, 255]);
        packet.extend_from_slice(&u32::try_from(octets).unwrap_or(u32::MAX).to_be_bytes());
        self.pieces().for_each(|piece| packet.extend_from_slice(&self.whole[piece]));
        Cow::Owned(packet)
    }

    /// The packet for a caller that reads nothing after it. A packet of the old format without a length is
    /// not copied, because its body is one piece up to the end.
    pub(crate) fn last(&self) -> Cow<'a, [u8]> {
        if self.is_old() { Cow::Borrowed(self.whole) } else { self.plain() }
    }

    /// Whether the header contains the length of the packet. Only data packets may come in chunks ([RFC 9580,
    /// section 4.2.1.4]).
    pub(crate) fn is_definite(&self) -> bool {
        self.definite
    }

    /// The positions of the body's chunks in the packet.
    pub(crate) fn pieces(&self) -> Pieces<'a> {
        let at = if self.is_old() { self.whole.len() - self.body.len() } else { 1 };
        Pieces { whole: self.whole, at, old: self.is_old() }
    }

    fn is_old(&self) -> bool {
        self.whole[0] & 0x40 == 0
    }
}

/// The chunks of one body.
pub(crate) struct Pieces<'a> {
    whole: &'a [u8],
    at: usize,
    old: bool,
}

impl Iterator for Pieces<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.whole.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (length, octets) = if self.old {
            (rest.len(), 0)
        } else {
            new_length(rest).map(|(length, octets, _)| (length, octets))?
        };
        let start = self.at + octets;
        self.at = start + length;
        Some(start..self.at)
    }
}

/// From this point on the data is not a sequence of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sequence of OpenPGP packets")]
pub(crate) struct BadFraming;

/// Iterates over the packets of binary data, up to the first error.
pub(crate) struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<RawPacket<'a>, BadFraming>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let packet = first_packet(self.rest).ok_or(BadFraming);
        self.rest = match &packet {
            Ok(packet) => &self.rest[packet.whole.len()..],
            Err(_) => &[],
        };
        Some(packet)
    }
}

/// The most chunks of a body if they are tiny. Programs write chunks of at least 512 octets.
const MAX_PIECES: usize = 1024;
const PIECE_OCTETS: usize = 64;

/// Whether the packet may have no definite length ([RFC 9580, section 4.2.1.4]): compressed, encrypted in one
/// of three ways, or literal data.
fn is_data(tag: u8) -> bool {
    matches!(tag, 8 | 9 | 11 | 18 | 20)
}

fn first_packet(data: &[u8]) -> Option<RawPacket<'_>> {
    let ctb = *data.first()?;
    if ctb & 0x80 == 0 {
        return None;
    }
    if ctb & 0x40 == 0 {
        return old_packet(data, ctb);
    }
    let tag = ctb & 0x3f;
    let (mut at, mut pieces) = (1, 0);
    let mut first_body = None;
    loop {
        let (length, octets, partial) = new_length(data.get(at..)?)?;
        let start = at + octets;
        let end = start.checked_add(length)?;
        let chunk = data.get(start..end)?;
        let definite = first_body.is_none() && !partial;
        first_body.get_or_insert(chunk);
        at = end;
        pieces += 1;
        if pieces > MAX_PIECES + at / PIECE_OCTETS {
            return None;
        }
        if !partial {
            let body = first_body.unwrap_or(chunk);
            return (definite || is_data(tag)).then(|| RawPacket {
                tag,
                whole: &data[..end],
                body,
                definite,
            });
        }
    }
}

/// The length, how many octets it takes, and whether more chunks follow.
fn new_length(data: &[u8]) -> Option<(usize, usize, bool)> {
    let first = *data.first()?;
    Some(match first {
        0..=191 => (usize::from(first), 1, false),
        192..=223 => ((usize::from(first) - 192) * 256 + usize::from(*data.get(1)?) + 192, 2, false),
        224..=254 => (1 << (first & 0x1f), 1, true),
        255 => (be(data.get(1..5)?), 5, false),
    })
}

fn old_packet(data: &[u8], ctb: u8) -> Option<RawPacket<'_>> {
    let tag = (ctb >> 2) & 0x0f;
    let definite = ctb & 0x03 != 3;
    let (start, length): (usize, usize) = match ctb & 0x03 {
        0 => (2, be(data.get(1..2)?)),
        1 => (3, be(data.get(1..3)?)),
        2 => (5, be(data.get(1..5)?)),
        _ => (1, data.len() - 1), // indeterminate: all that is left
    };
    let end = start.checked_add(length)?;
    let (whole, body) = (data.get(..end)?, data.get(start..end)?);
    (definite || is_data(tag)).then_some(RawPacket { tag, whole, body, definite })
}

fn be(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |value, byte| value << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(data: &[u8], expected: &[(u8, usize)]) {
        let seen: Vec<_> = Packets::new(data).map(|p| p.map(|p| (p.tag, p.whole.len()))).collect();
        let expected: Vec<_> = expected.iter().map(|p| Ok(*p)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn all_length_forms_are_read() {
        check(&[0xc1, 2, 0, 0], &[(1, 4)]);
        check(&[0x84, 1, 0, 0x85, 0, 1, 0], &[(1, 3), (1, 4)]);
        check(&[0xd2, 0xe1, 1, 2, 1, 3], &[(18, 6)]);
        check(&[0xd2, 255, 0, 0, 0, 1, 9], &[(18, 7)]);
        check(&[0xa3, 1, 2, 3], &[(8, 4)]);
        check(&[], &[]);
    }

    #[test]
    fn cut_packets_are_errors() {
        for bad in [
            &[0x41_u8, 0][..],
            &[0xc1, 5, 0],
            &[0xd2, 0xe5, 0],
            &[0xd2, 255, 255, 255, 255, 255],
            &[0x8b, 1],
            &[0xc2, 0xe0, 4, 0],
        ] {
            assert!(Packets::new(bad).last().unwrap().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_body_in_pieces_is_joined() {
        fn plain(data: &[u8]) -> Vec<u8> {
            Packets::new(data).next().unwrap().unwrap().plain().into_owned()
        }
        let joined = [0xcb, 255, 0, 0, 0, 3, 7, 8, 9];
        assert_eq!(plain(&[0xcb, 0xe0, 7, 0xe0, 8, 1, 9]), joined);
        assert_eq!(plain(&[0xcb, 0xe1, 7, 8, 0xe0, 9, 0]), joined);
        assert_eq!(plain(&[0xaf, 7, 8, 9]), joined);
        assert_eq!(plain(&[0xaf]), [0xcb, 255, 0, 0, 0, 0]);
        assert_eq!(plain(&[0xcb, 3, 7, 8, 9]), [0xcb, 3, 7, 8, 9]);
        assert_eq!(plain(&[0xac, 3, 7, 8, 9]), [0xac, 3, 7, 8, 9]);
    }

    proptest! {
        #[test]
        fn pieces_are_within_their_packet(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            for packet in Packets::new(&data).flatten() {
                prop_assert!(packet.pieces().all(|piece| packet.whole.get(piece).is_some()));
                packet.plain();
            }
        }

        #[test]
        fn walks_end(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Packets::new(&data).count() <= data.len());
        }
    }
}
