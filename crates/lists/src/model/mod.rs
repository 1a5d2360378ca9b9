//! What a list is: its name, settings, people and sub-addresses.

mod action;
mod channel;
mod delivery;
mod list;
mod member;
mod numbers;
mod person_name;
mod set;
mod settings;
mod sub_address;

pub use action::Action;
pub use channel::Channel;
pub use delivery::{MissingKey, SealedDelivery};
pub use list::{ListName, ListNameError, MailingList};
pub use member::{DeliveryMode, DeliveryStatus, Member, Preferences, Role};
pub use numbers::{
    AddressNo, BodyNo, DeliveryNo, EntryNo, ListKeyNo, ListNo, MemberNo, NodeNo, RequestNo, SendingNo,
};
pub use person_name::person_name;
pub use set::SettingError;
pub use settings::{ListSettings, PgpSettings, ReplyTo, RosterVisibility, UnsignedSubject};
pub use sub_address::{
    DoorAddress, MAX_LOCAL_OCTETS, NameRefused, RESERVED, ReservedLocal, SubAddress, check_new_name,
};
