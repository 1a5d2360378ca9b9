//! Handler `author-block`: reads whether the list has OpenPGP.
//!
//! A few lines before the author's part: who wrote and what was verified, from our database and our own
//! verdict, never from From or user-id text. They stand inside the list's signature.

use crate::draft::Draft;
use crate::texts::{self, Text};

pub(super) fn apply(draft: &mut Draft<'_>) {
    if draft.list.settings.pgp.is_none() {
        return;
    }
    let (signature, encryption) = draft.verdict();
    let block = texts::render(
        Text::AuthorBlock,
        texts::context! {
            name => draft.author.known_name(),
            address => draft.author.mailbox.address.to_string(),
            role => draft.facts.author_role.map(|role| role.name()),
            signature,
            encryption,
        },
    );
    draft.author_block = Some(block);
}
