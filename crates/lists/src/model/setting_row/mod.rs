//! How a setting is declared: one row with its name, type, default and kind, and the direction of change that
//! weakens a list. `attributes` says what can be done with a setting by its name.

mod declare;
mod kind;
mod weakening;

use serde_json::Value;

pub(crate) use declare::{SettingValue, first, settings};
pub(crate) use kind::{ACTION, BOOL, WORKFLOW, days, hours, number};
pub use kind::{AttributeKind, TimeUnit};
pub(crate) use weakening::PASSES;
pub use weakening::Weakening;

/// A setting among those of `T`.
pub(crate) struct SettingRow<T: 'static> {
    /// The name.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: AttributeKind,
    /// Which change of it weakens a list with OpenPGP.
    pub(crate) weakening: Weakening,
    /// The value.
    pub(crate) get: fn(&T) -> Value,
    /// Takes a value as it is stored; `None`, with nothing changed, if this version does not know it.
    pub(crate) load: fn(&mut T, &Value) -> Option<()>,
}
