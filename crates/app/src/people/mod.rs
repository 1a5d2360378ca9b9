//! People of a list, as admins see and change them: roles, preferences, names and bans.

mod bans;
mod import;
mod leave;
mod prefer;
mod users;
mod view;

pub use bans::{BanChange, BanResult, change_ban};
pub use import::{ImportReport, ImportedKeys, SyncPlan, import_members, plan_sync};
pub use leave::{LastOwner, RolesToEnd, end_roles};
pub use prefer::{MemberChange, change_member, rename};
pub use users::{link_address, prefer_address, show_user, unlink_address};
pub use view::{MemberKeyState, MemberKeyView, MemberView, find_members, list_members, show_member};
