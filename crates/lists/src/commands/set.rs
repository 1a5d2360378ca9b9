//! Command `set NAME on|off`: how posts come to the member. Setting: `command_workflow`. There are no digests yet: `set
//! digest on` is refused.

use super::{Command, Problem, shown};
use crate::model::{DeliveryMode, DeliveryStatus, Preferences};

/// A choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// One of [`SETTINGS`].
    pub name: &'static str,
    /// Whether it is to be.
    pub on: bool,
}

/// What can be chosen.
pub const SETTINGS: &[&str] = &["delivery", "digest", "own-posts", "copies", "cleartext"];

impl Setting {
    /// The member's choices with this one.
    pub fn apply(&self, mut to: Preferences) -> Preferences {
        match self.name {
            "delivery" => {
                to.delivery_status = if self.on { DeliveryStatus::Enabled } else { DeliveryStatus::ByUser };
            }
            "digest" => {
                to.delivery_mode = if self.on { DeliveryMode::MimeDigests } else { DeliveryMode::Regular };
            }
            "own-posts" => to.receive_own_postings = self.on,
            "copies" => to.receive_list_copy = self.on,
            _ => to.allow_cleartext = self.on,
        }
        to
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "set {} {}", self.name, if self.on { "on" } else { "off" })
    }
}

pub(super) fn read(arguments: &[&str]) -> Result<Command, Problem> {
    let no_such = || Problem::NoSuchSetting(shown(&arguments.join(" ")));
    let [name, value] = arguments else { return Err(no_such()) };
    let name = SETTINGS.iter().find(|known| known.eq_ignore_ascii_case(name)).ok_or_else(no_such)?;
    let on = match value.to_lowercase().as_str() {
        "on" | "yes" => true,
        "off" | "no" => false,
        _ => return Err(no_such()),
    };
    match (*name, on) {
        ("digest", true) => Err(Problem::NoDigests),
        (name, on) => Ok(Command::Set(Setting { name, on })),
    }
}
