//! One address in one role on one list.

use sealist_mail::{Address, Timestamp};

use super::{Action, AddressNo, EffectivePreferences, ListNo, MemberNo, UniqueId, UserNo};
use crate::names;

/// The role of an address on a list. An address may have several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

names! { Role { Owner = "owner", Moderator = "moderator", Member = "member", Nonmember = "nonmember" } }

/// One address in one role on one list.
#[derive(Clone, Debug)]
pub struct Member {
    /// The row number.
    pub no: MemberNo,
    /// The id by which other programs know the membership.
    pub id: UniqueId,
    /// The list.
    pub list: ListNo,
    /// The row number of the address. Certificates belong to it.
    pub address_no: AddressNo,
    /// The address.
    pub address: Address,
    /// The user whose preferred address this is, if the user subscribed and not the address.
    pub subscribed_user: Option<UserNo>,
    /// The name shown for the address. It comes from our database, never from mail. May be empty.
    pub display_name: String,
    /// The role.
    pub role: Role,
    /// The preferences that apply, from all levels.
    pub preferences: EffectivePreferences,
    /// What happens to this member's posts. `None`: the default of the list.
    pub moderation_action: Option<Action>,
    /// Whether this list has not approved the address's key yet. Until then the key is not used here.
    pub key_pending_approval: bool,
    /// When the membership began.
    pub subscribed_at: Timestamp,
}
