//! A message after opening. Its content leaves only through the methods here, none of which prints it.

use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Boundary, Entity, Headers, Timestamp, compose, first_text, is_crlf, key_blocks};
use zeroize::Zeroizing;

use super::budget::Budget;
use super::decrypt::Decrypted;
use super::verdict::{SignatureVerdict, ValidSignature};
use super::{Encryption, Unreadable, verify};
use crate::armor;
use crate::certificate::Certificate;
use crate::cleartext::Cleartext;

/// What a message is, after decryption and verification. No Debug: it holds what the author wrote.
pub struct Opened {
    encryption: Encryption,
    /// Inline OpenPGP: what `signed_part` would be, where that is not the root itself.
    form: Form,
    signatures: Vec<SignatureVerdict>,
    /// Whether they stand over all of it together or each over a part.
    covers: Covers,
    /// The entity at the root: of the message itself, or what its encryption held.
    entity: Cleartext,
    /// The OpenPGP layer's own signature, where it also stands as a detached one.
    detached: Option<ValidSignature>,
}

/// How the OpenPGP layer lies in the message.
enum Form {
    Mime,
    Inline {
        /// What cleartext signatures protect, without their blocks.
        bare: Option<Cleartext>,
    },
}

/// What the signatures of a message stand over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Covers {
    All,
    /// Inline leaves, each signed by the author, of which not each is well dated or free of other signatures.
    AllInDoubt,
    /// Inline leaves of which not each is signed by the author.
    Parts,
}

fn verified(verdicts: &[SignatureVerdict]) -> impl Iterator<Item = &ValidSignature> {
    verdicts.iter().filter_map(|verdict| match verdict {
        SignatureVerdict::Good(valid) | SignatureVerdict::WrongDate(valid) => Some(valid),
        _ => None,
    })
}

