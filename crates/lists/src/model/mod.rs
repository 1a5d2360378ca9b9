//! What a list is: its name, settings, people and sub-addresses.

mod action;
mod address_reading;
pub mod attributes;
mod ban_pattern;
mod channel;
mod delivery;
mod delivery_choice;
mod list;
mod member;
mod numbers;
mod person_name;
mod pgp_settings;
mod preferences;
mod set;
mod setting_choices;
mod setting_row;
mod settings;
mod sub_address;
mod unique_id;
mod user;

pub use action::Action;
pub use address_reading::{AddressReading, MAX_LOCAL_OCTETS, NameRefused, RESERVED, check_new_name};
pub use ban_pattern::{BanPattern, NoBanPattern};
pub use channel::Channel;
pub use delivery::{MissingKey, SealedDelivery};
pub use delivery_choice::{DeliveryMode, DeliveryStatus};
pub use list::{ListName, ListNameError, MailingList};
pub use member::{Member, Role};
pub use numbers::{
    AddressNo, BodyNo, DeliveryNo, EntryNo, ListKeyNo, ListNo, MemberNo, NodeNo, PostNo, RequestNo,
    SendingNo, UserNo,
};
pub use person_name::person_name;
pub use pgp_settings::PgpSettings;
pub use preferences::{
    EffectivePreferences, PreferenceChange, PreferenceLevel, PreferenceLevels, PreferenceSource,
    PreferenceValue, Preferences, SourcedPreference,
};
pub use set::SettingError;
pub use setting_choices::{ReplyTo, RosterVisibility, UnsignedSubject};
pub use settings::ListSettings;
pub use sub_address::{ReservedLocal, SubAddress};
pub use unique_id::UniqueId;
pub use user::{LinkedAddress, User};
