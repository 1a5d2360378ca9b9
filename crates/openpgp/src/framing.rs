//! Packets from the outside ([RFC 9580, section 4.2]): tag and extent, without looking into them.
//!
//! Used before a library sees the data: to count, to filter, and to say what public framing shows.

/// One packet: its tag and its body. Partial lengths are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawPacket<'a> {
    pub(crate) tag: u8,
    /// The packet as it stands, header included.
    pub(crate) whole: &'a [u8],
    /// The start of the body: up to the first partial chunk's end.
    pub(crate) body: &'a [u8],
}

/// The data is not a sequence of packets from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sequence of OpenPGP packets")]
pub(crate) struct BadFraming;

/// Walks over the packets of binary data; ends with the first error.
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

fn first_packet(data: &[u8]) -> Option<RawPacket<'_>> {
    let ctb = *data.first()?;
    if ctb & 0x80 == 0 {
        return None;
    }
    if ctb & 0x40 == 0 {
        return old_packet(data, ctb);
    }
    let tag = ctb & 0x3f;
    let mut at = 1;
    let mut first_body = None;
    loop {
        let (length, octets, partial) = new_length(data.get(at..)?)?;
        let start = at + octets;
        let end = start.checked_add(length)?;
        let chunk = data.get(start..end)?;
        first_body.get_or_insert(chunk);
        at = end;
        if !partial {
            return Some(RawPacket { tag, whole: &data[..end], body: first_body.unwrap_or(chunk) });
        }
    }
}

/// Length, octets it took, and whether more chunks follow.
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
    let (start, length): (usize, usize) = match ctb & 0x03 {
        0 => (2, be(data.get(1..2)?)),
        1 => (3, be(data.get(1..3)?)),
        2 => (5, be(data.get(1..5)?)),
        _ => (1, data.len() - 1), // indeterminate: all that is left
    };
    let end = start.checked_add(length)?;
    Some(RawPacket { tag, whole: data.get(..end)?, body: data.get(start..end)? })
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
        check(&[0x87, 1, 2, 3], &[(1, 4)]);
        check(&[], &[]);
    }

    #[test]
    fn cut_packets_are_errors() {
        for bad in [&[0x41_u8, 0][..], &[0xc1, 5, 0], &[0xd2, 0xe5, 0], &[0xd2, 255, 255, 255, 255, 255]] {
            assert!(Packets::new(bad).last().unwrap().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn walks_end(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Packets::new(&data).count() <= data.len());
        }
    }
}
