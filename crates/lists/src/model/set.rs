//! Reads choices as people write them, and says why a setting was not changed.

use serde::de::DeserializeOwned;

/// Why a setting was not changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is no such setting on this list.
    #[error("there is no setting {name:?}{}", neighbours(nearest.as_deref(), known))]
    Unknown {
        /// The requested name.
        name: String,
        /// The most similar known name.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// The setting needs a list with OpenPGP, and this list has none.
    #[error("{0:?} is a setting of lists with OpenPGP, and this list does not use it")]
    OfOpenpgp(String),
    /// Digests do not exist yet.
    #[error("there are no digests yet: posts come one by one, and delivery_mode is \"regular\"")]
    NoDigests,
    /// A choice about the key of one address, made for several.
    #[error("{0:?} is a choice about the key of one address: set it for a member or for an address")]
    OfOneAddress(String),
    /// What bounces make of one member, chosen for several.
    #[error("{0:?} is what bounces make of one member: choose \"by_moderator\" to stop delivery")]
    OfOneMember(&'static str),
    /// The setting does not take that value.
    #[error("{value:?} is no value for {name:?}{}", takes.as_ref().map(|all| format!(": it takes {all}")).unwrap_or_default())]
    Value {
        /// The setting.
        name: String,
        /// The refused value.
        value: String,
        /// The accepted values, if they fit in a few words.
        takes: Option<String>,
    },
}

fn neighbours(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean {nearest:?}?"),
        None if !known.is_empty() => format!("; there are {}", known.join(", ")),
        None => String::new(),
    }
}

impl SettingError {
    /// There is no such setting among these.
    pub fn unknown(name: &str, known: &[impl AsRef<str>]) -> Self {
        let known: Vec<String> = known.iter().map(|name| name.as_ref().to_owned()).collect();
        let nearest = known
            .iter()
            .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
            .filter(|(likeness, _)| *likeness > 0.85)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, candidate)| candidate.clone());
        Self::Unknown { name: name.to_owned(), nearest, known }
    }
}

/// Reads one value as people write it: `value` is parsed as JSON and, if that fails, used as text. Errs with
/// the values that the type accepts.
pub(super) fn parse_value<T: DeserializeOwned>(name: &str, value: &str) -> Result<T, SettingError> {
    let parsed = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    serde_json::from_value(parsed).map_err(|error| SettingError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        takes: what_it_takes(&error.to_string()),
    })
}

/// Rewrites the text after "expected" in serde's error for people.
fn what_it_takes(error: &str) -> Option<String> {
    let (_, expected) = error.rsplit_once("expected ")?;
    Some(match expected {
        "a boolean" => "true or false".to_owned(),
        "a string" => "a text".to_owned(),
        others => others.replace('`', ""),
    })
}
