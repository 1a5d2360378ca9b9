//! Sealing: the payload of a post once for all its readers, and mail as it streams in.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use sealist_mail::Timestamp;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::serialize::stream::{Encryptor, LiteralWriter, Message, Signer};
use sequoia_openpgp::types::{DataFormat, HashAlgorithm, SignatureType};

use crate::armor;
use crate::keys::{ListKey, StorageCertificate};
use crate::pkesk::{self, CannotEncrypt, KeyIds};
use crate::sealed::{CIPHER, Sealed, SessionKey};

/// Sealing failed: no memory, no random numbers, or a storage key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message could not be sealed")]
pub struct SealError;

impl From<CannotEncrypt> for SealError {
    fn from(_: CannotEncrypt) -> Self {
        Self
    }
}

/// Whether the list's signature lies inside the encryption.
#[derive(Clone, Copy)]
pub enum SignWith<'a> {
    /// Signed with SHA-512 at the given time; names no intended recipients.
    Key(&'a ListKey, Timestamp),
    /// The list does not sign.
    Nobody,
}

/// Seals a post: the payload (a MIME entity) is signed and encrypted once under a fresh session key into one
/// SEIPDv1 packet, the outer header block under the same key into another, and the key is wrapped to the
/// storage key. No compression.
pub fn seal(
    payload: &[u8],
    outer: &[u8],
    sign: SignWith<'_>,
    to: &StorageCertificate,
) -> Result<Sealed, SealError> {
    let session_key = fresh_session_key();
    let wrapped_key = wrap_for_storage(&session_key, to)?;
    let outer = encrypt(outer, SignWith::Nobody, &session_key)?;
    let payload = encrypt(payload, sign, &session_key)?;
    Ok(Sealed::new(wrapped_key, outer, payload))
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

pub(crate) fn fresh_session_key() -> SessionKey {
    SessionKey(crate::random::<32>().to_vec().into())
}

fn wrap_for_storage(session_key: &SessionKey, to: &StorageCertificate) -> Result<Vec<u8>, SealError> {
    let key = to.card().keys.first().ok_or(SealError)?;
    Ok(pkesk::wrap(key, session_key, KeyIds::Named)?)
}

fn encrypt(data: &[u8], sign: SignWith<'_>, session_key: &SessionKey) -> Result<Vec<u8>, SealError> {
    let mut sealed = Vec::with_capacity(data.len() + 1024);
    encrypt_into(&mut sealed, data, sign, session_key).map_err(|_| SealError)?;
    Ok(sealed)
}

fn encrypt_into(
    out: &mut Vec<u8>,
    data: &[u8],
    sign: SignWith<'_>,
    session_key: &SessionKey,
) -> sequoia_openpgp::Result<()> {
    let message = Message::new(out);
    let mut message = Encryptor::with_session_key(message, CIPHER, session_key.0.clone())?.build()?;
    if let SignWith::Key(key, now) = sign {
        let template = SignatureBuilder::new(SignatureType::Binary);
        message = Signer::with_template(message, key.signer(), template)?
            .hash_algo(HashAlgorithm::SHA512)?
            .creation_time(now.to_system_time())
            .build()?;
    }
    let mut literal = LiteralWriter::new(message).format(DataFormat::Binary).build()?;
    literal.write_all(data)?;
    literal.finalize()?;
    Ok(())
}

/// Seals mail as it streams in, so that no more of it than a chunk is in the clear.
pub struct IntakeSealer {
    wrapped_key: Vec<u8>,
    literal: Message<'static>,
    out: Sink,
}

impl IntakeSealer {
    /// Begins a body sealed to that storage key.
    pub fn new(to: &StorageCertificate) -> Result<Self, SealError> {
        let session_key = fresh_session_key();
        let wrapped_key = wrap_for_storage(&session_key, to)?;
        let out = Sink::default();
        let literal = Message::new(out.clone());
        let literal = Encryptor::with_session_key(literal, CIPHER, session_key.0)
            .and_then(Encryptor::build)
            .and_then(|message| LiteralWriter::new(message).format(DataFormat::Binary).build())
            .map_err(|_| SealError)?;
        Ok(Self { wrapped_key, literal, out })
    }

    /// Takes the next bytes.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), SealError> {
        self.literal.write_all(chunk).map_err(|_| SealError)
    }

    /// Ends the body.
    pub fn finish(self) -> Result<Sealed, SealError> {
        self.literal.finalize().map_err(|_| SealError)?;
        let payload = std::mem::take(&mut *self.out.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Sealed::new(self.wrapped_key, Vec::new(), payload))
    }
}

/// Where the sealed bytes collect; the writer stack owns one end.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
