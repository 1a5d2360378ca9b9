//! People: addresses, members and bans.

mod addresses;
mod bans;
mod members;

pub use addresses::{
    Person, ensure_address, find_address, language_of, lists_of, names_of_others, person, set_language,
    set_name, verify,
};
pub(crate) use bans::pattern_key;
pub use bans::{ban, is_banned};
pub use members::{
    add_member, approve_key, mark_key_pending_approval, remove_member, roles_of, roles_spelled, roster,
    set_preferences,
};
