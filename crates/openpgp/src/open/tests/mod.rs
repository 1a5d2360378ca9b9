//! What `open` says of good, odd and hostile messages, made with the library.

mod covered;
mod hostile;
mod inline;
mod meant;
mod mime;

use std::io::Write as _;
use std::time::Duration;

use sealist_mail::{Boundary, Entity, Timestamp, compose};
use sequoia_openpgp::Cert;
use sequoia_openpgp::crypto::KeyPair;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::serialize::stream::{Compressor, Encryptor, LiteralWriter, Message, Recipient, Signer};
use sequoia_openpgp::types::{CompressionAlgorithm, Features, HashAlgorithm, SignatureType};

use super::{Encryption, KeepSignature, Limits, Opened, SignatureVerdict, Unreadable, open};
use crate::testing::{Kind, member};
use crate::{Certificate, ListKey, Revocation, armor};

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\n\r\nWe meet at seven.\r\n";

fn list() -> ListKey {
    let address = |local: &str| format!("{local}@lists.example").parse().unwrap();
    ListKey::generate("Team", &[address("team"), address("team-request")], NOW.plus_ms(-1000)).unwrap()
}

fn signing_key(cert: &Cert) -> KeyPair {
    cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap()
}

fn seipd1() -> Features {
    Features::empty().set_seipdv1()
}

/// How a signature is made.
#[derive(Clone, Copy)]
struct Stamp {
    at: Timestamp,
    hash: HashAlgorithm,
    valid_s: Option<u64>,
}

fn at(at: Timestamp) -> Stamp {
    Stamp { at, hash: HashAlgorithm::SHA512, valid_s: None }
}

impl Stamp {
    fn signer<'a>(self, inner: Message<'a>, cert: &Cert, kind: SignatureType) -> Signer<'a> {
        let mut template = SignatureBuilder::new(kind);
        if let Some(valid_s) = self.valid_s {
            template = template.set_signature_validity_period(Duration::from_secs(valid_s)).unwrap();
        }
        let signer = Signer::with_template(inner, signing_key(cert), template).unwrap();
        signer.creation_time(self.at.to_system_time()).hash_algo(self.hash).unwrap()
    }
}

/// How a message is made.
struct Recipe<'a> {
    signers: Vec<(&'a Cert, Stamp)>,
    to: Option<Certificate>,
    bomb: bool,
}

impl<'a> Recipe<'a> {
    fn to(list: &ListKey) -> Self {
        Self { signers: Vec::new(), to: Some(list.certificate()), bomb: false }
    }

    fn signed_by(mut self, cert: &'a Cert) -> Self {
        self.signers.push((cert, at(NOW)));
        self
    }

    fn signed_with(mut self, cert: &'a Cert, stamp: Stamp) -> Self {
        self.signers.push((cert, stamp));
        self
    }

    fn armored(&self, text: &[u8]) -> Vec<u8> {
        armor::block("MESSAGE", &self.packets(text))
    }

    fn packets(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut message = Message::new(&mut out);
        let to = self.to.as_ref().map(Certificate::cert);
        if let Some(to) = to {
            let subkeys = to
                .keys()
                .subkeys()
                .map(|key| Recipient::new(seipd1(), key.key().key_handle(), key.key().role_as_unspecified()));
            message = Encryptor::for_recipients(message, subkeys).build().unwrap();
        }
        if self.bomb {
            message = Compressor::new(message).algo(CompressionAlgorithm::Zlib).build().unwrap();
        }
        for (cert, stamp) in &self.signers {
            message = stamp.signer(message, cert, SignatureType::Binary).build().unwrap();
        }
        let mut literal = LiteralWriter::new(message).build().unwrap();
        literal.write_all(text).unwrap();
        literal.finalize().unwrap();
        out
    }
}

fn detached(cert: &Cert, stamp: Stamp, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let signer = stamp.signer(Message::new(&mut out), cert, SignatureType::Binary);
    let mut message = signer.detached().build().unwrap();
    message.write_all(text).unwrap();
    message.finalize().unwrap();
    out
}

/// multipart/encrypted around that armor.
fn mime(armor: &[u8]) -> Vec<u8> {
    let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy([9; 16]));
    [b"From: anne@example.org\r\n", &head[..], armor, &tail].concat()
}

fn mime_signed(text: &str, signatures: &[u8]) -> Vec<u8> {
    let boundary = Boundary::from_entropy([8; 16]);
    let armor = armor::block("SIGNATURE", signatures);
    let entity = compose::signed(text.as_bytes(), &armor, "pgp-sha512", &boundary);
    [b"From: anne@example.org\r\n", &entity[..]].concat()
}

struct Stage {
    list: ListKey,
    anne: Cert,
    eve: Cert,
}

fn stage() -> Stage {
    Stage {
        list: list(),
        anne: member("anne@example.org", Kind::Curve25519, NOW),
        eve: member("eve@example.com", Kind::Curve25519, NOW),
    }
}

impl Stage {
    fn open(&self, message: &[u8]) -> Opened {
        self.open_as(message, &self.anne)
    }

    fn open_as(&self, message: &[u8], author: &Cert) -> Opened {
        open(message, &[&self.list], &[Certificate::of(author.clone())], NOW, Limits::default())
    }
}

fn word(verdict: &SignatureVerdict) -> &'static str {
    match verdict {
        SignatureVerdict::Good(_) => "good",
        SignatureVerdict::WrongDate(_) => "wrong date",
        SignatureVerdict::Future => "future",
        SignatureVerdict::Expired => "expired",
        SignatureVerdict::Revoked(Revocation::Hard) => "revoked",
        SignatureVerdict::Revoked(Revocation::Soft) => "retired",
        SignatureVerdict::UnknownKey => "unknown",
        SignatureVerdict::Bad => "bad",
        SignatureVerdict::TooWeak => "too weak",
        SignatureVerdict::ForOthers => "for others",
    }
}

fn check(opened: &Opened, encryption: Encryption, verdicts: &[&str]) {
    let seen: Vec<&str> = opened.signatures().iter().map(word).collect();
    assert_eq!((opened.encryption(), &seen[..]), (encryption, verdicts));
}

fn says(opened: &Opened, keep: KeepSignature) -> String {
    String::from_utf8_lossy(&opened.content(keep, [1; 16])).into_owned()
}
