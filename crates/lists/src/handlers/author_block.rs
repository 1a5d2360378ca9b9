//! Handler `author-block`: reads whether the list has OpenPGP, and `unaddressed_max_age_h`.
//!
//! Adds a few lines before the author's part: who wrote it and what was verified. The lines come from our
//! database and our own verdict, never from the From field or a user id. They are covered by the list's
//! signature and say what the author's signature does not cover. A line after the author's part shows where
//! it ends. Both contain a random mark, so that an author cannot imitate them.

use sealist_mail::Headers;

use crate::draft::{ContentForm, PostDraft};
use crate::facts::{EncryptionFact, Signature};
use crate::texts::{Text, context};

const MARK_LETTERS: usize = 8;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    if !draft.list.settings.has_openpgp() {
        return;
    }
    let signature = match draft.facts.signature {
        Signature::Good if draft.facts.is_stale() => "old",
        Signature::Good => "good",
        Signature::None => "none",
        _ => "passed",
    };
    // A missing Subject needs no signature.
    let has_subject = draft.original().text("subject").is_some_and(|subject| !subject.trim().is_empty());
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
    // All recipients get the same copy, so it is written in the language of the list.
    let place = draft.texts.place(draft.list, None);
    draft.author_block = Some(draft.texts.lines(Text::AuthorBlock, &place, values));
    draft.author_end = Some(draft.texts.lines(Text::AuthorEnd, &place, context! { mark }));
}
