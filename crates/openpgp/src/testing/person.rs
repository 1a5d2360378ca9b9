//! A person with a key and a mail program: the library.

use std::io::{Read as _, Write as _};

use sealist_mail::{Boundary, Timestamp, compose};
use sequoia_openpgp::crypto::{KeyPair, SessionKey};
use sequoia_openpgp::packet::key::{Key4, SecretParts, SubordinateRole};
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::packet::{Key, PKESK, SKESK};
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::serialize::stream::{Encryptor, LiteralWriter, Message, Recipient, Signer};
use sequoia_openpgp::types::{Features, HashAlgorithm, KeyFlags, SignatureType, SymmetricAlgorithm};
use sequoia_openpgp::{Cert, KeyHandle, Packet};

use super::{Kind, member};
use crate::{Certificate, armor};

pub(super) const ONLY_IN_TESTS: &str = "made for a test by the library";

/// A person with a secret key.
pub struct Person {
    pub(super) address: String,
    pub(super) cert: Cert,
}

impl Person {
    /// A person with a key for that address, one day old.
    pub fn new(address: &str, kind: Kind, now: Timestamp) -> Self {
        Self { address: address.to_owned(), cert: member(address, kind, now) }
    }

    /// People whose Curve25519 keys use each pair of hash and cipher that the key derivation allows ([RFC
    /// 9580, section 11.5]), with the names of the pair.
    pub fn of_every_kdf(address: &str, now: Timestamp) -> Vec<(String, Self)> {
        let hashes = [HashAlgorithm::SHA256, HashAlgorithm::SHA384, HashAlgorithm::SHA512];
        let ciphers = [SymmetricAlgorithm::AES128, SymmetricAlgorithm::AES192, SymmetricAlgorithm::AES256];
        let pairs = hashes.iter().flat_map(|hash| ciphers.iter().map(move |cipher| (*hash, *cipher)));
        pairs
            .map(|(hash, cipher)| {
                let cert = member(address, Kind::SignOnly, now);
                let created = cert.primary_key().key().creation_time();
                let secret: [u8; 32] = crate::random();
                let key: Key<SecretParts, SubordinateRole> =
                    Key4::import_secret_cv25519(&secret, hash, cipher, created).expect(ONLY_IN_TESTS).into();
                let person = Self { address: address.to_owned(), cert };
                let flags = KeyFlags::empty().set_transport_encryption().set_storage_encryption();
                let binding = SignatureBuilder::new(SignatureType::SubkeyBinding)
                    .set_signature_creation_time(created)
                    .and_then(|builder| builder.set_key_flags(flags))
                    .and_then(|builder| key.bind(&mut person.pair(), &person.cert, builder));
                let packets = [Packet::from(key), binding.expect(ONLY_IN_TESTS).into()];
                let cert = person.cert.insert_packets(packets).expect(ONLY_IN_TESTS).0;
                (format!("{hash}/{cipher}"), Self { cert, ..person })
            })
            .collect()
    }

    /// The secret key, armored.
    pub fn armored_secret(&self) -> Vec<u8> {
        armor::block("PRIVATE KEY BLOCK", &self.cert.as_tsk().to_vec().expect(ONLY_IN_TESTS))
    }

    /// The certificate.
    pub fn certificate(&self) -> Certificate {
        Certificate::of(self.cert.clone())
    }

    /// Decrypts a message, armored or not. Returns the content and whether the signature by `from` is good.
    pub fn read(&self, message: &[u8], from: &Certificate) -> Option<(Vec<u8>, bool)> {
        let policy = StandardPolicy::new();
        let reader = Reader { secret: &self.cert, from: from.cert().clone(), good: false };
        let mut message =
            DecryptorBuilder::from_bytes(message).ok()?.with_policy(&policy, None, reader).ok()?;
        let mut text = Vec::new();
        message.read_to_end(&mut text).ok()?;
        Some((text, message.helper_ref().good))
    }

    /// The packets of a message to those recipients, signed at that time.
    pub fn packets(&self, to: &[&Certificate], text: &[u8], at: Timestamp) -> Vec<u8> {
        let mut out = Vec::new();
        let readers = to.iter().flat_map(|to| to.cert().keys().subkeys());
        let readers = readers.map(|key| {
            let features = Features::empty().set_seipdv1();
            Recipient::new(features, key.key().key_handle(), key.key().role_as_unspecified())
        });
        let message =
            Encryptor::for_recipients(Message::new(&mut out), readers).build().expect(ONLY_IN_TESTS);
        let signer = Signer::new(message, self.pair()).expect(ONLY_IN_TESTS);
        let message = signer.creation_time(at.to_system_time()).build().expect(ONLY_IN_TESTS);
        let mut literal = LiteralWriter::new(message).build().expect(ONLY_IN_TESTS);
        literal.write_all(text).expect(ONLY_IN_TESTS);
        literal.finalize().expect(ONLY_IN_TESTS);
        out
    }

    /// The packets of an unsigned message to that recipient.
    pub fn unsigned_packets(to: &Certificate, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let readers = to.cert().keys().subkeys().map(|key| {
            let features = Features::empty().set_seipdv1();
            Recipient::new(features, key.key().key_handle(), key.key().role_as_unspecified())
        });
        let message =
            Encryptor::for_recipients(Message::new(&mut out), readers).build().expect(ONLY_IN_TESTS);
        let mut literal = LiteralWriter::new(message).build().expect(ONLY_IN_TESTS);
        literal.write_all(text).expect(ONLY_IN_TESTS);
        literal.finalize().expect(ONLY_IN_TESTS);
        out
    }

