//! Which values an attribute takes by its kind, how people write them, and how that is said.

use serde_json::Value;

use super::AttributeKind;
use crate::registry::Registry;
use crate::texts::Language;

impl AttributeKind {
    /// What it takes, behind "it takes".
    pub fn allowed(&self, registry: &Registry) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Int { least, most } => format!("a whole number from {least} to {most}"),
            Self::Duration { unit, least, most } => {
                format!("a whole number of {} from {least} to {most}", unit.name())
            }
            Self::Line { most_octets } => format!("one line of at most {most_octets} octets"),
            Self::Text { most_octets } => format!("a text of at most {most_octets} octets"),
            Self::OneOf(names) => format!("one of {}", names.join(", ")),
            Self::Set(names) => {
                let example = serde_json::to_string(&names[..names.len().min(2)]).unwrap_or_default();
                format!("a list like {example} of {}", names.join(", "))
            }
            Self::Chain => format!("the name of a chain: {}", registry.chains.names()),
            Self::Pipeline => format!("the name of a pipeline: {}", registry.pipelines.names()),
            Self::Workflow => "the name of a workflow; `sealist workflows` lists them".to_owned(),
            Self::Workflows => {
                r#"a table like {"name": ["sanity-checks", "moderation-checks", "do-it"]}"#.to_owned()
            }
            Self::Language => format!("{} or nothing", Language::NAMES.join(", ")),
        }
    }

    /// Whether it takes that value.
    pub fn takes(&self, registry: &Registry, value: &Value) -> bool {
        let is_within = |least: &u32, most: &u32| {
            value.as_u64().is_some_and(|number| (u64::from(*least)..=u64::from(*most)).contains(&number))
        };
        let is_text = |takes: &dyn Fn(&str) -> bool| value.as_str().is_some_and(takes);
        match self {
            Self::Bool => value.is_boolean(),
            Self::Int { least, most } | Self::Duration { least, most, .. } => is_within(least, most),
            Self::Line { most_octets } => {
                is_text(&|text| text.len() <= *most_octets && !text.chars().any(char::is_control))
            }
            Self::Text { most_octets } => is_text(&|text| text.len() <= *most_octets),
            Self::OneOf(names) => is_text(&|text| names.contains(&text)),
            Self::Set(names) => value.as_array().is_some_and(|items| {
                let is_known = |item: &Value| item.as_str().is_some_and(|name| names.contains(&name));
                items.iter().all(is_known)
            }),
            Self::Chain => is_text(&|name| registry.chains.named(name).is_some()),
            Self::Pipeline => is_text(&|name| registry.pipelines.named(name).is_some()),
            Self::Workflow => is_text(&|name| !name.is_empty()),
            Self::Workflows => value.is_object(),
            Self::Language => is_text(&|name| name.is_empty() || Language::from_name(name).is_some()),
        }
    }

    /// The value that people write so: as JSON, or a text as it is. `None`: the attribute does not take it.
    pub fn read(&self, registry: &Registry, written: &str) -> Option<Value> {
        let json = serde_json::from_str::<Value>(written).ok();
        json.into_iter().chain([Value::from(written)]).find(|value| self.takes(registry, value))
    }
}
