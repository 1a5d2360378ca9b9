//! Handler `author-block`: reads whether the list has OpenPGP, and `unaddressed_max_age_h`.
//!
//! A few lines before the author's part: who wrote and what was verified, from our database and our own
//! verdict, never from From or user-id text. They stand inside the list's signature, and name what the author's does not
//! cover. A line behind the author's part says where that ends. Both have a mark that nobody could know before: a block
//! that the author writes lacks it.

use sealist_mail::Headers;

use crate::draft::{ContentForm, PostDraft};
use crate::facts::{EncryptionFact, Signature};
use crate::texts::{Text, context};

const MARK_LETTERS: usize = 8;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    if draft.list.settings.pgp.is_none() {
        return;
    }
    let signature = match draft.facts.signature {
        Signature::Good if draft.facts.is_stale() => "old",
        Signature::Good => "good",
        Signature::None => "none",
        _ => "passed",
    };
    // What is not there needs no signature.
    let has_subject = draft.original.text("subject").is_some_and(|subject| !subject.trim().is_empty());
    let names = |headers: &Headers| headers.count("to") + headers.count("cc") > 0;
    let mark: String = draft.message_id.chars().take(MARK_LETTERS).collect();
    let values = context! {
        name => draft.author.known_name(),
        address => draft.author.mailbox.address.to_string(),
        role => draft.facts.author_role.map(|role| role.name()),
        signature,
        encrypted => draft.facts.encryption == EncryptionFact::Whole,
        subject_signed => !has_subject || draft.subject_is_signed(),
        to_signed => draft.facts.is_addressed() || draft.signed.is_some_and(names),
        tamed => draft.form == ContentForm::Tamed,
        mark,
    };
    // One copy for all readers: in the language of the list.
    let place = draft.texts.place(draft.list, None);
    draft.author_block = Some(draft.texts.lines(Text::AuthorBlock, &place, values));
    draft.author_end = Some(draft.texts.lines(Text::AuthorEnd, &place, context! { mark }));
}
