//! Row numbers, one type per table, so that a member cannot be passed for a list.

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

number! {
    /// A mailing list.
    ListNo
    /// A person with any number of addresses.
    UserNo
    /// An e-mail address of the site.
    AddressNo
    /// One address in one role on one list.
    MemberNo
    /// A stored body: an incoming message, a hold or the payload of a post.
    BodyNo
    /// An entry of the queue: incoming, held or shunted.
    EntryNo
    /// What a list accepted, apart from its copies.
    PostNo
    /// A payload on its way to an audience: the copies of a post or of a notice.
    SendingNo
    /// One recipient of one sending.
    DeliveryNo
    /// A process that serves a database.
    NodeNo
    /// A key of a list.
    ListKeyNo
    /// A request that waits for an answer.
    RequestNo
}
