//! A message after opening. Its content leaves only through the methods here, none of which prints it.

use sealist_mail::{Entity, Headers, Timestamp, compose, first_text, key_blocks, tamed};
use zeroize::Zeroizing;

use super::budget::TakenRoom;
use super::covered::Covered;
use super::verdict::{SignatureVerdict, ValidSignature};
use super::{Encryption, Unreadable};
use crate::cleartext::Cleartext;

/// What a message is, after decryption and verification. No Debug: it holds what the author wrote.
pub struct Opened {
    encryption: Encryption,
    form: LayerForm,
    layer: OpenedContent,
    /// Room in memory, where much came out.
    _room: Option<TakenRoom>,
}

/// How the OpenPGP layer lies in the message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LayerForm {
    Mime,
    Inline,
}

/// What is kept of the message. Of a signed one that is what the signatures cover and nothing else, so that no octet which was
/// not verified can leave under their verdict.
enum OpenedContent {
    /// No signature: the entity at the root, of the message itself or of what its encryption held.
    Bare(Cleartext),
    Signed(Covered),
}

/// Whether the author's own signature goes with the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepSignature {
    /// Where it can stand by itself.
    Keep,
    /// Taken off.
    Strip,
}

impl Opened {
    pub(super) fn closed(message: &[u8], encryption: Encryption) -> Self {
        Self {
            encryption,
            form: LayerForm::Mime,
            layer: OpenedContent::Bare(Cleartext::new(message.to_vec())),
            _room: None,
        }
    }

    /// Inline OpenPGP that is not to be read: it is inline all the same, whatever decryption said.
    pub(super) fn closed_inline(message: &[u8], why: Unreadable) -> Self {
        Self { form: LayerForm::Inline, ..Self::closed(message, Encryption::Unreadable(why)) }
    }

    /// `entity`: the leaves as one entity, each replaced by what it protects. The verdicts leaf by leaf.
    pub(super) fn inline(
        entity: Cleartext,
        encryption: Encryption,
        verdicts: Vec<Vec<SignatureVerdict>>,
    ) -> Self {
        let layer = Covered::leaves(entity, verdicts).map_or_else(OpenedContent::Bare, OpenedContent::Signed);
        Self { encryption, form: LayerForm::Inline, layer, _room: None }
    }

    pub(super) fn unsigned(entity: Cleartext) -> Self {
        Self {
            encryption: Encryption::Whole,
            form: LayerForm::Mime,
            layer: OpenedContent::Bare(entity),
            _room: None,
        }
    }

    pub(super) fn signed(covered: Covered, encryption: Encryption) -> Self {
        Self { encryption, form: LayerForm::Mime, layer: OpenedContent::Signed(covered), _room: None }
    }

    /// The same, in room that is given back with it.
    pub(super) fn within(self, room: Option<TakenRoom>) -> Self {
        Self { _room: room, ..self }
    }

    /// How it was encrypted.
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// The verdicts on the signatures over the root, in order; empty: unsigned.
    pub fn signatures(&self) -> &[SignatureVerdict] {
        match &self.layer {
            OpenedContent::Bare(_) => &[],
            OpenedContent::Signed(covered) => covered.verdicts(),
        }
    }

    /// Whether its layer is inline OpenPGP.
    pub fn is_inline(&self) -> bool {
        self.form == LayerForm::Inline
    }

    /// The proof that all of it was signed by the author: one signature is good and no other is worse than
    /// by a key that is not the author's (a second signature for other programs says nothing here).
    pub fn valid_signature(&self) -> Option<&ValidSignature> {
        match &self.layer {
            OpenedContent::Bare(_) => None,
            OpenedContent::Signed(covered) => covered.proof(),
        }
    }

    /// When the author signed it. Of several signatures the oldest counts: whoever carried the message here may have set a
    /// younger one beside it. `None` without a proof.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.valid_signature()?;
        self.verified().map(ValidSignature::created_at).min()
    }

    /// Every valid signature, well dated or not, of a message that the author signed as a whole: what the replay record
    /// keeps. A leaf that somebody else put in would tell by the record whether it was opened.
    pub fn verified(&self) -> impl Iterator<Item = &ValidSignature> {
        let covered = match &self.layer {
            OpenedContent::Bare(_) => None,
            OpenedContent::Signed(covered) => Some(covered),
        };
        covered.into_iter().flat_map(Covered::verified)
    }

    /// The header fields that were inside the signature or encryption, if the author's program put them
    /// there (either dialect of header protection).
    pub fn protected_headers(&self) -> Option<Headers> {
        let protects = self.encryption == Encryption::Whole || !self.signatures().is_empty();
        if self.is_inline() || !protects {
            return None;
        }
        compose::protected_headers(&Entity::parse(self.part()))
    }

    /// Those of them that the author signed: `None` without a proof.
    pub fn signed_headers(&self) -> Option<Headers> {
        self.valid_signature()?;
        self.protected_headers()
    }

    /// Keys and revocations in what the layer protects, armored or binary.
    pub fn key_blocks(&self) -> Vec<Vec<u8>> {
        key_blocks(&Entity::parse(self.part()))
    }

    /// The first plain text in what the layer protects; empty if there is none.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(first_text(&Entity::parse(self.part())))
    }

    /// The author's part as a MIME entity: its own `Content-*` header and its body. Of a signed message it holds exactly what
    /// was verified. `entropy` makes the boundary if a signature is set beside it.
    pub fn content(&self, keep: KeepSignature, entropy: [u8; 16]) -> Cleartext {
        if let (OpenedContent::Signed(covered), KeepSignature::Keep) = (&self.layer, keep)
            && let Some(kept) = covered.with_signatures(entropy)
        {
            return kept;
        }
        content_of(self.part())
    }

    /// The author's part without what can change how other parts of a message look ([`sealist_mail::tamed`]); `None` if
    /// it has nothing of the kind. No signature stands over that form.
    pub fn tamed(&self) -> Option<Cleartext> {
        let tame = Cleartext::new(tamed(self.part())?);
        Some(content_of(&tame))
    }

    /// What the layer protects; without one the root itself.
    fn part(&self) -> &[u8] {
        match &self.layer {
            OpenedContent::Bare(entity) => entity,
            OpenedContent::Signed(covered) => covered.part(),
        }
    }
}

/// The entity without what is not of the entity itself.
fn content_of(part: &[u8]) -> Cleartext {
    let entity = Entity::parse(part);
    let mut content = Vec::with_capacity(entity.body.len() + 512);
    entity.content_headers().write_to(&mut content);
    content.extend_from_slice(b"\r\n");
    content.extend_from_slice(entity.body);
    Cleartext::new(content)
}
