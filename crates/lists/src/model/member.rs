//! One address in one role on one list.

use sealist_mail::Address;
use serde::{Deserialize, Serialize};

use super::set::{SettingError, set_field};
use super::{Action, AddressNo, ListNo, MemberNo};
use crate::texts::{Language, language};

/// The role of an address on a list. An address may have several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Receives posts and may post.
    Member,
    /// Manages the list.
    Owner,
    /// Decides about held posts.
    Moderator,
    /// Is known and receives no posts; may be allowed to post.
    Nonmember,
}

impl Role {
    /// The name used in the database and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Owner => "owner",
            Self::Moderator => "moderator",
            Self::Nonmember => "nonmember",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Member, Self::Owner, Self::Moderator, Self::Nonmember].into_iter().find(|r| r.name() == name)
    }
}

/// How a member receives posts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// Each post by itself.
    #[default]
    Regular,
    /// A digest, chosen before digests were refused. Until digests exist, each post is sent by itself.
    MimeDigests,
}

impl DeliveryMode {
    /// The name used in the database and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::MimeDigests => "mime_digests",
        }
    }

    /// The mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Regular, Self::MimeDigests].into_iter().find(|m| m.name() == name)
    }
}

/// Whether posts are delivered to a member, and who decided that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Posts are delivered.
    #[default]
    Enabled,
    /// The member disabled delivery.
    ByUser,
    /// Delivery was disabled after too many bounces.
    ByBounces,
    /// An owner or moderator disabled delivery.
    ByModerator,
}

impl DeliveryStatus {
    /// The name used in the database and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::ByUser => "by_user",
            Self::ByBounces => "by_bounces",
            Self::ByModerator => "by_moderator",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Enabled, Self::ByUser, Self::ByBounces, Self::ByModerator]
            .into_iter()
            .find(|s| s.name() == name)
    }
}

/// A member's preferences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// How posts are delivered.
    pub delivery_mode: DeliveryMode,
    /// Whether posts are delivered.
    pub delivery_status: DeliveryStatus,
    /// Whether members get copies of their own posts. Default yes.
    pub receive_own_postings: bool,
    /// Whether a member who is named in To or Cc gets a copy, too. Default yes.
    pub receive_list_copy: bool,
    /// Whether posts may be sent unencrypted if the member has no usable key and the list's
    /// `missing_key_action` is `cleartext`. Default no.
    pub allow_cleartext: bool,
    /// The language of notices. It belongs to the address, so that it applies on all lists. Empty: the
    /// language of the list.
    #[serde(with = "language::or_empty")]
    pub preferred_language: Option<Language>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            delivery_mode: DeliveryMode::Regular,
            delivery_status: DeliveryStatus::Enabled,
            receive_own_postings: true,
            receive_list_copy: true,
            allow_cleartext: false,
            preferred_language: None,
        }
    }
}

impl Preferences {
    /// Sets one preference by its name, with `value` as for [`super::ListSettings::set`].
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let mut changed = *self;
        let set = set_field(&mut changed, name, value);
        if name == "delivery_mode" && (set.is_err() || changed.delivery_mode != DeliveryMode::Regular) {
            return Err(SettingError::NoDigests);
        }
        set?;
        *self = changed;
        Ok(())
    }
}

/// One address in one role on one list.
#[derive(Clone, Debug)]
pub struct Member {
    /// The row number.
    pub no: MemberNo,
    /// The list.
    pub list: ListNo,
    /// The row number of the address. Certificates belong to it.
    pub address_no: AddressNo,
    /// The address.
    pub address: Address,
    /// The name shown for the address. It comes from our database, never from mail. May be empty.
    pub display_name: String,
    /// The role.
    pub role: Role,
    /// The member's preferences.
    pub preferences: Preferences,
    /// What happens to this member's posts. `None`: the default of the list.
    pub moderation_action: Option<Action>,
    /// Whether this list has not approved the address's key yet. Until then the key is not used here.
    pub key_waits: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_refused_until_there_are_any() {
        let mut choices = Preferences::default();
        for mode in ["mime_digests", "plaintext_digests", "digest", ""] {
            assert_eq!(choices.set("delivery_mode", mode), Err(SettingError::NoDigests), "{mode}");
        }
        assert_eq!(choices, Preferences::default());
        let mut earlier = Preferences { delivery_mode: DeliveryMode::MimeDigests, ..choices };
        earlier.set("receive_own_postings", "false").unwrap();
        earlier.set("delivery_mode", "regular").unwrap();
        assert_eq!(earlier, Preferences { receive_own_postings: false, ..choices });
    }
}
