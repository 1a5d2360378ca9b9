//! Session keys encrypted to a recipient: PKESK packets ([RFC 9580, section 5.1]).
//!
//! For Curve25519 ECDH, which nearly all recipients have, the packet is written here with aws-lc-rs ([RFC
//! 9580, section 11.5]). It costs one key generation and one key agreement, and always has 96 octets. For all
//! other algorithms the library writes the packet. The library is also the oracle in the tests.

use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::digest::{self, Context};
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap as _};
use aws_lc_rs::rand::SystemRandom;
use sequoia_openpgp::packet::pkesk::{PKESK3, PKESK6};
use sequoia_openpgp::packet::{PKESK, Packet};
use sequoia_openpgp::serialize::MarshalInto as _;
use zeroize::Zeroizing;

use crate::recipient_key::{Kdf, RecipientKey};
use crate::session_key::{CIPHER, SessionKey, fresh_session_key};

/// Whether the recipient's key id is in the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIds {
    /// It is, so that every program finds its key at once.
    Named,
    /// It is zero, so the packet does not reveal its recipient.
    Hidden,
}

/// The key cannot be encrypted to: it is a low-order point, or its algorithm has no backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key cannot be encrypted to")]
pub struct CannotEncrypt;

/// The OID of Curve25519 in its OpenPGP form, with its length ([RFC 9580, section 9.2]).
const CURVE_OID: [u8; 11] = [10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01];
const ECDH: u8 = 18;
const AES_256_ID: u8 = 9;

/// Whether a session key can be wrapped to that key. Tries it.
pub(crate) fn can_wrap(key: &RecipientKey) -> bool {
    wrap(key, &fresh_session_key(), KeyIds::Named).is_ok()
}

/// One PKESK packet for that key: version 6 for a key of version 6, otherwise version 3.
pub(crate) fn wrap(
    key: &RecipientKey,
    session_key: &SessionKey,
    ids: KeyIds,
) -> Result<Vec<u8>, CannotEncrypt> {
    match key {
        RecipientKey::X25519 { point, key_id, kdf, fingerprint } => {
            let key_id = if ids == KeyIds::Named { *key_id } else { [0; 8] };
            x25519(point, key_id, *kdf, fingerprint, session_key)
        }
        RecipientKey::Packet(packet) => by_library(packet, session_key, ids),
    }
}

fn x25519(
    point: &[u8; 32],
    key_id: [u8; 8],
    kdf: Kdf,
    fingerprint: &[u8; 20],
    session_key: &SessionKey,
) -> Result<Vec<u8>, CannotEncrypt> {
    let ephemeral =
        EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(|_| CannotEncrypt)?;
    let public = ephemeral.compute_public_key().map_err(|_| CannotEncrypt)?;
    let reader = UnparsedPublicKey::new(&X25519, point);
    let kek =
        agree_ephemeral(ephemeral, reader, CannotEncrypt, |shared| Ok(derive(shared, kdf, fingerprint)))?;

    let mut wrapped = [0; 48];
    let padded = padded(session_key);
    match kdf {
        Kdf::Sha256Aes128 => {
            AesKek::new(&AES_128, &kek[..16]).and_then(|kek| kek.wrap(&*padded, &mut wrapped).map(|_| ()))
        }
        _ => AesKek::new(&AES_256, &kek[..32]).and_then(|kek| kek.wrap(&*padded, &mut wrapped).map(|_| ())),
    }
    .map_err(|_| CannotEncrypt)?;

    let mut packet = Vec::with_capacity(96);
    packet.extend_from_slice(&[0xc1, 94, 3]);
    packet.extend_from_slice(&key_id);
    // The point as an MPI of 263 bits, with the octet 0x40 before it.
    packet.extend_from_slice(&[ECDH, 0x01, 0x07, 0x40]);
    packet.extend_from_slice(public.as_ref());
    packet.push(48);
    packet.extend_from_slice(&wrapped);
    Ok(packet)
}

/// The key-encryption key: one hash over the counter, the shared secret and the parameters.
fn derive(shared: &[u8], kdf: Kdf, fingerprint: &[u8; 20]) -> Zeroizing<Vec<u8>> {
    let algorithm = match kdf {
        Kdf::Sha256Aes128 | Kdf::Sha256Aes256 => &digest::SHA256,
        Kdf::Sha384Aes256 => &digest::SHA384,
        Kdf::Sha512Aes256 => &digest::SHA512,
    };
    let mut context = Context::new(algorithm);
    context.update(&[0, 0, 0, 1]);
    context.update(shared);
    context.update(&CURVE_OID);
    context.update(&[ECDH, 3, 1]);
    context.update(&kdf.ids());
    context.update(b"Anonymous Sender    ");
    context.update(fingerprint);
    Zeroizing::new(context.finish().as_ref().to_vec())
}

