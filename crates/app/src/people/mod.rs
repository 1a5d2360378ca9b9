//! People of a list, as admins see and change them: roles, preferences, names and bans.

mod bans;
mod leave;
mod prefer;
mod view;

pub use bans::{BanChange, BanResult, change_ban};
pub use leave::{LastOwner, RolesToEnd, end_roles};
pub use prefer::{MemberChange, change_member, rename};
pub use view::{MemberKeyState, MemberKeyView, MemberView, find_members, list_members, show_member};
