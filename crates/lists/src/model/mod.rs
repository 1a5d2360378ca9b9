//! What a list is: its name, settings, people and doors.

mod action;
mod channel;
mod door;
mod list;
mod member;
mod numbers;
mod settings;

pub use action::Action;
pub use channel::Channel;
pub use door::{Door, DoorAddress};
pub use list::{ListName, ListNameError, MailingList};
pub use member::{DeliveryMode, DeliveryStatus, Member, Preferences, Role};
pub use numbers::{AddressNo, BodyNo, DeliveryNo, EntryNo, ListNo, MemberNo, PostNo};
pub use settings::{ListSettings, PgpSettings, ReplyTo, SettingError};
