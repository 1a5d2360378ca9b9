//! What people choose about delivery and notices, on four levels: member, address, user and site. A level may
//! leave a choice open: then the next level counts, and in the end the default.
//!
//! A new choice needs a row in `preferences!`, columns in `store/migrations/`, and somebody who acts on the
//! choice.

use serde::Serialize;

use super::set::parse_value;
use super::{AddressNo, DeliveryMode, DeliveryStatus, MemberNo, SettingError, UserNo};
use crate::names;
use crate::texts::{Language, language};

/// A row: the name as a type, the name, the levels that take the choice, what a level may choose, what counts
/// in the end, and how that follows from the first choice that was made.
macro_rules! preferences {
    ($($(#[$attribute:meta])* $case:ident $name:ident on $levels:ident: $kind:ty => $value:ty, $effective:expr;)+) => {
        /// What is chosen on one level; `None`: nothing, so that the next level counts.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Preferences {
            $(#[doc = concat!("The choice of [`EffectivePreferences::", stringify!($name), "`].")]
            pub $name: Option<$kind>,)+
        }

        /// What counts for a member when all levels are read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        pub struct EffectivePreferences {
            $($(#[$attribute])* pub $name: $value,)+
        }

        /// One choice on one level, made or taken back (`None`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum PreferenceChange {
            $(#[doc = concat!("Of [`EffectivePreferences::", stringify!($name), "`].")]
            $case(Option<$kind>),)+
        }

        impl Preferences {
            /// The names of all choices.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),+];

            /// The same choices with another one.
            pub fn with(mut self, change: PreferenceChange) -> Self {
                match change {
                    $(PreferenceChange::$case(chosen) => self.$name = chosen,)+
                }
                self
            }

            /// Every choice of this level, also those that are open.
            pub fn changes(&self) -> Vec<PreferenceChange> {
                vec![$(PreferenceChange::$case(self.$name)),+]
            }
        }

        impl PreferenceChange {
            /// The name of the choice: that of the column and of the command line.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$case(_) => stringify!($name),)+
                }
            }

            /// The levels that take the choice.
            pub fn levels(self) -> &'static [PreferenceSource] {
                match self {
                    $(Self::$case(_) => $levels,)+
                }
            }

            /// How the choice is stored and shown.
            pub fn value(self) -> PreferenceValue {
                match self {
                    $(Self::$case(chosen) => chosen.into(),)+
                }
            }

            /// Reads a choice from its name and value; without a value the choice is taken back. Errs with
            /// the names or values that there are.
            pub fn parse(name: &str, value: Option<&str>) -> Result<Self, SettingError> {
                let change = match name {
                    $(stringify!($name) => {
                        Self::$case(value.map(|value| parse_value::<$kind>(name, value)).transpose()?)
                    })+
                    _ => return Err(SettingError::unknown(name, Preferences::NAMES)),
                };
                change.check()
            }
        }

        impl PreferenceLevels {
            /// What counts.
            pub fn effective(&self) -> EffectivePreferences {
                EffectivePreferences {
                    $($name: {
                        let effective: fn(Option<$kind>) -> $value = $effective;
                        effective(self.first(|level| level.$name).0)
                    },)+
                }
            }

            /// Each choice with the value that counts and the level that it comes from.
            pub fn with_sources(&self) -> Vec<SourcedPreference> {
                let effective = self.effective();
                vec![$(SourcedPreference {
                    name: stringify!($name),
                    value: Some(effective.$name).into(),
                    source: self.first(|level| level.$name).1,
                }),+]
            }
        }

        impl EffectivePreferences {
            /// Each choice by its name, with the value that counts.
            pub fn values(&self) -> Vec<(&'static str, PreferenceValue)> {
                vec![$((stringify!($name), Some(self.$name).into())),+]
            }
        }
    };
}

/// The levels of a choice that people, and the admin for everybody, may make.
const EVERY_LEVEL: &[PreferenceSource] =
    &[PreferenceSource::Member, PreferenceSource::Address, PreferenceSource::User, PreferenceSource::Site];
/// The levels of a choice about the key of one address. An address that is linked to a user must not get such
/// a choice from another address.
const ONE_ADDRESS: &[PreferenceSource] = &[PreferenceSource::Member, PreferenceSource::Address];

