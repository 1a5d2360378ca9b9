//! Decryption of a message to the list, with everything counted before the library sees it.

use sealist_mail::Timestamp;
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::{PKESK, SKESK};
use sequoia_openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use sequoia_openpgp::parse::{PacketParser, Parse as _};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, KeyHandle, KeyID};

use super::Limits;
use super::verdict::{self, SignatureVerdict};
use super::verify::{self, Flood, MAX_SIGNATURES, READ_AHEAD_OCTETS, Signers, read_all};
use crate::certificate::Certificate;
use crate::cleartext::Cleartext;
use crate::dearmor;
use crate::framing::Packets;
use crate::keys::ListKey;
use crate::sealed::CIPHER;

/// PKESKs that are tried altogether, and among them those that name no key.
const MAX_PKESKS: usize = 32;
const MAX_WILDCARDS: usize = 8;
/// Packets before the encrypted data; a flood of them is no mail.
const MAX_PACKETS: usize = 2_000;

/// Why an encrypted message is not opened. All but [`Unreadable::Failed`] can be seen by anybody who has the
/// message; that one covers everything behind the first use of a secret key, so that no answer tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// No OpenPGP message, or a damaged one.
    NotOpenPgp,
    /// It names other keys only.
    OtherKeys,
    /// Encrypted without integrity protection (tag 9).
    NoIntegrity,
    /// LibrePGP's own format (tag 20).
    LibrePgp,
    /// A mail server pulled its parts apart.
    Mangled,
    /// Anything else.
    Failed,
}

/// An opened OpenPGP layer.
pub(super) struct Decrypted {
    pub(super) content: Cleartext,
    pub(super) verdicts: Vec<SignatureVerdict>,
}

/// Decrypts data, armored or not.
pub(super) fn decrypt(
    data: Vec<u8>,
    keys: &[&ListKey],
    signers: &[Certificate],
    now: Timestamp,
    limits: Limits,
) -> Result<Decrypted, Unreadable> {
    let packets = packets(&data, keys, limits)?;
    drop(data);
    decrypt_packets(&packets, keys, signers, now, limits)
}

/// The packets of data, armored or not, if what anybody sees of them says that they may be for us.
pub(super) fn packets(data: &[u8], keys: &[&ListKey], limits: Limits) -> Result<Vec<u8>, Unreadable> {
    let binary = dearmor::to_binary(data, limits.max_output_octets).ok_or(Unreadable::NotOpenPgp)?;
    check_framing(&binary, keys)?;
    Ok(binary)
}

/// Decrypts packets that [`packets`] let pass.
pub(super) fn decrypt_packets(
    binary: &[u8],
    keys: &[&ListKey],
    signers: &[Certificate],
    now: Timestamp,
    limits: Limits,
) -> Result<Decrypted, Unreadable> {
    let signers = Signers::new(signers, now);
    let helper = Helper { keys, signers, flood: Flood::default(), verdicts: Vec::new() };
    let policy = StandardPolicy::new();
    let mut decryptor = DecryptorBuilder::from_bytes(binary)
        .and_then(|builder| {
            builder.buffer_size(READ_AHEAD_OCTETS).with_policy(&policy, verify::reference(now), helper)
        })
        .map_err(|_| Unreadable::Failed)?;
    let content =
        read_all(&mut decryptor, binary.len(), limits.max_output_octets).ok_or(Unreadable::Failed)?;
    Ok(Decrypted { content, verdicts: decryptor.into_helper().verdicts })
}

