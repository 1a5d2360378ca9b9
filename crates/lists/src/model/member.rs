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

names! { Role { Member = "member", Owner = "owner", Moderator = "moderator", Nonmember = "nonmember" } }

/// How a member receives posts, by Mailman's names. Until there are digests, each post comes by itself in every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeliveryMode {
    /// Each post by itself.
    #[default]
    Regular,
    /// Digests in plain text.
    PlaintextDigests,
    /// Digests with each post as a part.
    MimeDigests,
    /// Digests of subjects.
    SummaryDigests,
}

names! { DeliveryMode {
    Regular = "regular",
    PlaintextDigests = "plaintext_digests",
    MimeDigests = "mime_digests",
    SummaryDigests = "summary_digests",
} }

/// Whether posts are delivered to a member, and who decided that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

names! { DeliveryStatus {
    Enabled = "enabled",
    ByUser = "by_user",
    ByBounces = "by_bounces",
    ByModerator = "by_moderator",
} }

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
