//! Commands `set NAME on|off` (preferences of delivery), `set language CODE` and `set name NAME`. `set` alone
//! and `show settings` show the preferences; `show TOKEN` is for moderators. Setting: `command_workflow`.

use super::{MailCommand, Problem, shown, token};
use crate::model::{DeliveryMode, DeliveryStatus, PreferenceChange, person_name};
use crate::texts::Language;

/// A preference with its new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A switch of delivery.
    Switch {
        /// The name: one of [`SETTINGS`].
        name: &'static str,
        /// Whether it is switched on.
        on: bool,
    },
    /// The language in which the list writes to the person.
    Language(Language),
    /// The name that others see. Empty removes the name.
    Name(String),
}

/// The names of the switches.
pub const SETTINGS: &[&str] = &["delivery", "digest", "own-posts", "copies", "cleartext"];

impl Setting {
    /// The preference of the member that changes. `None`: the setting belongs to the address.
    pub fn of_member(&self) -> Option<PreferenceChange> {
        let Self::Switch { name, on } = *self else { return None };
        Some(match name {
            "delivery" => PreferenceChange::DeliveryStatus(Some(match on {
                true => DeliveryStatus::Enabled,
                false => DeliveryStatus::ByUser,
            })),
            "digest" => PreferenceChange::DeliveryMode(Some(match on {
                true => DeliveryMode::MimeDigests,
                false => DeliveryMode::Regular,
            })),
            "own-posts" => PreferenceChange::ReceiveOwnPostings(Some(on)),
            "copies" => PreferenceChange::ReceiveListCopy(Some(on)),
            _ => PreferenceChange::AllowCleartext(Some(on)),
        })
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Switch { name, on } => write!(f, "set {name} {}", if *on { "on" } else { "off" }),
            Self::Language(language) => write!(f, "set language {}", language.name()),
            Self::Name(name) => write!(f, "{}", format!("set name {name}").trim_end()),
        }
    }
}

pub(super) fn read(arguments: &[&str]) -> Result<MailCommand, Problem> {
    let no_such = || Problem::NoSuchSetting(shown(&arguments.join(" ")));
    let (name, values) = match arguments {
        [] => return Ok(MailCommand::Show),
        [name, values @ ..] => (name.to_lowercase(), values),
    };
    let setting = match (name.as_str(), values) {
        ("name", words) => {
            Setting::Name(person_name(unquoted(&words.join(" "))).ok_or(Problem::NameRefused)?)
        }
        ("language", words) => {
            let code = words.join(" ");
            let language = Language::from_name(&code.to_lowercase());
            Setting::Language(language.ok_or_else(|| Problem::NoSuchLanguage(shown(&code)))?)
        }
        (name, [value]) => {
            let name = SETTINGS.iter().find(|known| **known == name).ok_or_else(no_such)?;
            let on = match value.to_lowercase().as_str() {
                "on" | "yes" => true,
                "off" | "no" => false,
                _ => return Err(no_such()),
            };
            if *name == "digest" && on {
                return Err(Problem::NoDigests);
            }
            Setting::Switch { name, on }
        }
        _ => return Err(no_such()),
    };
    Ok(MailCommand::Set(setting))
}

/// The name without quotation marks around it.
fn unquoted(name: &str) -> &str {
    let pairs = [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('\'', '\''), ('‘', '’')];
    let inner = |(open, close): (char, char)| name.strip_prefix(open)?.strip_suffix(close);
    pairs.into_iter().find_map(inner).map_or(name, str::trim)
}

pub(super) fn show(arguments: &[&str]) -> Result<MailCommand, Problem> {
    match arguments {
        [what] if what.eq_ignore_ascii_case("settings") => Ok(MailCommand::Show),
        [] => Ok(MailCommand::Show),
        _ => token(arguments).map(MailCommand::ShowHeld),
    }
}
