//! Decrypts a message to the list. Everything is counted before the library sees it.

use std::borrow::Cow;

use sequoia_openpgp::crypto::{KeyPair, SessionKey};
use sequoia_openpgp::packet::{PKESK, SEIP};
use sequoia_openpgp::parse::{Dearmor, PacketParserBuilder, PacketParserResult, Parse as _};
use sequoia_openpgp::policy::{Policy as _, StandardPolicy};
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{KeyHandle, KeyID, Packet};

use super::budget::{self, OpeningBudget};
use super::contents;
use super::signers::Signers;
use super::verdict::SignatureVerdict;
use super::verify::{self, read_all};
use crate::cleartext::Cleartext;
use crate::dearmor;
use crate::framing::{Packets, RawPacket};
use crate::keys::ListKey;
use crate::session_key::CIPHER;

/// The most PKESKs without a key id that are tried.
const MAX_WILDCARDS: usize = 8;
/// The most packets before the encrypted data.
const MAX_PACKETS: usize = 2_000;
/// The most octets of encrypted data. No list accepts more.
pub(super) const MAX_OCTETS: usize = 64 * 1024 * 1024;
/// The largest chunk, as the packet encodes it: 4 MiB.
const MAX_CHUNK_SIZE: u8 = 16;

/// Why an encrypted message was not opened. Everybody who has the message can see all reasons but
/// [`Unreadable::Failed`]. That reason covers everything after the first use of a secret key, so that no
/// answer reveals more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The data is not an OpenPGP message, or it is damaged.
    NotOpenPgp,
    /// The message is encrypted to other keys only.
    OtherKeys,
    /// The message is encrypted without integrity protection (tag 9).
    NoIntegrity,
    /// The message has the LibrePGP format (tag 20).
    LibrePgp,
    /// A mail server took the message apart.
    Mangled,
    /// Other parts or other OpenPGP messages stand beside the message.
    NotAlone,
    /// Any other failure.
    Failed,
}

/// A decrypted OpenPGP layer.
pub(super) struct Decrypted {
    pub(super) content: Cleartext,
    pub(super) verdicts: Vec<SignatureVerdict>,
}

/// Decrypts data, armored or not.
pub(super) fn decrypt(
    data: Cow<'_, [u8]>,
    signers: &Signers<'_>,
    budget: &mut OpeningBudget,
) -> Result<Decrypted, Unreadable> {
    let packets = dearmor::to_binary(&data, MAX_OCTETS).ok_or(Unreadable::NotOpenPgp)?;
    drop(data);
    check_framing(&packets, signers.keys(), budget)?;
    decrypt_packets(packets, signers, budget)
}

/// Decrypts packets that passed [`check_framing`].
pub(super) fn decrypt_packets(
    packets: Vec<u8>,
    signers: &Signers<'_>,
    budget: &mut OpeningBudget,
) -> Result<Decrypted, Unreadable> {
    let opened = opened(&packets, signers.keys(), budget);
    drop(packets);
    let found = opened.and_then(|opened| contents::contents(opened, budget)).ok_or(Unreadable::Failed)?;
    let verdicts = if found.signatures.is_empty() {
        Vec::new()
    } else {
        verify::verdicts(&found.content, &found.signatures, signers, budget)
    };
    Ok(Decrypted { content: found.content, verdicts })
}

/// The packets in the encrypted data, after their integrity is proven.
fn opened(packets: &[u8], keys: &[&ListKey], budget: &mut OpeningBudget) -> Option<Cleartext> {
    let mut session_keys: Vec<PKESK> = Vec::new();
    let mut encrypted = None;
    for packet in Packets::new(packets).flatten() {
        match packet.tag {
            1 => {
                // A PKESK that the library cannot parse is for somebody else.
                if let Ok(Packet::PKESK(pkesk)) = Packet::from_bytes(&packet.plain()) {
                    session_keys.push(pkesk);
                }
            }
            18 => encrypted = Some(packet.plain()),
            _ => {}
        }
    }
    unsealed(&encrypted?, |cipher, decrypt| {
        for (pkesk, pair) in candidates(&session_keys, keys) {
            if budget.session_key().is_err() {
                return;
            }
            let found = pkesk.decrypt(&mut pair.clone(), cipher);
            if found.is_some_and(|(cipher, key)| decrypt(cipher, &key)) {
                return;
            }
        }
    })
}

