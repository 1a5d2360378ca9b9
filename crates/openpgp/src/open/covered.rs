//! What signatures cover, and nothing else of the message that brought it: no text beside it, no field around it, nothing
//! of a signature packet that is not signed.

use sealist_mail::{Boundary, compose, has_doubtful_lines, is_signed_part, is_wire_form, to_crlf};

use super::budget::OpeningBudget;
use super::decrypt::Decrypted;
use super::signers::Signers;
use super::verdict::{SignatureVerdict, ValidSignature};
use super::verify;
use crate::armor;
use crate::cleartext::Cleartext;

/// Octets with the verdicts on the signatures over exactly them. Only the functions here make one, and each verifies the
/// very octets that it keeps.
pub(super) struct Covered {
    /// An entity in wire form.
    part: Cleartext,
    verdicts: Vec<SignatureVerdict>,
    covers: Covers,
    /// Those of the author that also stand by themselves over `part`.
    detached: Vec<ValidSignature>,
}

/// What the signatures of a message stand over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Covers {
    All,
    /// Inline leaves, each signed by the author. There are several, so that whoever carried them here may have put them
    /// together, or the one is not well dated or not free of other signatures.
    AllInDoubt,
    /// Inline leaves of which not each is signed by the author.
    Parts,
}

impl Covered {
    /// Verifies detached signatures over `part`. `None`: readers could split its lines in two ways.
    pub(super) fn detached(
        part: &[u8],
        signatures: &[Vec<u8>],
        signers: &Signers<'_>,
        budget: &mut OpeningBudget,
    ) -> Option<Self> {
        if !is_wire_form(part) {
            return None;
        }
        let verdicts = verify::all_detached(part, signatures, signers, budget);
        let detached = of_author(&verdicts);
        Some(Self { part: Cleartext::new(part.to_vec()), verdicts, covers: Covers::All, detached })
    }

    /// Signed and encrypted in one OpenPGP message ([RFC 3156, section 6.2]): what came out was verified octet by octet, and
    /// only then its line ends become CRLF. A signature is kept as a detached one only if it verifies over that form too.
    /// `None`: readers could split its lines in two ways, or it does not begin with the header of a part.
    pub(super) fn combined(
        decrypted: Decrypted,
        signers: &Signers<'_>,
        budget: &mut OpeningBudget,
    ) -> Option<Self> {
        let Decrypted { content, verdicts } = decrypted;
        if has_doubtful_lines(&content) {
            return None;
        }
        let part = in_wire_form(content);
        if !is_signed_part(&part) {
            return None;
        }
        let stands = |valid: &ValidSignature| {
            !of_author(&verify::verdicts(&part, valid.packet(), signers, budget)).is_empty()
        };
        let mut detached = of_author(&verdicts);
        detached.retain(stands);
        Some(Self { part, verdicts, covers: Covers::All, detached })
    }

    /// Inline leaves, put together again of what was verified; the verdicts leaf by leaf. One without a signature leaves the
    /// message without one (`Err` with the entity). Only one leaf alone is proven: no signature stands over what several of
    /// them say together.
    pub(super) fn leaves(part: Cleartext, verdicts: Vec<Vec<SignatureVerdict>>) -> Result<Self, Cleartext> {
        if verdicts.is_empty() || verdicts.iter().any(Vec::is_empty) {
            return Err(part);
        }
        let covers = match verdicts.iter().all(|leaf| leaf.iter().any(|one| one.valid().is_some())) {
            true if verdicts.len() == 1 && proof(&verdicts[0]).is_some() => Covers::All,
            true => Covers::AllInDoubt,
            false => Covers::Parts,
        };
        Ok(Self { part, verdicts: verdicts.concat(), covers, detached: Vec::new() })
    }

    pub(super) fn part(&self) -> &Cleartext {
        &self.part
    }

    pub(super) fn verdicts(&self) -> &[SignatureVerdict] {
        &self.verdicts
    }

    pub(super) fn proof(&self) -> Option<&ValidSignature> {
        proof(&self.verdicts).filter(|_| self.covers == Covers::All)
    }

    /// The valid signatures, well dated or not, if together they stand over all.
    pub(super) fn verified(&self) -> impl Iterator<Item = &ValidSignature> {
        let verdicts = if self.covers == Covers::Parts { &[][..] } else { &self.verdicts };
        verdicts.iter().filter_map(SignatureVerdict::valid)
    }

    /// The part within a multipart/signed of our own; `None` if no signature stands by itself over it.
    pub(super) fn with_signatures(&self, entropy: [u8; 16]) -> Option<Cleartext> {
        if self.detached.is_empty() {
            return None;
        }
        let packets: Vec<u8> = self.detached.iter().flat_map(ValidSignature::packet).copied().collect();
        let mut micalg: Vec<String> = self.detached.iter().map(ValidSignature::micalg).collect();
        micalg.dedup();
        let armored = armor::block("SIGNATURE", &packets);
        let boundary = Boundary::from_entropy(entropy);
        Some(Cleartext::new(compose::signed(&self.part, &armored, &micalg.join(","), &boundary)))
    }
}

pub(super) fn in_wire_form(content: Cleartext) -> Cleartext {
    match to_crlf(&content) {
        std::borrow::Cow::Borrowed(_) => content,
        std::borrow::Cow::Owned(converted) => Cleartext::new(converted),
    }
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

/// The valid signatures of the certificate that made the first of them.
fn of_author(verdicts: &[SignatureVerdict]) -> Vec<ValidSignature> {
    let valid: Vec<&ValidSignature> = verdicts.iter().filter_map(SignatureVerdict::valid).collect();
    let Some(first) = valid.first() else { return Vec::new() };
    valid.iter().filter(|one| one.certificate() == first.certificate()).copied().cloned().collect()
}
