//! Compressed packets that no compressor writes ([RFC 1951]): bombs and a quine.

/// Bits in the order of [RFC 1951, section 3.1.1].
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    used: u32,
}

impl Bits {
    /// Data: least significant bit first.
    fn data(&mut self, value: u32, width: u32) {
        for at in 0..width {
            self.bit(value >> at & 1);
        }
    }

    /// A Huffman code: most significant bit first.
    fn code(&mut self, code: u32, width: u32) {
        for at in (0..width).rev() {
            self.bit(code >> at & 1);
        }
    }

    fn bit(&mut self, bit: u32) {
        if self.used.is_multiple_of(8) {
            self.out.push(0);
        }
        if let Some(last) = self.out.last_mut() {
            *last |= u8::try_from(bit << (self.used % 8)).unwrap_or_default();
        }
        self.used += 1;
    }

    fn align(&mut self) {
        self.used = self.used.next_multiple_of(8);
    }
}

/// Tag 8 in the old format without a length: the packet extends to the end of the data. ZIP.
const COMPRESSED: [u8; 2] = [0xa3, 1];
const END_OF_BLOCK: (u32, u32) = (0, 7);

/// A compressed packet that grows to about that many octets `x`: 258 of them every 13 bits.
pub(super) fn bomb(octets: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.data(0b011, 3); // final, fixed codes
    bits.code(0x30 + u32::from(b'x'), 8);
    for _ in 0..octets / 258 {
        bits.code(0b1100_0101, 8); // length 258
        bits.code(0, 5); // distance 1
    }
    bits.code(END_OF_BLOCK.0, END_OF_BLOCK.1);
    [&COMPRESSED[..], &bits.out].concat()
}

/// Deflated data that grows to exactly `head`, followed by repetitions of the last `period` octets of `head`,
/// [`repeats`] octets of them. `period` is 1 to 32.
pub(super) fn repeated(head: &[u8], period: usize, octets: usize) -> Vec<u8> {
    let mut out: Vec<u8> = head.chunks(usize::from(u16::MAX)).flat_map(stored).collect();
    let mut bits = Bits::default();
    bits.data(0b011, 3); // final, fixed codes
    for _ in 0..repeats(period, octets) / 258 {
        bits.code(0b1100_0101, 8); // length 258
        distance(&mut bits, period);
    }
    bits.code(END_OF_BLOCK.0, END_OF_BLOCK.1);
    out.extend(bits.out);
    out
}

/// How many octets [`repeated`] makes for a requested number: whole matches, and whole periods.
pub(super) fn repeats(period: usize, octets: usize) -> usize {
    let both = 258 * period;
    octets / both * both
}

fn stored(piece: &[u8]) -> Vec<u8> {
    let octets = u16::try_from(piece.len()).expect("a piece of 64 KiB at most");
    [&print(octets)[..], piece].concat()
}

/// A distance of 1 to 32 ([RFC 1951, section 3.2.5]).
fn distance(bits: &mut Bits, distance: usize) {
    const FIRSTS: [(usize, u32); 10] =
        [(1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2), (17, 3), (25, 3)];
    let code = FIRSTS.iter().rposition(|(first, _)| *first <= distance).expect("a distance of 1 or more");
    let (first, width) = FIRSTS[code];
    bits.code(u32::try_from(code).expect("ten codes"), 5);
    bits.data(u32::try_from(distance - first).expect("32 at most"), width);
}

/// A compressed packet that decompresses to itself.
///
/// "Print the next n octets" and "repeat the last 20" are operations of five octets each, from which such a
/// program can be composed (Russ Cox, "Zip Files All The Way Down").
pub(super) fn quine() -> Vec<u8> {
    let head = [&COMPRESSED[..], &nothing(1), &nothing(2)].concat();
    assert_eq!(head.len(), 15, "head and one operation are four times five octets");
    let (print_5, print_20) = (print(5), print(20));
    let (repeat, end) = (repeat_20(0), [print(0), print(0), print(0), repeat_20(1)].concat());
    let mut program = Vec::new();
    let mut push = |pieces: &[&[u8]]| program.extend(pieces.concat());
    push(&[&head, &print_20, &head, &print_20, &repeat]);
    push(&[&print_5, &repeat, &print_5, &print_5]);
    push(&[&print_20, &repeat, &print_5, &print_5, &print_20, &repeat]);
    push(&[&print_20, &repeat, &print_20, &repeat, &print_20, &repeat]);
    push(&[&print_20, &end, &end]);
    program
}

/// A stored block of that many octets, which follow.
fn print(octets: u16) -> Vec<u8> {
    [&[0][..], &octets.to_le_bytes(), &(!octets).to_le_bytes()].concat()
}

/// Two matches of ten octets, twenty back: forty bits in all.
fn repeat_20(last: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.data(0b010 | last, 3);
    for _ in 0..2 {
        bits.code(264 - 256, 7); // length 10
        bits.code(8, 5); // distance 17 to 24
        bits.data(20 - 17, 3);
    }
    bits.code(END_OF_BLOCK.0, END_OF_BLOCK.1);
    bits.out
}

/// Empty blocks with fixed codes, and one stored block for alignment: 6 octets for one, 7 for two.
fn nothing(fixed: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    for _ in 0..fixed {
        bits.data(0b010, 3);
        bits.code(END_OF_BLOCK.0, END_OF_BLOCK.1);
    }
    bits.data(0, 3);
    bits.align();
    [&bits.out[..], &0_u16.to_le_bytes(), &u16::MAX.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use sequoia_openpgp::Packet;
    use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse as _};

    #[test]
    fn the_quine_holds_itself() {
        let quine = super::quine();
        let mut layer = PacketParser::from_bytes(&quine).unwrap();
        for depth in 0..10 {
            let PacketParserResult::Some(parser) = layer else { panic!("layer {depth}") };
            assert!(matches!(parser.packet, Packet::CompressedData(_)), "layer {depth}");
            layer = parser.recurse().unwrap().1;
        }
    }
}
