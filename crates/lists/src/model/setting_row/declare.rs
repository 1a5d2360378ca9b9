//! The macro that declares settings: struct, default and row of the attribute stand in one place, so that
//! none of the three lacks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{Action, MissingKey, ReplyTo, Role, RosterVisibility, SealedDelivery, UnsignedSubject};
use crate::texts::Language;

/// A type of settings, as it stands in the database and in JSON.
pub(crate) trait SettingValue: Sized {
    /// The value as JSON.
    fn to_json(&self) -> Value;
    /// The value of that JSON; `None`: this version does not know such a value.
    fn from_json(value: &Value) -> Option<Self>;
}

macro_rules! values_by_serde {
    ($($type:ty),+ $(,)?) => {
        $(impl SettingValue for $type {
            fn to_json(&self) -> Value {
                serde_json::to_value(self).expect("settings have no keys but text")
            }

            fn from_json(value: &Value) -> Option<Self> {
                serde_json::from_value(value.clone()).ok()
            }
        })+
    };
}

values_by_serde!(
    bool,
    u32,
    String,
    Vec<String>,
    BTreeMap<String, Vec<String>>,
    Action,
    MissingKey,
    ReplyTo,
    RosterVisibility,
    SealedDelivery,
    UnsignedSubject,
    Vec<Role>,
);

/// The code of the language; an empty text where none is chosen.
impl SettingValue for Option<Language> {
    fn to_json(&self) -> Value {
        self.map_or("", Language::name).into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "" => Some(None),
            name => Language::from_name(name).map(Some),
        }
    }
}

/// Declares a struct of settings and their rows. Each line has the sentence for programmers, the name, the
/// type, the default, the [`AttributeKind`](super::AttributeKind), and, where a change of it can weaken a
/// list with OpenPGP, the [`Weakening`](super::Weakening).
macro_rules! settings {
    (
        $(#[$attribute:meta])*
        pub struct $struct:ident {
            $(
                $(#[doc = $doc:literal])+
                $name:ident: $type:ty = $default:expr, $kind:expr $(, $weakening:expr)?;
            )*
        }
        $(and {
            $(#[doc = $part_doc:literal])+
            $part:ident: $part_type:ty = $part_default:expr;
        })?
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $struct {
            $($(#[doc = $doc])+ pub $name: $type,)*
            $($(#[doc = $part_doc])+ pub $part: $part_type,)?
        }

        impl Default for $struct {
            fn default() -> Self {
                Self { $($name: $default,)* $($part: $part_default,)? }
            }
        }

        impl $struct {
            /// The rows of its settings.
            pub(crate) const ROWS: &[SettingRow<Self>] = &[$(SettingRow {
                name: stringify!($name),
                kind: $kind,
                weakening: first!($($weakening,)? Weakening::Never),
                get: |settings| settings.$name.to_json(),
                load: |settings, value| {
                    settings.$name = SettingValue::from_json(value)?;
                    Some(())
                },
            },)*];
        }
    };
}

macro_rules! first {
    ($first:expr $(, $others:expr)*) => {
        $first
    };
}

pub(crate) use {first, settings};
