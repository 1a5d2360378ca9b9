//! The languages of the built-in texts.

use crate::names;

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English: every text exists in it.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
}

// The codes of [ISO 639-1](https://www.iso.org/iso-639-language-code), also in configuration and folder
// names.
names! { Language { En = "en", De = "de", Fr = "fr" } }

/// Serializes a language that may be left open: the code, or an empty text.
pub(crate) fn serialize_or_empty<S: serde::Serializer>(
    language: &Option<Language>,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.serialize_str(language.map_or("", Language::name))
}
