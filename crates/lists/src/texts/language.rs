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

// The codes of [ISO 639-1](https://www.iso.org/iso-639-language-code), also in configuration and folder names.
names! { Language { En = "en", De = "de", Fr = "fr" } }

/// Serializes a setting that is a language or empty; for `#[serde(with = …)]`.
pub mod or_empty {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Language;

    /// Writes the code, or an empty text.
    pub fn serialize<S: Serializer>(language: &Option<Language>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(language.map_or("", Language::name))
    }

    /// Reads a code, or an empty text. Errs if it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Language>, D::Error> {
        let name = String::deserialize(from)?;
        match Language::from_name(&name) {
            None if !name.is_empty() => Err(serde::de::Error::custom(format!(
                "{name:?} is no language here, expected {} or nothing",
                Language::NAMES.join(", ")
            ))),
            language => Ok(language),
        }
    }
}
