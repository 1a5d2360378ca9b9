//! How posts reach a member, as the member or somebody in charge chose.

use crate::names;

/// How a member receives posts, by Mailman's names. Until there are digests, each post comes by itself in
/// every mode.
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
