//! People: users, their addresses, their memberships, what they choose, and bans.

mod addresses;
mod bans;
mod deletion;
mod members;
mod naming;
mod preferences;
mod states;
mod users;

pub use addresses::{
    Person, address_of, ensure_address, find_address, language_of, lists_with_role_of, names_of_others,
    person, set_language, set_name, verify,
};
pub(crate) use bans::pattern_key;
pub use bans::{Ban, ban, bans, is_banned, unban};
pub use deletion::{delete_address, kept_by};
pub use members::{
    Subscriber, add_member, approve_key, count_of_role, locked_roster, mark_key_pending_approval,
    memberships_of, remove_member, roles_of, roles_spelled, roster, set_moderation_action, subscribe,
    subscriptions_of,
};
pub(crate) use naming::Naming;
pub(crate) use preferences::lock as lock_preferences;
pub use preferences::{choices, choose, levels_of};
pub use states::{KeySummary, MemberState, states_like, states_of, states_of_role};
pub use users::{appoint, create_user, dismiss, link, prefer, unlink, user_of, users};