    /// A PGP/MIME message from the person, signed and encrypted, with `entity` inside.
    pub fn mail(&self, to: &Certificate, entity: &[u8], at: Timestamp) -> Vec<u8> {
        self.mail_of(&self.packets(&[to], entity, at))
    }

    /// A PGP/MIME message by the person with those packets.
    pub fn mail_of(&self, packets: &[u8]) -> Vec<u8> {
        let armor = armor::block("MESSAGE", packets);
        let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy(crate::random()));
        [self.header().as_bytes(), &head, &armor, &tail].concat()
    }

    /// A detached signature packet over the text.
    pub fn signature(&self, text: &[u8], at: Timestamp) -> Vec<u8> {
        self.signature_by(HashAlgorithm::SHA512, text, at)
    }

    /// The same with a digest algorithm that is no longer accepted.
    pub fn signature_by_sha1(&self, text: &[u8], at: Timestamp) -> Vec<u8> {
        self.signature_by(HashAlgorithm::SHA1, text, at)
    }

    fn signature_by(&self, digest: HashAlgorithm, text: &[u8], at: Timestamp) -> Vec<u8> {
        let mut packet = Vec::new();
        let template = SignatureBuilder::new(SignatureType::Binary);
        let signer = Signer::with_template(Message::new(&mut packet), self.pair(), template);
        let signer = signer.expect(ONLY_IN_TESTS).creation_time(at.to_system_time());
        let signer = signer.hash_algo(digest).expect(ONLY_IN_TESTS);
        let mut message = signer.detached().build().expect(ONLY_IN_TESTS);
        message.write_all(text).expect(ONLY_IN_TESTS);
        message.finalize().expect(ONLY_IN_TESTS);
        packet
    }

    /// The packets of a message that is signed but not encrypted.
    pub fn one_pass(&self, text: &[u8], at: Timestamp) -> Vec<u8> {
        let mut out = Vec::new();
        let signer = Signer::new(Message::new(&mut out), self.pair()).expect(ONLY_IN_TESTS);
        let message = signer.creation_time(at.to_system_time()).build().expect(ONLY_IN_TESTS);
        let mut literal = LiteralWriter::new(message).build().expect(ONLY_IN_TESTS);
        literal.write_all(text).expect(ONLY_IN_TESTS);
        literal.finalize().expect(ONLY_IN_TESTS);
        out
    }

    /// A cleartext-signed text.
    pub fn cleartext_signed(&self, text: &str, at: Timestamp) -> Vec<u8> {
        let mut out = Vec::new();
        let template = SignatureBuilder::new(SignatureType::Text);
        let signer = Signer::with_template(Message::new(&mut out), self.pair(), template);
        let signer = signer.expect(ONLY_IN_TESTS).creation_time(at.to_system_time());
        let mut message = signer.cleartext().build().expect(ONLY_IN_TESTS);
        message.write_all(text.as_bytes()).expect(ONLY_IN_TESTS);
        message.finalize().expect(ONLY_IN_TESTS);
        out
    }

    /// A multipart/signed of `entity` and that signature.
    pub fn signed(entity: &[u8], signature: &[u8]) -> Vec<u8> {
        let armor = armor::block("SIGNATURE", signature);
        compose::signed(entity, &armor, "pgp-sha512", &Boundary::from_entropy(crate::random()))
    }

    /// A PGP/MIME message by the person with `entity` and that signature.
    pub fn mail_signed(&self, entity: &[u8], signature: &[u8]) -> Vec<u8> {
        let signed = Self::signed(entity, signature);
        [self.header().as_bytes(), b"MIME-Version: 1.0\r\n", &signed].concat()
    }

    fn header(&self) -> String {
        format!("From: {}\r\n", self.address)
    }

    pub(super) fn pair(&self) -> KeyPair {
        let key = self.cert.primary_key().key().clone();
        key.parts_into_secret().and_then(|key| key.into_keypair()).expect(ONLY_IN_TESTS)
    }

    pub(crate) fn secret(&self) -> &Cert {
        &self.cert
    }

    /// The same key, used from another address.
    pub fn with_address(&self, address: &str) -> Self {
        Self { address: address.to_owned(), cert: self.cert.clone() }
    }

    pub(super) fn with(&self, cert: Cert) -> Self {
        Self { address: self.address.clone(), cert }
    }
}

struct Reader<'a> {
    secret: &'a Cert,
    from: Cert,
    good: bool,
}

impl VerificationHelper for Reader<'_> {
    fn get_certs(&mut self, _ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(vec![self.from.clone()])
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            if let MessageLayer::SignatureGroup { results } = layer {
                self.good = results.iter().all(Result::is_ok);
            }
        }
        Ok(())
    }
}

impl DecryptionHelper for Reader<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _skesks: &[SKESK],
        cipher: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> sequoia_openpgp::Result<Option<Cert>> {
        for key in self.secret.keys().subkeys().unencrypted_secret() {
            let mut pair = key.key().clone().into_keypair()?;
            for pkesk in pkesks {
                if pkesk.decrypt(&mut pair, cipher).is_some_and(|(cipher, key)| decrypt(cipher, &key)) {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }
}
