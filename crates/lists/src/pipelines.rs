//! Pipelines: the handlers that make the copies of an accepted post, in order.

use crate::draft::PostDraft;
use crate::handlers;

/// A pipeline with its name.
pub struct Pipeline {
    /// The name in `posting_pipeline`.
    pub name: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// The names of its handlers, in order.
    pub handlers: &'static [&'static str],
}

/// All pipelines.
pub const PIPELINES: &[Pipeline] = &[
    Pipeline {
        name: "default-posting-pipeline",
        description: "A post to the members.",
        handlers: &[
            "cleanse",
            "subject-prefix",
            "mark-subject",
            "cook-headers",
            "rfc-2369",
            "dmarc",
            "autocrypt",
            "author-block",
            "decorate",
            "member-recipients",
            "avoid-duplicates",
            "to-archive",
        ],
    },
    Pipeline {
        name: "owner-pipeline",
        description: "Mail to the people in charge.",
        handlers: &[
            "cleanse",
            "mark-subject",
            "cook-headers",
            "rfc-2369",
            "dmarc",
            "autocrypt",
            "author-block",
            "reply-to-owner",
            "owner-recipients",
        ],
    },
];

/// The pipeline of that name.
pub fn named(name: &str) -> Option<&'static Pipeline> {
    PIPELINES.iter().find(|pipeline| pipeline.name == name)
}

impl Pipeline {
    /// Runs all handlers over the draft.
    pub fn run(&self, draft: &mut PostDraft<'_>) {
        for handler in self.handlers.iter().filter_map(|name| handlers::named(name)) {
            (handler.apply)(draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handler_exists_and_is_used() {
        for pipeline in PIPELINES {
            for name in pipeline.handlers {
                assert!(handlers::named(name).is_some(), "{name} of {}", pipeline.name);
            }
        }
        for handler in handlers::HANDLERS {
            assert!(PIPELINES.iter().any(|p| p.handlers.contains(&handler.name)), "{}", handler.name);
        }
    }
}
