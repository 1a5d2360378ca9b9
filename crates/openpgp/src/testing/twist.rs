//! Changes the form of a signature without changing what it signs or by whom.

use sequoia_openpgp::Packet;
use sequoia_openpgp::crypto::mpi::{MPI, Signature as Numbers};
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::packet::signature::subpacket::{Subpacket, SubpacketValue};
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::serialize::SerializeInto as _;

/// The order of the group of NIST P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// An ECDSA signature packet over P-256 with s replaced by n - s, which is as valid as before.
pub fn mirrored(signature: &[u8]) -> Vec<u8> {
    let signature = read(signature);
    let Numbers::ECDSA { r, s } = signature.mpis() else { panic!("an ECDSA signature") };
    let s = s.value_padded(ORDER.len()).unwrap();
    let mut mirrored = [0; 32];
    let mut borrow = 0;
    for at in (0..ORDER.len()).rev() {
        let difference = i16::from(ORDER[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(difference < 0);
        mirrored[at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let numbers = Numbers::ECDSA { r: r.clone(), s: MPI::new(&mirrored) };
    let Signature::V4(old) = signature else { panic!("a version 4 signature") };
    let new = sequoia_openpgp::packet::signature::Signature4::new(
        old.typ(),
        old.pk_algo(),
        old.hash_algo(),
        old.hashed_area().clone(),
        old.unhashed_area().clone(),
        *old.digest_prefix(),
        numbers,
    );
    Packet::from(Signature::from(new)).to_vec().unwrap()
}

/// A signature packet with unsigned data added.
pub fn with_unsigned_noise(signature: &[u8]) -> Vec<u8> {
    let mut signature = read(signature);
    let noise = SubpacketValue::PreferredKeyServer(b"x".to_vec());
    signature.unhashed_area_mut().add(Subpacket::new(noise, false).unwrap()).unwrap();
    Packet::from(signature).to_vec().unwrap()
}

fn read(signature: &[u8]) -> Signature {
    match Packet::from_bytes(signature) {
        Ok(Packet::Signature(signature)) => signature,
        other => panic!("{other:?}"),
    }
}