/// Cipher, session key and checksum, padded to 40 octets.
fn padded(session_key: &SessionKey) -> Zeroizing<[u8; 40]> {
    let mut padded = Zeroizing::new([5; 40]);
    padded[0] = AES_256_ID;
    padded[1..33].copy_from_slice(&session_key.0);
    let sum = session_key.0.iter().fold(0_u16, |sum, octet| sum.wrapping_add(u16::from(*octet)));
    padded[33..35].copy_from_slice(&sum.to_be_bytes());
    padded
}

fn by_library(packet: &[u8], session_key: &SessionKey, ids: KeyIds) -> Result<Vec<u8>, CannotEncrypt> {
    let key = RecipientKey::library_key(packet).ok_or(CannotEncrypt)?;
    let pkesk: PKESK = if key.version() == 6 {
        let mut pkesk = PKESK6::for_recipient(&session_key.0, &key).map_err(|_| CannotEncrypt)?;
        if ids == KeyIds::Hidden {
            pkesk.set_recipient(None);
        }
        pkesk.into()
    } else {
        let mut pkesk = PKESK3::for_recipient(CIPHER, &session_key.0, &key).map_err(|_| CannotEncrypt)?;
        if ids == KeyIds::Hidden {
            pkesk.set_recipient(None);
        }
        pkesk.into()
    };
    Packet::from(pkesk).to_vec().map_err(|_| CannotEncrypt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Person;
    use proptest::prelude::*;
    use sealist_mail::Timestamp;
    use sequoia_openpgp::parse::Parse as _;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]
        #[test]
        fn our_packets_open_like_the_librarys(bytes in any::<[u8; 32]>(), hidden in any::<bool>()) {
            for (kdf, reader) in Person::of_every_kdf("anne@example.org", NOW) {
                let card = reader.certificate().usable(NOW).unwrap();
                let own = matches!(card.keys().next(), Some(RecipientKey::X25519 { .. }));
                prop_assert_eq!(own, OWN.contains(&&kdf[..]), "{}", kdf);
                let session_key = SessionKey(bytes.to_vec().into());
                let ids = if hidden { KeyIds::Hidden } else { KeyIds::Named };
                let key = reader.secret().keys().subkeys().unencrypted_secret().next().unwrap().key().clone();
                let library = PKESK3::for_recipient(CIPHER, &session_key.0, &key).unwrap();
                let ours = wrap(card.keys().next().unwrap(), &session_key, ids).unwrap();
                prop_assert_eq!(ours.len(), 96);
                let Packet::PKESK(ours) = Packet::from_bytes(&ours).unwrap() else { panic!("a PKESK") };
                prop_assert_eq!(ours.recipient().is_none(), hidden);
                let mut pair = key.into_keypair().unwrap();
                for pkesk in [ours, library.into()] {
                    let (cipher, opened) = pkesk.decrypt(&mut pair, Some(CIPHER)).unwrap();
                    prop_assert_eq!(cipher, Some(CIPHER));
                    prop_assert_eq!(opened.as_ref(), &bytes[..]);
                }
            }
        }

        #[test]
        fn no_point_is_a_panic(point in any::<[u8; 32]>()) {
            let key = RecipientKey::X25519 { point, key_id: [1; 8], kdf: Kdf::Sha512Aes256, fingerprint: [0; 20] };
            let _ = wrap(&key, &fresh_session_key(), KeyIds::Named);
        }
    }

    /// The pairs for which we write the packet ourselves.
    const OWN: [&str; 4] = ["SHA256/AES-128", "SHA256/AES-256", "SHA384/AES-256", "SHA512/AES-256"];

    /// Points of low order, with which key agreement must fail ([RFC 7748, section 6.1]).
    const LOW_ORDER: [&str; 5] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];

    #[test]
    fn a_low_order_point_is_refused() {
        for hex in LOW_ORDER {
            let octet = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
            let point = std::array::from_fn(octet);
            let key =
                RecipientKey::X25519 { point, key_id: [1; 8], kdf: Kdf::Sha256Aes128, fingerprint: [0; 20] };
            assert_eq!(wrap(&key, &fresh_session_key(), KeyIds::Named), Err(CannotEncrypt), "{hex}");
        }
    }
}