preferences! {
    /// How posts come. Default: each by itself.
    DeliveryMode delivery_mode on EVERY_LEVEL: DeliveryMode => DeliveryMode, Option::unwrap_or_default;
    /// Whether posts come. Default: they do.
    DeliveryStatus delivery_status on EVERY_LEVEL: DeliveryStatus => DeliveryStatus, Option::unwrap_or_default;
    /// Whether the member's own posts come back as copies. Default yes.
    ReceiveOwnPostings receive_own_postings on EVERY_LEVEL: bool => bool, |chosen| chosen.unwrap_or(true);
    /// Whether a copy comes although the member stands in To or Cc. Default yes.
    ReceiveListCopy receive_list_copy on EVERY_LEVEL: bool => bool, |chosen| chosen.unwrap_or(true);
    /// Whether posts may come as cleartext when there is no usable key and the list's `missing_key_action` is
    /// `cleartext`. Default no. It is a choice about the key of one address: users and the site make no such
    /// choice.
    AllowCleartext allow_cleartext on ONE_ADDRESS: bool => bool, Option::unwrap_or_default;
    /// The language of notices; empty: that of the list.
    #[serde(serialize_with = "language::serialize_or_empty")]
    PreferredLanguage preferred_language on EVERY_LEVEL: Language => Option<Language>, |chosen| chosen;
}

impl Default for EffectivePreferences {
    fn default() -> Self {
        PreferenceLevels::default().effective()
    }
}

impl PreferenceChange {
    fn check(self) -> Result<Self, SettingError> {
        match self {
            Self::DeliveryMode(Some(mode)) if mode != DeliveryMode::Regular => Err(SettingError::NoDigests),
            other => Ok(other),
        }
    }
}

/// How a choice is stored and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PreferenceValue {
    /// Yes or no.
    Flag(Option<bool>),
    /// A word.
    Word(Option<&'static str>),
}

impl PreferenceValue {
    /// Whether nothing is chosen.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Flag(None) | Self::Word(None))
    }
}

macro_rules! stored_as_words {
    ($($kind:ty),+) => {
        $(impl From<Option<$kind>> for PreferenceValue {
            fn from(chosen: Option<$kind>) -> Self {
                Self::Word(chosen.map(<$kind>::name))
            }
        })+
    };
}

stored_as_words!(DeliveryMode, DeliveryStatus, Language);

impl From<Option<bool>> for PreferenceValue {
    fn from(chosen: Option<bool>) -> Self {
        Self::Flag(chosen)
    }
}

/// A language that nobody chose is an empty word: that of the list.
impl From<Option<Option<Language>>> for PreferenceValue {
    fn from(language: Option<Option<Language>>) -> Self {
        Self::Word(language.map(|language| language.map_or("", Language::name)))
    }
}

impl std::fmt::Display for PreferenceValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(Some(flag)) => flag.fmt(f),
            Self::Word(Some(word)) => f.write_str(word),
            Self::Flag(None) | Self::Word(None) => Ok(()),
        }
    }
}

/// Whose choices: one level of one person, or the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreferenceLevel {
    /// For one role on one list.
    Member(MemberNo),
    /// For all lists on which the address has a role.
    Address(AddressNo),
    /// For all addresses of a user.
    User(UserNo),
    /// For everybody.
    Site,
}

impl PreferenceLevel {
    /// The name of the level.
    pub fn source(self) -> PreferenceSource {
        match self {
            Self::Member(_) => PreferenceSource::Member,
            Self::Address(_) => PreferenceSource::Address,
            Self::User(_) => PreferenceSource::User,
            Self::Site => PreferenceSource::Site,
        }
    }

    /// Errs if the level does not take that choice ([`PreferenceChange::levels`]). Bounces disable the
    /// delivery to one member, so nobody chooses that for others.
    pub fn takes(self, change: PreferenceChange) -> Result<(), SettingError> {
        let bounced = PreferenceChange::DeliveryStatus(Some(DeliveryStatus::ByBounces));
        if change == bounced && self.source() != PreferenceSource::Member {
            return Err(SettingError::OfOneMember(DeliveryStatus::ByBounces.name()));
        }
        match change.levels().contains(&self.source()) {
            true => Ok(()),
            false => Err(SettingError::OfOneAddress(change.name().to_owned())),
        }
    }
}

/// The choices of all levels that count for one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PreferenceLevels {
    /// Of the member.
    pub member: Preferences,
    /// Of the address.
    pub address: Preferences,
    /// Of the user to whom the address is linked.
    pub user: Preferences,
    /// Of the site.
    pub site: Preferences,
}

impl PreferenceLevels {
    /// The first choice that was made, and its level.
    fn first<T>(&self, choice: impl Fn(&Preferences) -> Option<T>) -> (Option<T>, PreferenceSource) {
        let levels = [
            (&self.member, PreferenceSource::Member),
            (&self.address, PreferenceSource::Address),
            (&self.user, PreferenceSource::User),
            (&self.site, PreferenceSource::Site),
        ];
        let first = levels.into_iter().find_map(|(level, source)| Some((choice(level)?, source)));
        first.map_or((None, PreferenceSource::Default), |(chosen, source)| (Some(chosen), source))
    }
}

