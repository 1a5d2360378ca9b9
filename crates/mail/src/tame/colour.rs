//! Colours of HTML pages, and whether text in one colour is readable on another.

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour(u8, u8, u8);

const WHITE: Colour = Colour(255, 255, 255);
/// The colours of text and links if the page sets none.
const UNSAID: [Colour; 2] = [Colour(0, 0, 0), Colour(0, 0, 0xee)];
/// The most colours that are compared. Mail has fewer.
const MAX_COLOURS: usize = 100;
/// The lowest readable contrast, as a ratio of luminances. WCAG asks for 4.5 for comfortable reading.
const LEAST_CONTRAST: f32 = 1.5;
const NAMES: &[(&str, u32)] = &[
    ("aqua", 0x00ffff),
    ("black", 0x000000),
    ("blue", 0x0000ff),
    ("brown", 0xa52a2a),
    ("crimson", 0xdc143c),
    ("cyan", 0x00ffff),
    ("darkblue", 0x00008b),
    ("darkgray", 0xa9a9a9),
    ("darkgreen", 0x006400),
    ("darkred", 0x8b0000),
    ("dimgray", 0x696969),
    ("fuchsia", 0xff00ff),
    ("gold", 0xffd700),
    ("gray", 0x808080),
    ("green", 0x008000),
    ("grey", 0x808080),
    ("indigo", 0x4b0082),
    ("lightgray", 0xd3d3d3),
    ("lightgrey", 0xd3d3d3),
    ("lightyellow", 0xffffe0),
    ("lime", 0x00ff00),
    ("magenta", 0xff00ff),
    ("maroon", 0x800000),
    ("navy", 0x000080),
    ("olive", 0x808000),
    ("orange", 0xffa500),
    ("pink", 0xffc0cb),
    ("purple", 0x800080),
    ("red", 0xff0000),
    ("royalblue", 0x4169e1),
    ("silver", 0xc0c0c0),
    ("steelblue", 0x4682b4),
    ("teal", 0x008080),
    ("white", 0xffffff),
    ("whitesmoke", 0xf5f5f5),
    ("windowtext", 0x000000),
    ("yellow", 0xffff00),
];

impl Colour {
    /// Parses `#rgb`, `#rrggbb` or a colour name in lower case.
    pub(super) fn read(text: &str) -> Option<Self> {
        let named = NAMES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
        let of_hex = || {
            let digits = text.strip_prefix('#').filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
            let digits = match digits.len() {
                3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
                6 => digits.to_owned(),
                _ => return None,
            };
            u32::from_str_radix(&digits, 16).ok()
        };
        let [_, red, green, blue] = named.or_else(of_hex)?.to_be_bytes();
        Some(Self(red, green, blue))
    }

    /// The contrast ratio of two colours, from 1 to 21 ([WCAG 2.2, contrast ratio]).
    fn contrast(self, other: Self) -> f32 {
        let (one, other) = (self.luminance() + 0.05, other.luminance() + 0.05);
        one.max(other) / one.min(other)
    }

    fn luminance(self) -> f32 {
        let linear = |octet: u8| {
            let share = f32::from(octet) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

/// All colours of a page.
#[derive(Default)]
pub(super) struct Palette {
    texts: Vec<Colour>,
    grounds: Vec<Colour>,
}

impl Palette {
    /// Adds a text colour.
    pub(super) fn text(&mut self, colour: Colour) {
        add(&mut self.texts, colour);
    }

    /// Adds a background colour.
    pub(super) fn ground(&mut self, colour: Colour) {
        add(&mut self.grounds, colour);
    }

    /// Whether text in every text colour is readable on every background colour. Which text stands on which
    /// background depends on how a program repairs the page, so every pair must be readable.
    pub(super) fn is_readable(&self) -> bool {
        let grounds = || self.grounds.iter().chain([&WHITE]);
        let on_all = |text: &Colour| grounds().all(|ground| text.contrast(*ground) >= LEAST_CONTRAST);
        let count = self.texts.len().max(self.grounds.len());
        count <= MAX_COLOURS && self.texts.iter().chain(&UNSAID).all(on_all)
    }
}

fn add(colours: &mut Vec<Colour>, colour: Colour) {
    if colours.len() <= MAX_COLOURS && !colours.contains(&colour) {
        colours.push(colour);
    }
}
