//! Handlers: the steps that turn a draft into the copies of a post. A handler changes the draft and never
//! decides. There is one file per handler; [`HANDLERS`] names all that are built in.

mod author_block;
mod autocrypt;
mod avoid_duplicates;
mod cleanse;
mod cook_headers;
mod decorate;
mod dmarc;
mod edits;
mod mark_subject;
mod recipients;
mod reply_to_owner;
mod rfc_2369;
mod subject_prefix;
mod to_archive;

use crate::rows::NamedRow;
pub use decorate::{FOOTER_VALUES, unknown_placeholders};
pub use edits::{Edit, HandlerAction};

/// A handler with its name.
pub struct Handler {
    /// The name in pipelines; Mailman's where Mailman has it.
    pub name: &'static str,
    /// What the handler changes, in one line.
    pub description: &'static str,
    /// The change.
    pub action: HandlerAction,
}

/// All built-in handlers.
pub const HANDLERS: &[Handler] = &[
    Handler {
        name: "cleanse",
        description: "Keeps the author's fields that copies may show.",
        action: HandlerAction::Change(cleanse::apply),
    },
    Handler {
        name: "subject-prefix",
        description: "Puts the list's prefix before the Subject.",
        action: HandlerAction::Change(subject_prefix::apply),
    },
    Handler {
        name: "mark-subject",
        description: "Marks a Subject that nobody signed.",
        action: HandlerAction::Change(mark_subject::apply),
    },
    Handler {
        name: "cook-headers",
        description: "Adds To, Message-ID and the marks against loops.",
        action: HandlerAction::Change(cook_headers::apply),
    },
    Handler {
        name: "rfc-2369",
        description: "Adds the List-* fields.",
        action: HandlerAction::Change(rfc_2369::apply),
    },
    Handler {
        name: "dmarc",
        description: "Sends from the list's address, answers as the list says.",
        action: HandlerAction::Change(dmarc::apply),
    },
    Handler {
        name: "autocrypt",
        description: "Shows the list's own key.",
        action: HandlerAction::Change(autocrypt::apply),
    },
    Handler {
        name: "author-block",
        description: "Says who wrote, and how far that is proven.",
        action: HandlerAction::Change(author_block::apply),
    },
    Handler {
        name: "reply-to-owner",
        description: "Keeps mail for those in charge, and answers to it, off the list.",
        action: HandlerAction::Change(reply_to_owner::apply),
    },
    Handler {
        name: "decorate",
        description: "Adds the list's footer.",
        action: HandlerAction::Change(decorate::apply),
    },
    Handler {
        name: "member-recipients",
        description: "Sends to the members.",
        action: HandlerAction::Change(recipients::members),
    },
    Handler {
        name: "owner-recipients",
        description: "Sends to owners and moderators.",
        action: HandlerAction::Change(recipients::owners),
    },
    Handler {
        name: "avoid-duplicates",
        description: "Leaves out who has it already and wants no copy.",
        action: HandlerAction::Change(avoid_duplicates::apply),
    },
    Handler {
        name: "to-archive",
        description: "Keeps the payload.",
        action: HandlerAction::Change(to_archive::apply),
    },
];

impl NamedRow for Handler {
    const KIND: &'static str = "handler";

    fn name(&self) -> &'static str {
        self.name
    }
}
