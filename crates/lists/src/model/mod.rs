//! What a list is: its name, settings, people and sub-addresses.

mod action;
mod ban_pattern;
mod channel;
mod delivery;
mod list;
mod member;
mod numbers;
mod person_name;
mod preferences;
mod set;
mod settings;
mod sub_address;
mod unique_id;
mod user;

pub use action::Action;
pub use ban_pattern::{BanPattern, NoBanPattern};
pub use channel::Channel;
pub use delivery::{MissingKey, SealedDelivery};
pub use list::{ListName, ListNameError, MailingList};
pub use member::{DeliveryMode, DeliveryStatus, Member, Role};
pub use numbers::{
    AddressNo, BodyNo, DeliveryNo, EntryNo, ListKeyNo, ListNo, MemberNo, NodeNo, PostNo, RequestNo,
    SendingNo, UserNo,
};
pub use person_name::person_name;
pub use preferences::{
    EffectivePreferences, PreferenceChange, PreferenceLevel, PreferenceLevels, PreferenceSource,
    PreferenceValue, Preferences, SourcedPreference,
};
pub use set::SettingError;
pub use settings::{ListSettings, PgpSettings, ReplyTo, RosterVisibility, UnsignedSubject};
pub use sub_address::{
    DoorAddress, MAX_LOCAL_OCTETS, NameRefused, RESERVED, ReservedLocal, SubAddress, check_new_name,
};
pub use unique_id::UniqueId;
pub use user::{LinkedAddress, User};
