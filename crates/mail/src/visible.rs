//! Invisible characters, and characters that change the direction of the text around them.

use std::borrow::Cow;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The text with every invisible character written as `\u{…}`: for addresses and names in terminals and logs.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_misleading) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| if is_misleading(c) { c.escape_unicode().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// Whether the character is a control, format, direction or private-use character, ends a line, or has no
/// glyph.
pub(crate) fn is_misleading(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || matches!(
            category,
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

/// The text as one visible line. Invisible characters and direction controls are removed, and line ends and
/// controls become blanks. Joiners and variation selectors stay, because Persian and emoji need them.
pub fn one_line(text: &str) -> String {
    let of_line = |c: char| match c {
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => Some(c),
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => Some(' '),
        c => Some(c).filter(|c| !is_misleading(*c)),
    };
    text.chars().filter_map(of_line).collect()
}

/// Characters of a field that is shown among others.
const MAX_SHOWN: usize = 60;

/// The text as one visible line of at most 60 characters, so that it fits on a screen. Blanks that follow
/// each other become one, and `…` stands for what is left out.
pub fn shortened(text: &str) -> String {
    let line = one_line(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_SHOWN {
        return line;
    }
    let mut line: String = line.chars().take(MAX_SHOWN - 1).collect();
    line.push('…');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_one_line_that_says_what_it_shows() {
        assert_eq!(shortened("a\r\n b\u{202e}c\u{7}"), "a bc");
        assert_eq!(shortened("a\u{2028}b\u{61c}\u{180e}\u{e0041}c"), "a bc");
        assert_eq!(shortened(&"x".repeat(100)).chars().count(), MAX_SHOWN);
    }

    #[test]
    fn what_nobody_sees_is_shown_escaped() {
        assert_eq!(shown("Jörg 北京 😀"), "Jörg 北京 😀");
        assert_eq!(shown("a\u{200b}b\u{202e}c\u{1b}"), "a\\u{200b}b\\u{202e}c\\u{1b}");
    }

    #[test]
    fn a_line_shows_what_it_says() {
        for unseen in "\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200e}\u{200f}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{206f}\u{3164}\u{e000}\u{feff}\u{fff9}\u{e0001}\u{e0041}\u{e007f}\u{e0101}".chars() {
            assert_eq!(one_line(&format!("a{unseen}b{unseen}")), "ab", "{unseen:?}");
        }
        for end in "\r\n\t\0\u{7}\u{7f}\u{85}\u{2028}\u{2029}".chars() {
            assert_eq!(one_line(&format!("a{end}b")), "a b", "{end:?}");
        }
        for words in ["", "Jörg 北京 שלום", "می\u{200c}خواهم", "👩\u{200d}👧 ❤\u{fe0f}"] {
            assert_eq!(one_line(words), words);
        }
    }
}
