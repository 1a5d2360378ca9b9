//! Handler `author-block`: reads whether the list has OpenPGP.
//!
//! A few lines before the author's part: who wrote and what was verified, from our database and our own
//! verdict, never from From or user-id text. They stand inside the list's signature.

use crate::draft::Draft;
use crate::facts::{Encryption, Signature};
use crate::texts::{Text, context};

pub(super) fn apply(draft: &mut Draft<'_>) {
    if draft.list.settings.pgp.is_none() {
        return;
    }
    let signature = match draft.facts.signature {
        Signature::Good => "good",
        Signature::None => "none",
        _ => "passed",
    };
    let values = context! {
        name => draft.author.known_name(),
        address => draft.author.mailbox.address.to_string(),
        role => draft.facts.author_role.map(|role| role.name()),
        signature,
        encrypted => draft.facts.encryption == Encryption::Whole,
    };
    // One copy for all readers: in the language of the list.
    let place = draft.texts.place(draft.list, None);
    draft.author_block = Some(draft.texts.lines(Text::AuthorBlock, &place, values));
}
