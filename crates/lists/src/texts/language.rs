//! The languages of the built-in texts.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English: every text exists in it.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::En, Self::De, Self::Fr];

    /// The code in configuration, database and folder names ([ISO 639-1](https://www.iso.org/iso-639-language-code)).
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
        }
    }

    /// The language of that code.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }
}

/// Serializes a setting that is a language or empty; for `#[serde(with = …)]`.
pub mod or_empty {
    use super::{Deserialize as _, Deserializer, Language, Serializer};

    /// Writes the code, or an empty text.
    pub fn serialize<S: Serializer>(language: &Option<Language>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(language.map_or("", Language::name))
    }

    /// Reads a code, or an empty text. Errs if it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Language>, D::Error> {
        let name = String::deserialize(from)?;
        match Language::from_name(&name) {
            None if !name.is_empty() => Err(serde::de::Error::custom(format!(
                "{name:?} is no language here, expected en, de, fr or nothing"
            ))),
            language => Ok(language),
        }
    }
}
