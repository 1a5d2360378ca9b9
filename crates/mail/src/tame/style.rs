//! Style that changes how an element looks, and never where it stands or whether its words are seen.

use std::borrow::Cow;

use super::colour::{Colour, Palette};

/// Style that does nothing to where words stand.
const PLAIN: &[&str] =
    &["font-family", "font-style", "font-weight", "text-align", "text-decoration", "white-space"];
/// Style of the room around an element. It is never negative, so that the element keeps to its own place.
const ROOM: &[&str] = &[
    "border",
    "border-color",
    "border-left",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
];
/// Style of how lines are broken. A page may have it, too.
const BREAKS: &[&str] =
    &["-webkit-line-break", "-webkit-nbsp-mode", "line-break", "overflow-wrap", "word-break", "word-wrap"];
/// What an element says that says nothing.
const UNSAID: &[&str] = &["inherit", "initial", "transparent"];
/// Sizes of letters as shares of ordinary ones.
const SIZES: &[(&str, f32)] = &[
    ("xx-small", 0.5625),
    ("x-small", 0.625),
    ("small", 0.8125),
    ("medium", 1.0),
    ("large", 1.2),
    ("x-large", 1.5),
    ("xx-large", 2.0),
    ("initial", 1.0),
];
/// Sizes as shares of those around them.
const RELATIVE_SIZES: &[(&str, f32)] = &[("smaller", 0.8), ("larger", 1.2), ("inherit", 1.0)];
/// Letters of less than 8 pixels, which are 6 points, are not read.
const LEAST_SIZE: f32 = 0.499;
const MOST_SIZE: f32 = 6.0;
const ORDINARY_PX: f32 = 16.0;
/// Elements that are smaller than what is around them.
const SMALL: &[&str] = &["small", "sub", "sup", "h5", "h6"];
/// What units of lengths are in pixels; a share is taken for one of a wide window.
const LENGTHS: &[(&str, f32)] = &[
    ("", 1.0),
    ("px", 1.0),
    ("pt", 4.0 / 3.0),
    ("em", 16.0),
    ("ex", 8.0),
    ("%", 10.0),
    ("mm", 3.8),
    ("cm", 38.0),
    ("in", 96.0),
];
/// So far may an element, and all those around it together, stand from the edge.
const MAX_ROOM_PX: f32 = 200.0;
const MAX_ROOMS_PX: f32 = 1000.0;

/// How words in an element look at the least. What a program closes before its end tag only makes it less.
#[derive(Clone, Copy)]
pub(super) struct Look {
    size: f32,
    room_px: f32,
}

impl Look {
    /// That of a page.
    pub(super) const PLAIN: Self = Self { size: 1.0, room_px: 0.0 };

    /// That of an element in an element of this look.
    pub(super) fn of(mut self, element: &str) -> Self {
        if SMALL.contains(&element) {
            self.size *= 0.8;
        }
        self
    }

    /// Whether its words can be seen.
    pub(super) fn is_seen(self) -> bool {
        self.size >= LEAST_SIZE && self.room_px <= MAX_ROOMS_PX
    }

    /// Takes the size of `<font>`, from 1 to 7 or relative to 3. `None` if it is no size.
    pub(super) fn font(&mut self, value: &str) -> Option<()> {
        let digit: u8 = value.trim_start_matches(['+', '-']).parse().ok().filter(|digit| *digit <= 7)?;
        let size = match (value.as_bytes(), digit) {
            ([b'+', _], _) => 1.0,
            ([b'-', _], 0..=1) | ([b'2'], _) => 0.8125,
            ([b'-', _], _) | ([b'1'], _) => 0.625,
            ([b'3'..=b'7'], _) => 1.0,
            _ => return None,
        };
        self.size = self.size.min(size);
        Some(())
    }

    /// Takes declarations, each of a known name with a value of one form. Escapes, comments, functions and negative numbers have
    /// no place in them. `None` if one is another.
    pub(super) fn declare(&mut self, style: &str, palette: &mut Palette) -> Option<()> {
        let style = in_hex(style);
        for (name, value) in declarations(&style) {
            let (name, value) = (name?, value.trim());
            match name {
                "color" if value == "inherit" || value == "initial" => {}
                "color" => palette.text(Colour::read(value)?),
                "background-color" if UNSAID.contains(&value) => {}
                "background-color" => palette.ground(Colour::read(value)?),
                "font-size" => self.size(value)?,
                name if ROOM.contains(&name) => self.room(value)?,
                name => (PLAIN.contains(&name) || BREAKS.contains(&name)).then_some(())?,
            }
        }
        Some(())
    }

    fn size(&mut self, value: &str) -> Option<()> {
        let of = |names: &[(&str, f32)]| names.iter().find(|(name, _)| *name == value).map(|(_, size)| *size);
        let relative =
            || of(RELATIVE_SIZES).or_else(|| number(value, &[("em", 1.0), ("%", 0.01), ("ex", 0.5)]));
        let pixels = || number(value, &[("px", 1.0), ("pt", 4.0 / 3.0), ("rem", ORDINARY_PX)]);
        let absolute = of(SIZES).or_else(|| pixels().map(|px| px / ORDINARY_PX));
        // A larger size is not counted: nobody knows whether it is around all of the words.
        let (said, size) = match absolute {
            Some(said) => (said, self.size.min(said)),
            None => relative().map(|said| (said, self.size * said.min(1.0)))?,
        };
        self.size = size;
        (LEAST_SIZE..=MOST_SIZE).contains(&said).then_some(())
    }

    fn room(&mut self, value: &str) -> Option<()> {
        let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit() || "-.+".contains(c));
        let lengths = value.split(' ').filter(is_number).map(|word| number(word, LENGTHS));
        let sum: f32 = lengths.sum::<Option<f32>>()?;
        self.room_px += sum;
        (sum <= MAX_ROOM_PX).then_some(())
    }
}

/// Whether the style does nothing to a page.
pub(super) fn is_mild(style: &str) -> bool {
    declarations(style).all(|(name, _)| name.is_some_and(|name| BREAKS.contains(&name)))
}

/// Names and values; no name where the form is another.
fn declarations(style: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let of_form = |b: u8| b.is_ascii_alphanumeric() || b" #%.,-'\"".contains(&b);
    let declarations = style.split(';').map(str::trim).filter(|declaration| !declaration.is_empty());
    declarations.map(move |declaration| {
        let (name, value) = declaration.split_once(':').unwrap_or((declaration, ""));
        (Some(name.trim_end()).filter(|_| !value.is_empty() && value.bytes().all(of_form)), value)
    })
}

/// A number with one of the units, times what the unit is worth.
fn number(text: &str, units: &[(&str, f32)]) -> Option<f32> {
    let end = text.bytes().position(|b| !b.is_ascii_digit() && b != b'.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let worth = units.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<f32>().ok().map(|number| number * worth)
}

/// The style with `rgb(r, g, b)` as `#rrggbb`.
fn in_hex(style: &str) -> Cow<'_, str> {
    if !style.contains("rgb(") {
        return Cow::Borrowed(style);
    }
    let mut pieces = style.split("rgb(");
    let mut written = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let hex = piece.split_once(')').and_then(|(numbers, behind)| {
            let octets: Option<Vec<u8>> =
                numbers.split(',').map(|number| number.trim().parse().ok()).collect();
            let [red, green, blue] = octets?[..] else { return None };
            Some(format!("#{red:02x}{green:02x}{blue:02x}{behind}"))
        });
        // What is no colour keeps its bracket, which is of no form.
        written += &hex.unwrap_or_else(|| format!("({piece}"));
    }
    Cow::Owned(written)
}
