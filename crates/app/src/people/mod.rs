//! People of a list, as admins see and change them: roles, preferences, names and bans.

mod bans;
mod import;
mod imported_keys;
mod leave;
mod prefer;
mod users;
mod view;

pub use bans::{BanChange, BanResult, change_ban};
pub use import::{ImportReport, SyncPlan, import_members, plan_sync};
pub use imported_keys::ImportedKeys;
pub use leave::{LastOwner, RolesToEnd, end_roles};
pub use prefer::{MemberChange, change_member, rename};
pub(crate) use users::user_of;
pub use users::{link_address, prefer_address, show_user, unlink_address};
pub use view::{MemberKeyState, MemberKeyView, MemberView, find_members, list_members, show_member};
