//! A message after opening. Its content is only accessible by the methods in this file, none of which prints
//! it.

use sealist_mail::{Entity, Headers, Timestamp, compose, first_text, key_blocks, tamed};
use zeroize::Zeroizing;

use super::budget::TakenRoom;
use super::covered::Covered;
use super::verdict::{SignatureVerdict, ValidSignature};
use super::{Encryption, Unreadable};
use crate::cleartext::Cleartext;

/// The result of decryption and verification. It holds the author's text, so it has no Debug.
pub struct Opened {
    encryption: Encryption,
    form: LayerForm,
    layer: OpenedContent,
    /// Reserved memory, if the content is large.
    _room: Option<TakenRoom>,
}

/// How the message uses OpenPGP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LayerForm {
    Mime,
    Inline,
}

/// The content that is kept. Of a signed message that is exactly what the signatures cover, so that no
/// unverified octet can leave under their verdict.
enum OpenedContent {
    /// There is no signature: the root entity of the message or of the decrypted content.
    Bare(Cleartext),
    Signed(Covered),
}

/// Whether the author's own signature is kept with the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepSignature {
    /// It is kept if it is valid as a detached signature.
    Keep,
    /// It is removed.
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

    /// Inline OpenPGP that cannot be read. It counts as inline whatever decryption returned.
    pub(super) fn closed_inline(message: &[u8], why: Unreadable) -> Self {
        Self { form: LayerForm::Inline, ..Self::closed(message, Encryption::Unreadable(why)) }
    }

    /// `entity` is the message with each leaf replaced by what it protects. The verdicts are per leaf.
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

    /// Keeps the reserved memory as long as the message.
    pub(super) fn within(self, room: Option<TakenRoom>) -> Self {
        Self { _room: room, ..self }
    }

    /// How it was encrypted.
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// The verdicts on the signatures over the root, in order. Empty if the message is unsigned.
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

    /// The proof that the author signed the whole message: one signature is good, and no other is worse than
    /// one by an unknown key. (A second signature for other programs does not matter here.)
    pub fn valid_signature(&self) -> Option<&ValidSignature> {
        match &self.layer {
            OpenedContent::Bare(_) => None,
            OpenedContent::Signed(covered) => covered.proof(),
        }
    }

    /// When the author signed it. The oldest of several signatures counts, because somebody who sent the
    /// message here may have added a younger one. `None` without a proof.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.valid_signature()?;
        self.verified().map(ValidSignature::created_at).min()
    }

    /// Every valid signature, well dated or not, of a message that the author signed as a whole: these go
    /// into the replay record. A leaf that somebody else added must not count, because the record would
    /// reveal whether it was opened.
    pub fn verified(&self) -> impl Iterator<Item = &ValidSignature> {
        let covered = match &self.layer {
            OpenedContent::Bare(_) => None,
            OpenedContent::Signed(covered) => Some(covered),
        };
        covered.into_iter().flat_map(Covered::verified)
    }

    /// The protected header fields, if the author's program wrote any (in either dialect of header
    /// protection).
    pub fn protected_headers(&self) -> Option<Headers> {
        let protects = self.encryption == Encryption::Whole || !self.signatures().is_empty();
        if self.is_inline() || !protects {
            return None;
        }
        compose::protected_headers(&Entity::parse(self.part()))
    }

    /// The protected header fields that the author signed. `None` without a proof.
    pub fn signed_headers(&self) -> Option<Headers> {
        self.valid_signature()?;
        self.protected_headers()
    }

    /// Keys and revocations in the protected content, armored or binary.
    pub fn key_blocks(&self) -> Vec<Vec<u8>> {
        key_blocks(&Entity::parse(self.part()))
    }

    /// The first plain text of the protected content. Empty if there is none.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(first_text(&Entity::parse(self.part())))
    }

    /// The author's part as a MIME entity: its `Content-*` header and its body. Of a signed message it
    /// contains exactly what was verified. `entropy` makes the boundary if a signature is put beside it.
    pub fn content(&self, keep: KeepSignature, entropy: [u8; 16]) -> Cleartext {
        if let (OpenedContent::Signed(covered), KeepSignature::Keep) = (&self.layer, keep)
            && let Some(kept) = covered.with_signatures(entropy)
        {
            return kept;
        }
        content_of(self.part())
    }

    /// The author's part without anything that can change how other parts of a message look
    /// ([`sealist_mail::tamed`]). `None` if nothing has to be removed. No signature is valid for that form.
    pub fn tamed(&self) -> Option<Cleartext> {
        let tame = Cleartext::new(tamed(self.part())?);
        Some(content_of(&tame))
    }

    /// The protected content or, without protection, the root.
    fn part(&self) -> &[u8] {
        match &self.layer {
            OpenedContent::Bare(entity) => entity,
            OpenedContent::Signed(covered) => covered.part(),
        }
    }
}

/// The entity with only its own header fields.
fn content_of(part: &[u8]) -> Cleartext {
    let entity = Entity::parse(part);
    let mut content = Vec::with_capacity(entity.body.len() + 512);
    entity.content_headers().write_to(&mut content);
    content.extend_from_slice(b"\r\n");
    content.extend_from_slice(entity.body);
    Cleartext::new(content)
}