/// Which level a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreferenceSource {
    /// The member chose it.
    Member,
    /// The address chose it, for all lists.
    Address,
    /// The user chose it, for all addresses.
    User,
    /// The admin chose it for the site.
    Site,
    /// Nobody chose it.
    Default,
}

names! { PreferenceSource {
    Member = "member",
    Address = "address",
    User = "user",
    Site = "site",
    Default = "default",
} }

/// A value that counts, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SourcedPreference {
    /// The name of the choice.
    pub name: &'static str,
    /// What counts.
    pub value: PreferenceValue,
    /// The level that it comes from.
    pub source: PreferenceSource,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(name: &str, value: &str) -> Preferences {
        Preferences::default().with(PreferenceChange::parse(name, Some(value)).unwrap())
    }

    #[test]
    fn digests_are_refused_until_there_are_any() {
        for mode in ["mime_digests", "plaintext_digests", "summary_digests"] {
            let refused = PreferenceChange::parse("delivery_mode", Some(mode));
            assert_eq!(refused, Err(SettingError::NoDigests), "{mode}");
        }
        let regular = PreferenceChange::parse("delivery_mode", Some("regular"));
        assert_eq!(regular, Ok(PreferenceChange::DeliveryMode(Some(DeliveryMode::Regular))));
        assert_eq!(PreferenceChange::parse("delivery_mode", None), Ok(PreferenceChange::DeliveryMode(None)));
    }

    #[test]
    fn what_is_refused_names_what_there_is() {
        for (name, value, says) in [
            ("delivery_status", "off", "enabled"),
            ("receive_own_postings", "often", "true or false"),
            ("preferred_language", "xx", "en"),
            ("nomail", "true", "allow_cleartext"),
            ("delivery_state", "enabled", "did you mean \"delivery_status\"?"),
        ] {
            let error = PreferenceChange::parse(name, Some(value)).unwrap_err().to_string();
            assert!(error.contains(says), "{name} {value}: {error}");
        }
    }

    #[test]
    fn the_nearest_level_counts_and_is_named() {
        type Case = ([&'static str; 4], &'static str, PreferenceSource);
        let cases: [Case; 6] = [
            (["", "", "", ""], "enabled", PreferenceSource::Default),
            (["", "", "", "by_moderator"], "by_moderator", PreferenceSource::Site),
            (["", "", "by_user", "by_moderator"], "by_user", PreferenceSource::User),
            (["", "enabled", "by_user", ""], "enabled", PreferenceSource::Address),
            (["by_bounces", "enabled", "by_user", ""], "by_bounces", PreferenceSource::Member),
            (["enabled", "by_user", "", ""], "enabled", PreferenceSource::Member),
        ];
        for (levels, value, source) in cases {
            let level = |name: &str| match name {
                "" => Preferences::default(),
                name => chosen("delivery_status", name),
            };
            let [member, address, user, site] = levels.map(level);
            let levels_of_member = PreferenceLevels { member, address, user, site };
            let found = levels_of_member.with_sources();
            let found = found.iter().find(|one| one.name == "delivery_status").unwrap();
            assert_eq!((found.value.to_string().as_str(), found.source), (value, source), "{levels:?}");
            assert_eq!(levels_of_member.effective().delivery_status.name(), value, "{levels:?}");
        }
    }

    #[test]
    fn cleartext_is_chosen_by_members_and_addresses_alone() {
        let yes = PreferenceChange::AllowCleartext(Some(true));
        for (level, takes) in [
            (PreferenceLevel::Member(MemberNo(1)), true),
            (PreferenceLevel::Address(AddressNo(1)), true),
            (PreferenceLevel::User(UserNo(1)), false),
            (PreferenceLevel::Site, false),
        ] {
            assert_eq!(level.takes(yes).is_ok(), takes, "{level:?}");
            assert_eq!(level.takes(PreferenceChange::AllowCleartext(None)).is_ok(), takes, "{level:?}");
            let others = Preferences::default().changes().into_iter();
            let mut others = others.filter(|change| change.name() != yes.name());
            assert!(others.all(|change| level.takes(change).is_ok()), "{level:?}");
        }
    }

    #[test]
    fn every_choice_is_shown_by_the_name_and_word_by_which_it_is_set() {
        let levels = PreferenceLevels::default();
        let names: Vec<&str> = levels.with_sources().iter().map(|one| one.name).collect();
        assert_eq!(names, Preferences::NAMES);
        for SourcedPreference { name, value, .. } in levels.with_sources() {
            if value != PreferenceValue::Word(Some("")) {
                let change = PreferenceChange::parse(name, Some(&value.to_string())).unwrap();
                assert_eq!((change.name(), change.value()), (name, value));
            }
        }
    }
}
