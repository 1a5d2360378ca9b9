//! Characters that nobody sees, or that turn the text around them.

use std::borrow::Cow;

use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The text with every character that nobody sees written as `\u{…}`: for addresses and names that go to a terminal
/// or a log.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_misleading) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| if is_misleading(c) { c.escape_unicode().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// Control, format, direction and private characters, line ends, and what has no shape of its own.
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

/// Whether the character changes in which direction others are shown ([UAX 9]).
pub(crate) fn turns_text(c: char) -> bool {
    CodePointSetData::new::<BidiControl>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_shown_escaped() {
        assert_eq!(shown("Jörg 北京 😀"), "Jörg 北京 😀");
        assert_eq!(shown("a\u{200b}b\u{202e}c\u{1b}"), "a\\u{200b}b\\u{202e}c\\u{1b}");
    }
}
