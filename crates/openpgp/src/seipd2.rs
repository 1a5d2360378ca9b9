//! Writes SEIPD version 2 with the library ([RFC 9580, section 5.13.2]): AES-256 in OCB mode.

use std::io::Write as _;

use sequoia_openpgp::serialize::stream::{Encryptor, Message};
use sequoia_openpgp::types::AEADAlgorithm;

use crate::seipd::CannotWrite;
use crate::session_key::{CIPHER, SessionKey};

/// One packet that contains those packets.
pub(crate) fn write(session_key: &SessionKey, inner: &[&[u8]]) -> Result<Vec<u8>, CannotWrite> {
    packet(session_key, inner).map_err(|_| CannotWrite)
}

fn packet(session_key: &SessionKey, inner: &[&[u8]]) -> sequoia_openpgp::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(inner.iter().map(|packets| packets.len()).sum::<usize>() + 1024);
    let encryptor = Encryptor::with_session_key(Message::new(&mut out), CIPHER, session_key.0.clone())?;
    let mut message = encryptor.aead_algo(AEADAlgorithm::OCB).build()?;
    for packets in inner {
        message.write_all(packets)?;
    }
    message.finalize()?;
    Ok(out)
}
