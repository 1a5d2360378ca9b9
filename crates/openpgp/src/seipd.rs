//! Writes SEIPD version 1 while data arrives ([RFC 9580, section 5.13.1]).
//!
//! This is a short writer of our own on a library's AES and SHA-1, because the OpenPGP library's writer
//! allocates 4 MiB for each of its layers, however small the message is. The OpenPGP library reads the
//! packets, and is the oracle in the tests.

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, StreamingDecryptingKey, StreamingEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::digest;
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

use crate::framing::Packets;
use crate::session_key::SessionKey;

const BLOCK_OCTETS: usize = 16;
/// Tag 18 with a length of four octets, which is filled in at the end.
const HEADER: [u8; 6] = [0xd2, 0xff, 0, 0, 0, 0];
const VERSION: u8 = 1;
/// The modification detection code: tag 19, 20 octets.
const MDC: [u8; 2] = [0xd3, 0x14];

/// Writing failed: the cipher failed, or the packet is larger than OpenPGP allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CannotWrite;

/// One packet that is being written.
pub(crate) struct SeipdWriter {
    cipher: StreamingEncryptingKey,
    hash: digest::Context,
    out: Vec<u8>,
    /// How many octets were removed from `out`.
    taken: usize,
}

impl SeipdWriter {
    /// Starts a packet. `octets` is the expected size.
    pub(crate) fn new(session_key: &SessionKey, octets: usize) -> Result<Self, CannotWrite> {
        let key = UnboundCipherKey::new(&AES_256, &session_key.0).map_err(|_| CannotWrite)?;
        let zero = EncryptionContext::Iv128(FixedLength::from([0; BLOCK_OCTETS]));
        let cipher = StreamingEncryptingKey::less_safe_cfb128(key, zero).map_err(|_| CannotWrite)?;
        let mut out = Vec::with_capacity(octets + 128);
        out.extend_from_slice(&HEADER);
        out.push(VERSION);
        let hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        let mut writer = Self { cipher, hash, out, taken: 0 };
        // A random block makes the zero vector harmless. Its last two octets are repeated for old programs.
        let random: [u8; BLOCK_OCTETS] = crate::random();
        writer.write(&random)?;
        writer.write(&random[BLOCK_OCTETS - 2..])?;
        Ok(writer)
    }

    /// Encrypts the next octets.
    pub(crate) fn write(&mut self, plain: &[u8]) -> Result<(), CannotWrite> {
        self.hash.update(plain);
        self.encrypt(plain)
    }

    /// How many octets are in the buffer.
    pub(crate) fn octets(&self) -> usize {
        self.out.len()
    }

    /// Removes everything after the first `octets` octets from the buffer. Those stay, because they contain
    /// the length.
    pub(crate) fn take_behind(&mut self, octets: usize) -> Vec<u8> {
        let behind = self.out.split_off(octets.max(HEADER.len()).min(self.out.len()));
        self.taken += behind.len();
        behind
    }

    /// Ends the packet with the hash of everything that was written. Returns the octets in the buffer.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, CannotWrite> {
        self.write(&MDC)?;
        let hash = self.hash.clone().finish();
        self.encrypt(hash.as_ref())?;
        let length = u32::try_from(self.out.len() + self.taken - HEADER.len()).map_err(|_| CannotWrite)?;
        self.out[2..HEADER.len()].copy_from_slice(&length.to_be_bytes());
        Ok(self.out)
    }

    fn encrypt(&mut self, plain: &[u8]) -> Result<(), CannotWrite> {
        let from = self.out.len();
        self.out.resize(from + plain.len() + BLOCK_OCTETS, 0);
        let update = self.cipher.update(plain, &mut self.out[from..]).map_err(|_| CannotWrite)?;
        let written = update.written().len();
        self.out.truncate(from + written);
        // Cipher feedback mode keeps no octets back.
        if written == plain.len() { Ok(()) } else { Err(CannotWrite) }
    }
}

