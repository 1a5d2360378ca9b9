//! Keeps of a message only what its signatures cover: no text beside it, no field around it, and no unsigned
//! data in a signature packet.

use sealist_mail::{Boundary, compose, has_doubtful_lines, is_signed_part, is_wire_form, to_crlf};

use super::budget::OpeningBudget;
use super::decrypt::Decrypted;
use super::signers::Signers;
use super::verdict::{SignatureVerdict, ValidSignature};
use super::verify;
use crate::armor;
use crate::cleartext::Cleartext;

/// Octets with the verdicts on the signatures over exactly these octets. Only the functions in this file make
/// one, and each verifies the octets that it keeps.
pub(super) struct Covered {
    /// An entity in wire form.
    part: Cleartext,
    verdicts: Vec<SignatureVerdict>,
    covers: Covers,
    /// The author's signatures that are also valid as detached signatures over `part`.
    detached: Vec<ValidSignature>,
}

/// What the signatures of a message cover.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Covers {
    All,
    /// Several inline leaves, each signed by the author, or one leaf whose signature is wrongly dated or
    /// stands beside bad ones. Somebody else may have put several leaves together, so they prove nothing as a
    /// whole.
    AllInDoubt,
    /// Inline leaves that are not all signed by the author.
    Parts,
}

impl Covered {
    /// Verifies detached signatures over `part`. `None`: programs could split its lines in two ways.
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

    /// Content that was signed and encrypted in one OpenPGP message ([RFC 3156, section 6.2]). The content is
    /// verified as it is, and only then its line ends become CRLF. A signature is kept as a detached one only
    /// if it is valid for that form, too. `None`: programs could split the lines in two ways, or the content
    /// does not begin with the header of a part.
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

    /// Inline leaves, joined from their verified texts, with the verdicts per leaf. If a leaf has no
    /// signature, the message counts as unsigned (`Err` with the entity). Only a single leaf is proven,
    /// because no signature covers several leaves together.
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

    /// The valid signatures, well dated or not, if together they cover everything.
    pub(super) fn verified(&self) -> impl Iterator<Item = &ValidSignature> {
        let verdicts = if self.covers == Covers::Parts { &[][..] } else { &self.verdicts };
        verdicts.iter().filter_map(SignatureVerdict::valid)
    }

    /// The part in a multipart/signed of our own. `None` if no signature is valid as a detached one.
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

/// One signature is good, and no other is worse than one by an unknown key.
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
