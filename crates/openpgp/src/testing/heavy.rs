//! Keys with large numbers and many signatures, which are expensive to verify. None of the signatures is
//! valid.

use sealist_mail::Timestamp;
use sequoia_openpgp::crypto::Signer;
use sequoia_openpgp::crypto::mpi::{MPI, PublicKey, Signature};
use sequoia_openpgp::packet::key::{Key4, PrimaryRole, PublicParts, SubordinateRole, UnspecifiedRole};
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::packet::{Key, UserID};
use sequoia_openpgp::serialize::MarshalInto as _;
use sequoia_openpgp::types::{Curve, HashAlgorithm, PublicKeyAlgorithm, SignatureType};
use sequoia_openpgp::{Cert, Packet};

use super::person::ONLY_IN_TESTS;

/// Signatures on one user id.
const EACH: usize = 64;

/// The numbers of a key by their lengths in bits.
#[derive(Clone, Copy)]
pub enum Numbers {
    /// Modulus and exponent.
    Rsa(usize, usize),
    /// Prime and order.
    Dsa(usize, usize),
    /// The prime.
    Elgamal(usize),
    /// ECDSA over brainpoolP512r1: the slowest curve.
    Brainpool,
    /// ECDSA over NIST P-521.
    NistP521,
    /// Ed25519.
    Ed25519,
}

impl Numbers {
    #[allow(deprecated, reason = "people have such keys")]
    fn public_key(self) -> (PublicKeyAlgorithm, PublicKey) {
        match self {
            Self::Rsa(n, e) => {
                (PublicKeyAlgorithm::RSAEncryptSign, PublicKey::RSA { n: number(n), e: number(e) })
            }
            Self::Dsa(p, q) => {
                let key = PublicKey::DSA { p: number(p), q: number(q), g: number(p - 1), y: number(p - 1) };
                (PublicKeyAlgorithm::DSA, key)
            }
            Self::Elgamal(p) => {
                let key = PublicKey::ElGamal { p: number(p), g: number(p - 1), y: number(p - 1) };
                (PublicKeyAlgorithm::ElGamalEncrypt, key)
            }
            Self::Brainpool => point(Curve::BrainpoolP512),
            Self::NistP521 => point(Curve::NistP521),
            Self::Ed25519 => point(Curve::Ed25519),
        }
    }
}

/// A point on that curve.
fn point(curve: Curve) -> (PublicKeyAlgorithm, PublicKey) {
    let key = Key4::<_, PrimaryRole>::generate_ecc(true, curve).expect(ONLY_IN_TESTS);
    (key.pk_algo(), key.mpis().clone())
}

/// An odd number of that many bits.
fn number(bits: usize) -> MPI {
    let mut octets: Vec<u8> = (0..bits.div_ceil(8)).map(|_| crate::random::<1>()[0]).collect();
    octets[0] &= 0xff >> (octets.len() * 8 - bits);
    octets[0] |= 1 << ((bits - 1) % 8);
    *octets.last_mut().expect("a number has octets") |= 1;
    MPI::new(&octets)
}

/// Keys with that many self-signatures each.
pub fn keys(count: usize, primary: Numbers, signatures: usize, now: Timestamp) -> Vec<u8> {
    (0..count).flat_map(|_| key(primary, None, signatures, now)).collect()
}

/// The same key `count` times, which is merged each time.
pub fn repeated_key(count: usize, primary: Numbers, signatures: usize, now: Timestamp) -> Vec<u8> {
    key(primary, None, signatures, now).repeat(count)
}

/// A key with that many self-signatures on user ids, and with that subkey.
pub fn key(primary: Numbers, subkey: Option<Numbers>, signatures: usize, now: Timestamp) -> Vec<u8> {
    let made = now.plus_ms(-24 * 3600 * 1000).to_system_time();
    let (algorithm, numbers) = primary.public_key();
    let primary_key = Key4::<PublicParts, PrimaryRole>::new(made, algorithm, numbers).expect(ONLY_IN_TESTS);
    let primary_key: Key<PublicParts, PrimaryRole> = primary_key.into();
    let mut signer = Signs { key: primary_key.clone().role_into_unspecified(), numbers: primary };
    let cert = Cert::from_packets(std::iter::once(Packet::from(primary_key.clone()))).expect(ONLY_IN_TESTS);
    let mut packets = vec![Packet::from(primary_key)];
    for at in (0..signatures).step_by(EACH) {
        let user_id = UserID::from(format!("<anne{at}@example.org>"));
        packets.push(user_id.clone().into());
        for _ in 0..EACH.min(signatures - at) {
            let builder = SignatureBuilder::new(SignatureType::PositiveCertification);
            let builder = builder.set_signature_creation_time(made).expect(ONLY_IN_TESTS);
            packets.push(user_id.bind(&mut signer, &cert, builder).expect(ONLY_IN_TESTS).into());
        }
    }
    if let Some(subkey) = subkey {
        let (algorithm, numbers) = subkey.public_key();
        let key = Key4::<PublicParts, SubordinateRole>::new(made, algorithm, numbers).expect(ONLY_IN_TESTS);
        let key: Key<PublicParts, SubordinateRole> = key.into();
        let builder = SignatureBuilder::new(SignatureType::SubkeyBinding);
        let binding = key.bind(&mut signer, &cert, builder).expect(ONLY_IN_TESTS);
        packets.extend([Packet::from(key), binding.into()]);
    }
    packets.iter().flat_map(|packet| packet.to_vec().expect(ONLY_IN_TESTS)).collect()
}

/// Signs with numbers of the right length that mean nothing.
struct Signs {
    key: Key<PublicParts, UnspecifiedRole>,
    numbers: Numbers,
}

impl Signer for Signs {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        &self.key
    }

    fn sign(&mut self, _hash: HashAlgorithm, _digest: &[u8]) -> sequoia_openpgp::Result<Signature> {
        Ok(match self.numbers {
            Numbers::Rsa(n, _) => Signature::RSA { s: number(n - 1) },
            Numbers::Dsa(_, q) => Signature::DSA { r: number(q - 1), s: number(q - 1) },
            Numbers::Elgamal(p) => Signature::ElGamal { r: number(p - 1), s: number(p - 1) },
            Numbers::Brainpool => Signature::ECDSA { r: number(510), s: number(510) },
            Numbers::NistP521 => Signature::ECDSA { r: number(520), s: number(520) },
            Numbers::Ed25519 => Signature::EdDSA { r: number(255), s: number(250) },
        })
    }
}