/// Judges by what is public: tags, versions and key ids.
fn check_framing(binary: &[u8], keys: &[&ListKey]) -> Result<(), Unreadable> {
    let own: Vec<&[u8]> = keys.iter().flat_map(|key| key.decryptors()).map(|(id, _)| id.as_bytes()).collect();
    let mut for_us = false;
    for (count, packet) in Packets::new(binary).enumerate() {
        let packet = packet.map_err(|_| Unreadable::NotOpenPgp)?;
        if count >= MAX_PACKETS {
            return Err(Unreadable::NotOpenPgp);
        }
        match packet.tag {
            1 => {
                let named = packet.body.get(1..9);
                let version_3 = packet.body.first() == Some(&3);
                for_us |= !version_3 || named.is_some_and(|id| id == [0; 8] || own.contains(&id));
            }
            3 | 10 | 21 => {} // a password is nothing to a list; markers and padding say nothing
            9 => return Err(Unreadable::NoIntegrity),
            20 => return Err(Unreadable::LibrePgp),
            18 if for_us => return Ok(()),
            18 => return Err(Unreadable::OtherKeys),
            _ => return Err(Unreadable::NotOpenPgp),
        }
    }
    Err(Unreadable::NotOpenPgp)
}

/// Opens one SEIPD packet with a known session key; signatures in it are not looked at.
pub(crate) fn decrypt_seipd(seipd: &[u8], session_key: &SessionKey) -> Option<Cleartext> {
    let policy = StandardPolicy::new();
    let helper = Known { session_key };
    let builder = DecryptorBuilder::from_bytes(seipd).ok()?.buffer_size(READ_AHEAD_OCTETS);
    let mut decryptor = builder.with_policy(&policy, None, helper).ok()?;
    read_all(&mut decryptor, seipd.len(), usize::MAX >> 1)
}

struct Helper<'a> {
    keys: &'a [&'a ListKey],
    signers: Signers<'a>,
    flood: Flood,
    verdicts: Vec<SignatureVerdict>,
}

impl VerificationHelper for Helper<'_> {
    fn inspect(&mut self, parser: &PacketParser<'_>) -> sequoia_openpgp::Result<()> {
        self.flood.meet(&parser.packet)
    }

    fn get_certs(&mut self, ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(self.signers.named(ids))
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            if let MessageLayer::SignatureGroup { results } = layer {
                let room = MAX_SIGNATURES.saturating_sub(self.verdicts.len());
                let now = self.signers.now();
                self.verdicts.extend(results.into_iter().take(room).map(|result| verdict::of(result, now)));
            }
        }
        Ok(())
    }
}

impl DecryptionHelper for Helper<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _passwords: &[SKESK],
        cipher: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> sequoia_openpgp::Result<Option<Cert>> {
        let pairs = || self.keys.iter().flat_map(|key| key.decryptors());
        let names =
            |pkesk: &PKESK, id: &KeyID| pkesk.recipient().is_some_and(|r| r.aliases(KeyHandle::from(id)));
        let named = pkesks.iter().flat_map(|pkesk| {
            pairs().filter(move |(id, _)| names(pkesk, id)).map(move |(_, pair)| (pkesk, pair))
        });
        let wildcards = pkesks
            .iter()
            .filter(|pkesk| pkesk.recipient().is_none())
            .take(MAX_WILDCARDS)
            .flat_map(|pkesk| pairs().map(move |(_, pair)| (pkesk, pair)));
        for (pkesk, pair) in named.chain(wildcards).take(MAX_PKESKS) {
            if pkesk.pk_algo() != sequoia_openpgp::crypto::Decryptor::public(pair).pk_algo() {
                continue;
            }
            let opened =
                pkesk.decrypt(&mut pair.clone(), cipher).is_some_and(|(cipher, key)| decrypt(cipher, &key));
            if opened {
                break;
            }
        }
        Ok(None)
    }
}

struct Known<'a> {
    session_key: &'a SessionKey,
}

impl VerificationHelper for Known<'_> {
    fn get_certs(&mut self, _ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, _structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        Ok(())
    }
}

impl DecryptionHelper for Known<'_> {
    fn decrypt(
        &mut self,
        _pkesks: &[PKESK],
        _passwords: &[SKESK],
        _cipher: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> sequoia_openpgp::Result<Option<Cert>> {
        decrypt(Some(CIPHER), self.session_key);
        Ok(None)
    }
}
