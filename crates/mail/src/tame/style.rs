//! Recognises CSS that changes how an element looks, but neither its place nor the visibility of its text.

use std::borrow::Cow;

use super::colour::{Colour, Palette};

/// Properties that do not affect the place of text.
const PLAIN: &[&str] =
    &["font-family", "font-style", "font-weight", "text-align", "text-decoration", "white-space"];
/// Margins and paddings. Negative values are refused, so that the element stays in its place.
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
/// Properties that control line breaks. A whole page may have them, too.
const BREAKS: &[&str] =
    &["-webkit-line-break", "-webkit-nbsp-mode", "line-break", "overflow-wrap", "word-break", "word-wrap"];
/// Values that set nothing.
const UNSAID: &[&str] = &["inherit", "initial", "transparent"];
/// Font sizes as fractions of the normal size.
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
/// Font sizes relative to the surrounding text.
const RELATIVE_SIZES: &[(&str, f32)] = &[("smaller", 0.8), ("larger", 1.2), ("inherit", 1.0)];
/// The smallest readable font size: 8 pixels, which are 6 points.
const LEAST_SIZE: f32 = 0.499;
const MOST_SIZE: f32 = 6.0;
const ORDINARY_PX: f32 = 16.0;
/// Elements with smaller text than the surrounding element.
const SMALL: &[&str] = &["small", "sub", "sup", "h5", "h6"];
/// Units of length in pixels. A percentage counts as one of a wide window.
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
/// The largest total distance of an element from the edge of the page, including the elements around it.
const MAX_ROOM_PX: f32 = 200.0;
const MAX_ROOMS_PX: f32 = 1000.0;

/// The smallest font size and largest distance that the text of an element may have. A program that closes an
/// element early only makes the text more visible.
#[derive(Clone, Copy)]
pub(super) struct Look {
    size: f32,
    room_px: f32,
}

impl Look {
    /// The look of a page.
    pub(super) const PLAIN: Self = Self { size: 1.0, room_px: 0.0 };

    /// The look of an element inside an element with this look.
    pub(super) fn of(mut self, element: &str) -> Self {
        if SMALL.contains(&element) {
            self.size *= 0.8;
        }
        self
    }

    /// Whether the text is visible.
    pub(super) fn is_seen(self) -> bool {
        self.size >= LEAST_SIZE && self.room_px <= MAX_ROOMS_PX
    }

    /// Applies the size of `<font>`, from 1 to 7 or relative to 3. Returns `None` if the value is not a size.
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

    /// Applies declarations. Each must have a known name and a value of a known form; escapes, comments,
    /// functions and negative numbers are not among those forms. Returns `None` if any declaration is
    /// different.
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
                name if ROOM.contains(&name) => self.add_distance(value)?,
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
        // A larger size is ignored, because it may not apply to all of the text.
        let (said, size) = match absolute {
            Some(said) => (said, self.size.min(said)),
            None => relative().map(|said| (said, self.size * said.min(1.0)))?,
        };
        self.size = size;
        (LEAST_SIZE..=MOST_SIZE).contains(&said).then_some(())
    }

    fn add_distance(&mut self, value: &str) -> Option<()> {
        let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit() || "-.+".contains(c));
        let lengths = value.split(' ').filter(is_number).map(|word| number(word, LENGTHS));
        let sum: f32 = lengths.sum::<Option<f32>>()?;
        self.room_px += sum;
        (sum <= MAX_ROOM_PX).then_some(())
    }
}

/// Whether the style does not change the page.
pub(super) fn is_mild(style: &str) -> bool {
    declarations(style).all(|(name, _)| name.is_some_and(|name| BREAKS.contains(&name)))
}

/// The names and values of the declarations. A declaration of another form has no name.
fn declarations(style: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let of_form = |b: u8| b.is_ascii_alphanumeric() || b" #%.,-'\"".contains(&b);
    let declarations = style.split(';').map(str::trim).filter(|declaration| !declaration.is_empty());
    declarations.map(move |declaration| {
        let (name, value) = declaration.split_once(':').unwrap_or((declaration, ""));
        (Some(name.trim_end()).filter(|_| !value.is_empty() && value.bytes().all(of_form)), value)
    })
}

/// A number with one of the units, multiplied by the value of the unit.
fn number(text: &str, units: &[(&str, f32)]) -> Option<f32> {
    let end = text.bytes().position(|b| !b.is_ascii_digit() && b != b'.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let worth = units.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<f32>().ok().map(|number| number * worth)
}

/// The style with `rgb(r, g, b)` rewritten as `#rrggbb`.
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
        // If this is not a colour, the bracket stays, and the value has no known form.
        written += &hex.unwrap_or_else(|| format!("({piece}"));
    }
    Cow::Owned(written)
}
