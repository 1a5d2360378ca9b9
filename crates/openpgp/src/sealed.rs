//! The stored form of an encrypting list's data: the same for incoming mail and posts.

use sequoia_openpgp::packet::Packet;
use sequoia_openpgp::parse::Parse as _;

use crate::cleartext::Cleartext;
use crate::family::Family;
use crate::framing::Packets;
use crate::keys::StorageKey;
use crate::open::decrypt_seipd;
use crate::session_key::{CIPHER, SessionKey};

const PKESK: u8 = 1;
const SEIPD: u8 = 18;

/// A body sealed to a list's storage key. It holds no cleartext. Delivery for an encrypting list accepts only
/// this type.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    wrapped_key: Vec<u8>,
    outer: Vec<u8>,
    payload: Vec<u8>,
}

/// The stored bytes are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored body is damaged")]
pub struct Damaged;

impl Sealed {
    /// Makes a body from stored bytes. Errs unless each is exactly one packet of its kind. `outer` may be
    /// empty.
    pub fn from_stored(wrapped_key: Vec<u8>, outer: Vec<u8>, payload: Vec<u8>) -> Result<Self, Damaged> {
        let whole = is_one(&wrapped_key, PKESK)
            && is_one(&payload, SEIPD)
            && (outer.is_empty() || is_one(&outer, SEIPD));
        if whole { Ok(Self { wrapped_key, outer, payload }) } else { Err(Damaged) }
    }

    pub(crate) fn new(wrapped_key: Vec<u8>, outer: Vec<u8>, payload: Vec<u8>) -> Self {
        Self { wrapped_key, outer, payload }
    }

    /// The session key, encrypted to the storage key: one PKESK packet.
    pub fn wrapped_key(&self) -> &[u8] {
        &self.wrapped_key
    }

    /// The outer header block of copies, encrypted: one SEIPD packet, or empty.
    pub fn outer(&self) -> &[u8] {
        &self.outer
    }

    /// The packet family, according to the version of the SEIPD packet.
    pub fn family(&self) -> Family {
        let version = Packets::new(&self.payload).next().and_then(Result::ok);
        match version.and_then(|packet| packet.body.first().copied()) {
            Some(2) => Family::V6,
            _ => Family::V4,
        }
    }

    /// The payload, encrypted: one SEIPD packet.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The packet of the payload alone.
    pub(crate) fn into_payload(self) -> Vec<u8> {
        self.payload
    }
}

fn is_one(bytes: &[u8], tag: u8) -> bool {
    let mut packets = Packets::new(bytes);
    matches!(packets.next(), Some(Ok(packet)) if packet.tag == tag) && packets.next().is_none()
}

impl StorageKey {
    /// Decrypts the session key of a stored body.
    pub fn session_key(&self, sealed: &Sealed) -> Result<SessionKey, Damaged> {
        let Ok(Packet::PKESK(pkesk)) = Packet::from_bytes(&sealed.wrapped_key) else {
            return Err(Damaged);
        };
        self.decryptors()
            .iter()
            .find_map(|(_, pair)| {
                let (_, key) = pkesk.decrypt(&mut pair.clone(), Some(CIPHER))?;
                (key.len() == 32).then_some(SessionKey(key))
            })
            .ok_or(Damaged)
    }

    /// Decrypts the payload of a stored body.
    pub fn open(&self, sealed: &Sealed) -> Result<Cleartext, Damaged> {
        self.session_key(sealed)?.open(&sealed.payload)
    }
}

impl SessionKey {
    /// Decrypts a SEIPD packet that was sealed under this key. Nothing is returned before its integrity is
    /// proven.
    pub fn open(&self, seipd: &[u8]) -> Result<Cleartext, Damaged> {
        decrypt_seipd(seipd, &self.0).ok_or(Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IntakeSealer, StorageKey};
    use sealist_mail::Timestamp;

    #[test]
    fn stored_bytes_are_checked() {
        let key = StorageKey::generate("team", Timestamp(1_790_000_000_000)).unwrap();
        let mut sealer = IntakeSealer::new(&key.certificate()).unwrap();
        sealer.write(b"words").unwrap();
        let sealed = sealer.finish().unwrap();
        let parts = |s: &Sealed| (s.wrapped_key.clone(), s.outer.clone(), s.payload.clone());
        let (wrapped, outer, payload) = parts(&sealed);
        assert!(Sealed::from_stored(wrapped.clone(), outer.clone(), payload.clone()).is_ok());
        assert!(Sealed::from_stored(payload.clone(), outer.clone(), payload.clone()).is_err());
        assert!(Sealed::from_stored(wrapped.clone(), outer.clone(), payload[1..].to_vec()).is_err());
        assert!(Sealed::from_stored(wrapped.clone(), b"clear".to_vec(), payload.clone()).is_err());

        let mut bent = payload.clone();
        *bent.last_mut().unwrap() ^= 1;
        let bent = Sealed::from_stored(wrapped, outer, bent).unwrap();
        assert!(key.open(&bent).is_err(), "nothing comes out of altered bytes");
        assert_eq!(&key.open(&sealed).ok().unwrap()[..], b"words");
    }
}
