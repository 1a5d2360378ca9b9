//! Opens and seals list mail. This is the only crate that names the OpenPGP library or handles secret keys.
//!
//! ```text
//! in   LMTP ──▶ IntakeSealer ──▶ Sealed (queue) ──▶ StorageKey::open ──▶ open() ──▶ Opened
//! out  payload ──▶ seal() ──▶ Sealed (post) ──▶ SealedPost ──▶ one PKESK per recipient, spliced before the body
//! ```
//!
//! The crate reads no files, sockets or clock: the time is an argument. Cleartext and keys are in types that
//! cannot be printed and are zeroed when dropped. No function fails on bad mail; bad mail gets a verdict.

mod armor;
mod base32;
mod card;
mod certificate;
mod certify;
mod changes;
mod cleartext;
mod copies;
mod dearmor;
mod family;
mod filter;
mod fingerprint;
mod framing;
mod handle;
mod key_material;
mod key_rollover;
mod key_sizes;
mod keys;
mod limits;
mod mac;
mod merge;
mod open;
mod pkesk;
mod possession;
mod recipient_key;
mod revocation;
mod seal;
mod sealed;
mod seipd;
mod seipd2;
mod session_key;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod token;
mod unusable;
mod verification_cost;
pub mod wkd;
mod wrap;

pub use card::{CardError, POLICY_EPOCH, SealingCard};
pub use certificate::{Certificate, CertificateError};
pub use certify::NotCertified;
pub use changes::CertificateChange;
pub use cleartext::Cleartext;
pub use copies::{CopyArmor, SealedPost};
pub use family::Family;
pub use fingerprint::{Fingerprint, NotAFingerprint};
pub use handle::HANDLE_OCTETS;
pub use key_material::KeyMaterial;
pub use keys::{KeyError, ListKey, StorageCertificate, StorageKey};
pub use mac::MacKey;
pub use merge::MergeError;
pub use open::{
    Encryption, KeepSignature, Limits, Opened, SignatureVerdict, TakeRoom, TakenRoom, Unreadable,
    ValidSignature, is_encrypted, open, open_in_room,
};
pub use pkesk::{CannotEncrypt, KeyIds};
pub use possession::{FoundStatement, Possession, Statement, Unproven, statements};
pub use revocation::Revocation;
pub use seal::{IntakeSealer, SealError, SignWith, seal, seal_copy, sign_detached};
pub use sealed::{Damaged, Sealed};
pub use session_key::SessionKey;
pub use token::Token;
pub use unusable::{Need, Unusable};
pub use wrap::{CannotUnwrap, KeyName, MasterKey, NotAMasterKey};

/// Random octets from the system's generator.
pub fn random<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    aws_lc_rs::rand::fill(&mut octets)
        .expect("the system's random generator works: nothing here is safe without it");
    octets
}
