//! Pipelines: the handlers that make the copies of an accepted post, in order.

use crate::draft::PostDraft;
use crate::handlers::Handler;
use crate::rows::{NamedRow, NamedRows};

/// A pipeline with its name.
pub struct Pipeline {
    /// The name in `posting_pipeline`.
    pub name: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// The names of its handlers, in order.
    pub handlers: &'static [&'static str],
}

/// All built-in pipelines.
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

impl NamedRow for Pipeline {
    const KIND: &'static str = "pipeline";

    fn name(&self) -> &'static str {
        self.name
    }
}

impl Pipeline {
    /// A handler that every pipeline runs, but not this one, or not in the order of the built-in ones:
    /// without it, a copy could show what nobody signed as an author's words. Other handlers may stand
    /// between.
    pub(crate) fn skipped(&self) -> Option<&'static str> {
        let mut first_skipped = None;
        for model in PIPELINES {
            let mut left = self.handlers.iter();
            match model.handlers.iter().find(|handler| !left.any(|own| own == *handler)) {
                None => return None,
                Some(handler) => first_skipped = first_skipped.or(Some(*handler)),
            }
        }
        first_skipped
    }

    /// Runs all handlers over the draft.
    pub fn run(&self, handlers: &NamedRows<Handler>, draft: &mut PostDraft<'_>) {
        for handler in self.handlers.iter().filter_map(|name| handlers.named(name)) {
            handler.action.run(draft);
        }
    }
}
