//! Handlers: the steps that turn a draft into the copies of a post. A handler changes the draft and never
//! decides. There is one file per handler; [`HANDLERS`] names all of them.

mod author_block;
mod autocrypt;
mod avoid_duplicates;
mod cleanse;
mod cook_headers;
mod decorate;
mod dmarc;
mod mark_subject;
mod recipients;
mod reply_to_owner;
mod rfc_2369;
mod subject_prefix;
mod to_archive;

use crate::draft::PostDraft;
pub use decorate::{FOOTER_VALUES, unknown_placeholders};

/// A handler with its name.
pub struct Handler {
    /// The name in pipelines; Mailman's where Mailman has it.
    pub name: &'static str,
    /// What the handler changes, in one line.
    pub description: &'static str,
    /// The change.
    pub apply: fn(&mut PostDraft<'_>),
}

/// All handlers.
pub const HANDLERS: &[Handler] = &[
    Handler {
        name: "cleanse",
        description: "Keeps the author's fields that copies may show.",
        apply: cleanse::apply,
    },
    Handler {
        name: "subject-prefix",
        description: "Puts the list's prefix before the Subject.",
        apply: subject_prefix::apply,
    },
    Handler {
        name: "mark-subject",
        description: "Marks a Subject that nobody signed.",
        apply: mark_subject::apply,
    },
    Handler {
        name: "cook-headers",
        description: "Adds To, Message-ID and the marks against loops.",
        apply: cook_headers::apply,
    },
    Handler { name: "rfc-2369", description: "Adds the List-* fields.", apply: rfc_2369::apply },
    Handler {
        name: "dmarc",
        description: "Sends from the list's address, answers as the list says.",
        apply: dmarc::apply,
    },
    Handler { name: "autocrypt", description: "Shows the list's own key.", apply: autocrypt::apply },
    Handler {
        name: "author-block",
        description: "Says who wrote, and how far that is proven.",
        apply: author_block::apply,
    },
    Handler {
        name: "reply-to-owner",
        description: "Keeps mail for those in charge, and answers to it, off the list.",
        apply: reply_to_owner::apply,
    },
    Handler { name: "decorate", description: "Adds the list's footer.", apply: decorate::apply },
    Handler { name: "member-recipients", description: "Sends to the members.", apply: recipients::members },
    Handler {
        name: "owner-recipients",
        description: "Sends to owners and moderators.",
        apply: recipients::owners,
    },
    Handler {
        name: "avoid-duplicates",
        description: "Leaves out who has it already and wants no copy.",
        apply: avoid_duplicates::apply,
    },
    Handler { name: "to-archive", description: "Keeps the payload.", apply: to_archive::apply },
];

/// The handler of that name.
pub fn named(name: &str) -> Option<&'static Handler> {
    HANDLERS.iter().find(|handler| handler.name == name)
}