/// One signature is good and no other is worse than by a key that is not the author's.
fn proof(verdicts: &[SignatureVerdict]) -> Option<&ValidSignature> {
    let mut proof = None;
    for verdict in verdicts {
        match verdict {
            SignatureVerdict::Good(valid) => proof = proof.or(Some(valid)),
            SignatureVerdict::UnknownKey => {}
            _ => return None,
        }
    }
    proof
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
            form: Form::Mime,
            signatures: Vec::new(),
            covers: Covers::All,
            entity: Cleartext::new(message.to_vec()),
            detached: None,
        }
    }

    /// Inline OpenPGP that is not to be read: it is inline all the same, whatever decryption said.
    pub(super) fn closed_inline(message: &[u8], why: Unreadable) -> Self {
        Self { form: Form::Inline { bare: None }, ..Self::closed(message, Encryption::Unreadable(why)) }
    }

    /// `entity`: the root as it may travel. `bare`: the same without cleartext signatures. The verdicts leaf by leaf:
    /// one without a signature leaves the message without one, one that is not the author's leaves it not proven.
    pub(super) fn inline(
        entity: Cleartext,
        bare: Option<Cleartext>,
        encryption: Encryption,
        verdicts: Vec<Vec<SignatureVerdict>>,
    ) -> Self {
        let each = verdicts.iter().all(|leaf| proof(leaf).is_some());
        let covers = match verdicts.iter().all(|leaf| verified(leaf).next().is_some()) {
            _ if each => Covers::All,
            true => Covers::AllInDoubt,
            false => Covers::Parts,
        };
        let all = if verdicts.iter().any(Vec::is_empty) { Vec::new() } else { verdicts.concat() };
        Self { form: Form::Inline { bare }, covers, ..Self::signed(entity, encryption, all) }
    }

    pub(super) fn unsigned(entity: Cleartext) -> Self {
        Self { entity, ..Self::closed(b"", Encryption::Whole) }
    }

    pub(super) fn signed(
        entity: Cleartext,
        encryption: Encryption,
        signatures: Vec<SignatureVerdict>,
    ) -> Self {
        Self { entity, signatures, ..Self::closed(b"", encryption) }
    }

    /// Signed and encrypted in one OpenPGP message ([RFC 3156, section 6.2]). The signature is kept as a
    /// detached one only if it verifies over the entity as it will travel, with CRLF line ends.
    pub(super) fn combined(
        decrypted: Decrypted,
        signers: &[Certificate],
        now: Timestamp,
        budget: &mut Budget,
    ) -> Self {
        let detached = match &decrypted.verdicts[..] {
            [SignatureVerdict::Good(valid) | SignatureVerdict::WrongDate(valid)]
                if is_crlf(&decrypted.content) =>
            {
                let again = verify::verdicts(&decrypted.content, valid.packet(), signers, now, budget);
                matches!(again[..], [SignatureVerdict::Good(_) | SignatureVerdict::WrongDate(_)])
                    .then(|| valid.clone())
            }
            _ => None,
        };
        Self { detached, ..Self::signed(decrypted.content, Encryption::Whole, decrypted.verdicts) }
    }

    /// How it was encrypted.
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// The verdicts on the signatures over the root, in order; empty: unsigned.
    pub fn signatures(&self) -> &[SignatureVerdict] {
        &self.signatures
    }

    /// Whether its layer is inline OpenPGP.
    pub fn is_inline(&self) -> bool {
        matches!(self.form, Form::Inline { .. })
    }

    /// The proof that all of it was signed by the author: one signature is good and no other is worse than
    /// by a key that is not the author's (a second signature for other programs says nothing here).
    pub fn valid_signature(&self) -> Option<&ValidSignature> {
        proof(&self.signatures).filter(|_| self.covers == Covers::All)
    }

    /// Every valid signature, well dated or not, of a message that the author signed as a whole: what the replay record
    /// keeps. A leaf that somebody else put in would tell by the record whether it was opened.
    pub fn verified(&self) -> impl Iterator<Item = &ValidSignature> {
        verified(&self.signatures).filter(|_| self.covers != Covers::Parts)
    }

    /// The header fields that were inside the signature or encryption, if the author's program put them
    /// there (either dialect of header protection).
    pub fn protected_headers(&self) -> Option<Headers> {
        if self.is_inline() || self.encryption != Encryption::Whole && self.signatures.is_empty() {
            return None;
        }
        compose::protected_headers(&Entity::parse(self.signed_part()))
    }

    /// Keys and revocations in what the layer protects, armored or binary.
    pub fn key_blocks(&self) -> Vec<Vec<u8>> {
        key_blocks(&Entity::parse(self.signed_part()))
    }

    /// The first plain text in what the layer protects; empty if there is none.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(first_text(&Entity::parse(self.signed_part())))
    }

    /// The author's part as a MIME entity: its own `Content-*` header and its body. `entropy` makes the
    /// boundary if a signature is set beside it.
    pub fn content(&self, keep: KeepSignature, entropy: [u8; 16]) -> Cleartext {
        let entity = match (keep, &self.detached) {
            (KeepSignature::Keep, Some(signature)) => {
                let boundary = Boundary::from_entropy(entropy);
                let armored = armor::block("SIGNATURE", signature.packet());
                return Cleartext::new(compose::signed(
                    &self.entity,
                    &armored,
                    &signature.micalg(),
                    &boundary,
                ));
            }
            (KeepSignature::Keep, None) => &self.entity[..],
            (KeepSignature::Strip, _) => self.signed_part(),
        };
        let entity = Entity::parse(entity);
        let mut content = Vec::with_capacity(entity.body.len() + 512);
        entity.content_headers().write_to(&mut content);
        content.extend_from_slice(b"\r\n");
        content.extend_from_slice(entity.body);
        Cleartext::new(content)
    }

    /// Inside a detached-signed root: exactly what is signed; else the root itself.
    fn signed_part(&self) -> &[u8] {
        if let Form::Inline { bare } = &self.form {
            return bare.as_ref().unwrap_or(&self.entity);
        }
        match classify(&self.entity) {
            Shape::Signed { signed, .. } if self.detached.is_none() => signed,
            _ => &self.entity,
        }
    }
}