/// Pairs of PKESKs and keys to try: first the PKESKs that name one of the keys, then a few that name none.
fn candidates<'a>(
    session_keys: &'a [PKESK],
    keys: &'a [&'a ListKey],
) -> impl Iterator<Item = (&'a PKESK, &'a KeyPair)> {
    let pairs = || keys.iter().flat_map(|key| key.decryptors());
    let names = |pkesk: &PKESK, id: &KeyID| pkesk.recipient().is_some_and(|r| r.aliases(KeyHandle::from(id)));
    let named = session_keys.iter().flat_map(move |pkesk| {
        pairs().filter(move |(id, _)| names(pkesk, id)).map(move |(_, pair)| (pkesk, pair))
    });
    let wildcards = session_keys
        .iter()
        .filter(|pkesk| pkesk.recipient().is_none())
        .take(MAX_WILDCARDS)
        .flat_map(move |pkesk| pairs().map(move |(_, pair)| (pkesk, pair)));
    named.chain(wildcards).filter(|(pkesk, pair)| {
        pkesk.pk_algo() == sequoia_openpgp::crypto::Decryptor::public(*pair).pk_algo()
    })
}

type Try<'a> = dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool + 'a;

/// The packets in one SEIPD packet. `find` tries session keys until one fits. Nothing is returned before the
/// integrity is proven at the end ([RFC 9580, section 5.13]).
fn unsealed(packet: &[u8], find: impl FnOnce(Option<SymmetricAlgorithm>, &mut Try<'_>)) -> Option<Cleartext> {
    let builder = PacketParserBuilder::from_bytes(packet).ok()?.dearmor(Dearmor::Disabled);
    let PacketParserResult::Some(mut parser) = builder.build().ok()? else { return None };
    let policy = StandardPolicy::new();
    let (version_1, cipher) = match &parser.packet {
        Packet::SEIP(SEIP::V1(_)) => (true, None),
        Packet::SEIP(SEIP::V2(seip)) => {
            policy.aead_algorithm(seip.aead()).ok()?;
            (false, Some(seip.symmetric_algo()))
        }
        _ => return None,
    };
    let mut used = None;
    find(cipher, &mut |named, key| {
        let cipher = cipher.or(named);
        let fits = parser.decrypt(cipher, key).is_ok();
        used = if fits { cipher } else { None };
        fits
    });
    policy.symmetric_algorithm(used?).ok()?;
    let content = read_all(&mut parser, packet.len(), packet.len())?;
    let (_, behind) = parser.next().ok()?;
    if !version_1 {
        return matches!(behind, PacketParserResult::EOF(_)).then_some(content);
    }
    // The rest is the modification detection code over all that was read.
    let PacketParserResult::Some(parser) = behind else { return None };
    let (code, end) = parser.next().ok()?;
    #[allow(deprecated, reason = "the packet is deprecated, its version of encrypted data is not")]
    let intact = matches!(code, Packet::MDC(code) if code.valid());
    (intact && matches!(end, PacketParserResult::EOF(_))).then_some(content)
}

/// Checks what is public: tags, versions and key ids.
pub(super) fn check_framing(
    binary: &[u8],
    keys: &[&ListKey],
    budget: &mut OpeningBudget,
) -> Result<(), Unreadable> {
    let own: Vec<&[u8]> = keys.iter().flat_map(|key| key.decryptors()).map(|(id, _)| id.as_bytes()).collect();
    let (mut for_us, mut found) = (false, Err(Unreadable::NotOpenPgp));
    for (count, packet) in Packets::new(binary).enumerate() {
        let packet = packet.map_err(|_| Unreadable::NotOpenPgp)?;
        if count >= MAX_PACKETS || budget.meet(&packet).is_err() {
            return Err(Unreadable::NotOpenPgp);
        }
        match packet.tag {
            // Packets after the encrypted data have no meaning.
            10 | 21 => {} // markers and padding say nothing
            _ if found.is_ok() => return Err(Unreadable::NotOpenPgp),
            1 => {
                let named = packet.body.get(1..9);
                let version_3 = packet.body.first() == Some(&3);
                for_us |= !version_3 || named.is_some_and(|id| id == [0; 8] || own.contains(&id));
            }
            3 => {} // a password is nothing to a list
            9 => return Err(Unreadable::NoIntegrity),
            20 => return Err(Unreadable::LibrePgp),
            18 if for_us && is_sane(&packet) => found = Ok(()),
            18 if for_us => return Err(Unreadable::NotOpenPgp),
            18 => return Err(Unreadable::OtherKeys),
            _ => return Err(Unreadable::NotOpenPgp),
        }
    }
    found
}

/// Whether version 2 has chunks of an allowed size ([RFC 9580, section 5.13.2]). The library allocates a
/// whole chunk at once.
fn is_sane(encrypted: &RawPacket<'_>) -> bool {
    match encrypted.body {
        [2, _, _, chunk_size, ..] => *chunk_size <= MAX_CHUNK_SIZE,
        _ => true,
    }
}

/// Decrypts one SEIPD packet with a known session key. Signatures in it are ignored.
pub(crate) fn decrypt_seipd(seipd: &[u8], session_key: &SessionKey) -> Option<Cleartext> {
    let opened = unsealed(seipd, |_, decrypt| {
        decrypt(Some(CIPHER), session_key);
    })?;
    Some(contents::contents(opened, &mut OpeningBudget::new(usize::MAX, budget::unbounded()))?.content)
}
