//! Seals: the payload of a post once for all its recipients, and mail while it arrives.

use std::io::Write as _;

use sealist_mail::Timestamp;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::packet::{OnePassSig, Packet};
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::serialize::stream::{Message, Signer};
use sequoia_openpgp::types::{HashAlgorithm, SignatureType};

use crate::armor;
use crate::card::SealingCard;
use crate::copies::{CopyArmor, SealedPost};
use crate::family::Family;
use crate::keys::{ListKey, StorageCertificate, StorageKey};
use crate::pkesk::{self, CannotEncrypt, KeyIds};
use crate::sealed::Sealed;
use crate::seipd::{self, CannotWrite, SeipdWriter};
use crate::seipd2;
use crate::session_key::{SessionKey, fresh_session_key};

/// Sealing failed: there is no memory, there are no random numbers, or the storage key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message could not be sealed")]
pub struct SealError;

impl From<CannotEncrypt> for SealError {
    fn from(_: CannotEncrypt) -> Self {
        Self
    }
}

impl From<CannotWrite> for SealError {
    fn from(_: CannotWrite) -> Self {
        Self
    }
}

/// Whether the list signs inside the encryption.
#[derive(Clone, Copy)]
pub enum SignWith<'a> {
    /// It signs with SHA-512 at the given time, without intended recipients.
    Key(&'a ListKey, Timestamp),
    /// The list does not sign.
    Nobody,
}

/// Seals a post. The payload (a MIME entity) is signed and encrypted once under a fresh session key into one
/// SEIPDv1 packet; the outer header block is encrypted under the same key into another. The session key is
/// encrypted to the storage key. Nothing is compressed.
pub fn seal(
    payload: &[u8],
    outer: &[u8],
    sign: SignWith<'_>,
    to: &StorageCertificate,
) -> Result<Sealed, SealError> {
    let session_key = fresh_session_key();
    let wrapped_key = wrap_for_storage(&session_key, to)?;
    let outer = encrypt(outer, SignWith::Nobody, &session_key, Family::V4)?;
    let payload = encrypt(payload, sign, &session_key, Family::V4)?;
    Ok(Sealed::new(wrapped_key, outer, payload))
}

/// Seals a copy with a session key of its own, for a payload that only this recipient gets.
pub fn seal_copy(
    payload: &[u8],
    sign: SignWith<'_>,
    reader: &SealingCard,
    ids: KeyIds,
) -> Result<CopyArmor, SealError> {
    let session_key = fresh_session_key();
    let body = encrypt(payload, sign, &session_key, reader.family())?;
    let alone = Sealed::new(Vec::new(), Vec::new(), body);
    Ok(SealedPost::new(alone, session_key, ids).copy(&[reader])?)
}

impl StorageKey {
    /// Encrypts the same payload with its signature again, for recipients of version 6, under a fresh session
    /// key. The outer header block stays with the first form.
    pub fn reseal(&self, sealed: &Sealed) -> Result<Sealed, SealError> {
        let opened = self.session_key(sealed).map_err(|_| SealError)?;
        let inner = seipd::inner(&opened, sealed.payload()).ok_or(SealError)?;
        let session_key = fresh_session_key();
        let wrapped_key = wrap_for_storage(&session_key, &self.certificate())?;
        Ok(Sealed::new(wrapped_key, Vec::new(), seipd2::write(&session_key, &[&inner])?))
    }
}

/// An armored detached signature of the list over exactly those bytes, with SHA-512 (micalg `pgp-sha512`).
pub fn sign_detached(entity: &[u8], key: &ListKey, now: Timestamp) -> Result<Vec<u8>, SealError> {
    let mut packet = Vec::new();
    sign_into(&mut packet, entity, key, now).map_err(|_| SealError)?;
    Ok(armor::block("SIGNATURE", &packet))
}

fn sign_into(out: &mut Vec<u8>, entity: &[u8], key: &ListKey, now: Timestamp) -> sequoia_openpgp::Result<()> {
    let template = SignatureBuilder::new(SignatureType::Binary);
    let mut message = Signer::with_template(Message::new(out), key.signer(), template)?
        .hash_algo(HashAlgorithm::SHA512)?
        .creation_time(now.to_system_time())
        .detached()
        .build()?;
    message.write_all(entity)?;
    message.finalize()
}

fn wrap_for_storage(session_key: &SessionKey, to: &StorageCertificate) -> Result<Vec<u8>, SealError> {
    let key = to.card().keys().next().ok_or(SealError)?;
    Ok(pkesk::wrap(key, session_key, KeyIds::Named)?)
}

/// One SEIPD packet with the literal data and, if the list signs, its signature.
fn encrypt(
    data: &[u8],
    sign: SignWith<'_>,
    session_key: &SessionKey,
    family: Family,
) -> Result<Vec<u8>, SealError> {
    let (before, behind) = match sign {
        SignWith::Key(key, now) => one_pass_signature(data, key, now).map_err(|_| SealError)?,
        SignWith::Nobody => (Vec::new(), Vec::new()),
    };
    let head = seipd::literal_head(Some(data.len()))?;
    let packets = [&before[..], &head, data, &behind];
    Ok(match family {
        Family::V4 => seipd::write(session_key, &packets)?,
        Family::V6 => seipd2::write(session_key, &packets)?,
    })
}

/// The packets before and after the literal data ([RFC 9580, section 5.4]).
fn one_pass_signature(
    data: &[u8],
    key: &ListKey,
    now: Timestamp,
) -> sequoia_openpgp::Result<(Vec<u8>, Vec<u8>)> {
    let signature = SignatureBuilder::new(SignatureType::Binary)
        .set_hash_algo(HashAlgorithm::SHA512)
        .set_signature_creation_time(now.to_system_time())?
        .sign_message(&mut key.signer(), data)?;
    let mut announced = OnePassSig::try_from(&signature)?;
    announced.set_last(true);
    Ok((Packet::from(announced).to_vec()?, Packet::from(signature).to_vec()?))
}

/// Seals mail while it arrives, so that at most one chunk of it is unencrypted.
pub struct IntakeSealer {
    wrapped_key: Vec<u8>,
    writer: SeipdWriter,
}

impl IntakeSealer {
    /// Starts a body that is sealed to that storage key.
    pub fn new(to: &StorageCertificate) -> Result<Self, SealError> {
        let session_key = fresh_session_key();
        let wrapped_key = wrap_for_storage(&session_key, to)?;
        let mut writer = SeipdWriter::new(&session_key, 0)?;
        writer.write(&seipd::literal_head(None)?)?;
        Ok(Self { wrapped_key, writer })
    }

    /// Encrypts the next bytes.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), SealError> {
        Ok(self.writer.write(chunk)?)
    }

    /// How many octets of the sealed payload are still in the buffer.
    pub fn octets(&self) -> usize {
        self.writer.octets()
    }

    /// Removes `octets` octets of the sealed payload from the buffer, after its first octets, and returns
    /// them.
    pub fn take_behind(&mut self, octets: usize) -> Vec<u8> {
        self.writer.take_behind(octets)
    }

    /// Ends the body. Octets that were removed are missing in the payload: they belong after its first
    /// octets.
    pub fn finish(self) -> Result<Sealed, SealError> {
        Ok(Sealed::new(self.wrapped_key, Vec::new(), self.writer.finish()?))
    }
}