/// One packet that contains those packets.
pub(crate) fn write(session_key: &SessionKey, inner: &[&[u8]]) -> Result<Vec<u8>, CannotWrite> {
    let octets = inner.iter().map(|packets| packets.len()).sum();
    let mut writer = SeipdWriter::new(session_key, octets)?;
    for packets in inner {
        writer.write(packets)?;
    }
    writer.finish()
}

/// The packets inside a SEIPD packet that [`write()`] made. `None` if the key is wrong or an octet differs.
pub(crate) fn inner(session_key: &SessionKey, seipd: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let packet = Packets::new(seipd).next()?.ok()?;
    let sealed = packet.body.strip_prefix(&[VERSION])?;
    let key = UnboundCipherKey::new(&AES_256, &session_key.0).ok()?;
    let zero = DecryptionContext::Iv128(FixedLength::from([0; BLOCK_OCTETS]));
    let mut cipher = StreamingDecryptingKey::cfb128(key, zero).ok()?;
    let mut plain = Zeroizing::new(vec![0; sealed.len() + BLOCK_OCTETS]);
    if cipher.update(sealed, &mut plain).ok()?.written().len() != sealed.len() {
        return None;
    }
    plain.truncate(sealed.len());
    let hashed = plain.len().checked_sub(digest::SHA1_OUTPUT_LEN)?;
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &plain[..hashed]);
    let end = hashed.checked_sub(MDC.len())?;
    if hash.as_ref() != &plain[hashed..] || plain[end..hashed] != MDC {
        return None;
    }
    plain.truncate(end);
    (plain.len() >= BLOCK_OCTETS + 2).then(|| Zeroizing::new(plain[BLOCK_OCTETS + 2..].to_vec()))
}

/// The header of a literal packet of binary data ([RFC 9580, section 5.9]). Without a length, its content is
/// the rest of the message.
pub(crate) fn literal_head(content_octets: Option<usize>) -> Result<Vec<u8>, CannotWrite> {
    const BINARY_WITHOUT_NAME_OR_DATE: [u8; 6] = [b'b', 0, 0, 0, 0, 0];
    let mut head = match content_octets {
        None => vec![0xaf],
        Some(octets) => {
            let length =
                u32::try_from(octets + BINARY_WITHOUT_NAME_OR_DATE.len()).map_err(|_| CannotWrite)?;
            [&[0xcb, 0xff][..], &length.to_be_bytes()].concat()
        }
    };
    head.extend_from_slice(&BINARY_WITHOUT_NAME_OR_DATE);
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session_key::fresh_session_key;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_library_reads_what_is_written(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..100), 0..8), sized in any::<bool>()) {
            let key = fresh_session_key();
            let whole = pieces.concat();
            let mut writer = SeipdWriter::new(&key, 10).unwrap();
            writer.write(&literal_head(sized.then_some(whole.len())).unwrap()).unwrap();
            for piece in &pieces {
                writer.write(piece).unwrap();
            }
            let mut packet = writer.finish().unwrap();
            let opened = key.open(&packet).unwrap();
            prop_assert_eq!(&opened[..], &whole[..]);
            prop_assert!(inner(&key, &packet).unwrap().ends_with(&whole));
            *packet.last_mut().unwrap() ^= 1;
            prop_assert!(key.open(&packet).is_err() && inner(&key, &packet).is_none());
        }
    }

    #[test]
    fn what_is_taken_out_belongs_between() {
        let key = fresh_session_key();
        let mut writer = SeipdWriter::new(&key, 0).unwrap();
        writer.write(&literal_head(None).unwrap()).unwrap();
        let mut taken = Vec::new();
        for text in ["a", "longer than that", "b"] {
            writer.write(text.as_bytes()).unwrap();
            taken.extend(writer.take_behind(30));
        }
        let rest = writer.finish().unwrap();
        assert!(!taken.is_empty());
        let packet = [&rest[..30], &taken, &rest[30..]].concat();
        assert_eq!(&key.open(&packet).unwrap()[..], b"alonger than thatb");
    }

    #[test]
    fn no_two_packets_are_alike() {
        let key = fresh_session_key();
        let write = || SeipdWriter::new(&key, 0).unwrap().finish().unwrap();
        assert_ne!(write(), write());
    }
}
