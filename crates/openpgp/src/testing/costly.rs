//! More expensive mail: junk that looks like packets, texts that are hashed many times, masses of headers and
//! parts.

use sealist_mail::{Boundary, compose};
use sequoia_openpgp::Packet;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::packet::signature::subpacket::{Subpacket, SubpacketTag, SubpacketValue};
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::types::{HashAlgorithm, SignatureType};

use super::hostile::{Material, Stage, literal, mime, parts};
use crate::armor;

/// Octets with which no packet begins.
pub(super) fn text(octets: usize) -> Vec<u8> {
    b"Words, and more words of the same kind. ".repeat(octets / 40)
}

/// Octets that each look like a packet header, but not a plausible one.
pub(super) fn likenesses(octets: usize) -> Vec<u8> {
    vec![0xc6; octets]
}

/// A compressed packet without compression.
fn stored(packets: &[u8]) -> Vec<u8> {
    let length = u32::try_from(packets.len() + 1).unwrap().to_be_bytes();
    [&[0xc8, 0xff][..], &length, &[0], packets].concat()
}

pub(super) fn mail(head: &str, body: &[u8]) -> Vec<u8> {
    [b"From: anne@example.org\r\nMIME-Version: 1.0\r\n", head.as_bytes(), b"\r\n\r\n", body].concat()
}

/// A root that is declared as signed, with `count` copies of that signature part.
fn signed_entity(signature: &[u8], count: usize) -> Vec<u8> {
    let signature = armor::block("SIGNATURE", signature);
    let part = [b"--s\r\nContent-Type: application/pgp-signature\r\n\r\n", &signature[..], b"\r\n"].concat();
    let head = "Content-Type: multipart/signed; protocol=\"multipart/mixed\"; boundary=r\r\n\r\n--r\r\n";
    let mixed = b"\r\n--r\r\nContent-Type: multipart/mixed; boundary=s\r\n\r\n";
    [head.as_bytes(), &parts(1), mixed, &part.repeat(count), b"--s--\r\n\r\n--r--\r\n"].concat()
}

/// That many leaves, each of which is a block.
fn leaves(block: &[u8], count: usize) -> Vec<u8> {
    let leaf = [b"--b\r\nContent-Type: text/plain\r\n\r\n", block, b"\r\n"].concat();
    mail("Content-Type: multipart/mixed; boundary=b", &[&leaf.repeat(count)[..], b"--b--\r\n"].concat())
}

impl Stage {
    pub(super) fn one_signature(&self) -> Vec<u8> {
        self.member.signature(&parts(1), self.now)
    }

    /// A signature and junk, in 16 parts beside the text.
    pub(super) fn junk_beside(&self, junk: &[u8]) -> Material {
        let entity = signed_entity(&[&self.one_signature(), junk].concat(), 16);
        Material::Mail(vec![[b"From: anne@example.org\r\n", &entity[..]].concat()])
    }

    /// The same, compressed and encrypted.
    pub(super) fn junk_within(&self, junk: &[u8]) -> Material {
        let entity = signed_entity(&[&self.one_signature(), junk].concat(), 16);
        self.encrypted(&stored(&literal(&entity)))
    }

    /// Junk after the signed data, before or inside the encryption.
    pub(super) fn junk_behind(&self, junk: &[u8]) -> Material {
        let inner = [self.one_signature(), literal(&parts(1))].concat();
        self.encrypted(&stored(&[&inner, junk].concat()))
    }

    /// Unencrypted leaves that contain junk.
    pub(super) fn junk_in_leaves(&self, junk: &[u8]) -> Material {
        let block = armor::block("MESSAGE", &[&self.one_signature(), junk].concat());
        Material::Mail(vec![leaves(&block, 16)])
    }

    /// One text with one signature by the member per algorithm. All but the first are false.
    pub(super) fn hashed_often(&self, octets: usize) -> Material {
        use HashAlgorithm::{SHA1, SHA3_256, SHA3_512, SHA224, SHA256, SHA384, SHA512};
        let text =
            [&b"Content-Type: text/plain\r\n\r\n"[..], &b"More words.\r\n".repeat(octets / 13)].concat();
        let own = self.member_secret();
        let mut key = own.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
        let mut signatures = Vec::new();
        for algorithm in [SHA512, SHA384, SHA256, SHA224, SHA3_256, SHA3_512, SHA1] {
            for kind in [SignatureType::Text, SignatureType::Binary] {
                let builder = SignatureBuilder::new(kind).set_hash_algo(algorithm);
                let Ok(signature) = builder.sign_message(&mut key, b"something else") else { continue };
                signatures.extend(Packet::from(signature).to_vec().unwrap());
            }
        }
        Material::Mail(vec![self.member.mail_signed(&text, &signatures)])
    }

    /// Signatures with many small subpackets.
    pub(super) fn said_much(&self) -> Material {
        let own = self.member_secret();
        let mut key = own.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
        let signature = SignatureBuilder::new(SignatureType::Binary).sign_message(&mut key, b"else").unwrap();
        let mut signature = signature.clone();
        let small = SubpacketValue::Unknown { tag: SubpacketTag::Private(100), body: Vec::new() };
        while signature.unhashed_area_mut().add(Subpacket::new(small.clone(), false).unwrap()).is_ok()
            && signature.unhashed_area().iter().count() < 1_000
        {}
        let packet = Packet::from(signature).to_vec().unwrap();
        let entity = signed_entity(&packet.repeat(4), 16);
        Material::Mail(vec![[b"From: anne@example.org\r\n", &entity[..]].concat()])
    }

    /// Literal data in chunks of one octet.
    pub(super) fn in_pieces(&self, octets: usize) -> Material {
        let whole = literal(&text(octets));
        let body = &whole[whole.len() - octets / 40 * 40..];
        let pieces: Vec<u8> = body.iter().flat_map(|octet| [0xe0, *octet]).collect();
        self.encrypted(&stored(&[&[0xcb, 6, b'b', 0, 0, 0, 0, 0][..], &[0xcb], &pieces, &[0]].concat()))
    }

    /// Encrypted data whose packet has chunks of one octet.
    pub(super) fn encrypted_in_pieces(&self, octets: usize) -> Material {
        let good = self.packets(&literal(&text(octets)));
        let behind = 2 + usize::from(good[1]);
        let (head, data) = good.split_at(behind);
        let pieces: Vec<u8> = data[6..].iter().flat_map(|octet| [0xe0, *octet]).collect();
        Material::Mail(vec![mime(&[head, &[0xd2], &pieces, &[0]].concat())])
    }

    /// A version 2 packet that declares chunks of 2^62 octets.
    pub(super) fn huge_chunks(&self) -> Material {
        let good = self.good_packets();
        let behind = 2 + usize::from(good[1]);
        let data = [&[2, 9, 2, 56][..], &[7; 32], &[0; 200]].concat();
        let length = u8::try_from(data.len() - 192).unwrap();
        Material::Mail(vec![mime(&[&good[..behind], &[0xd2, 192, length], &data].concat())])
    }

    /// A block of signed text that announces many algorithms.
    pub(super) fn announced_often(&self, octets: usize) -> Material {
        let hashes: String = ["SHA512", "SHA384", "SHA256", "SHA224", "SHA1", "SHA3-256", "SHA3-512", "MD5"]
            .iter()
            .map(|name| format!("Hash: {name}\r\n"))
            .collect();
        let words = "Many words of this kind.\r\n".repeat(octets / 26);
        let signature = armor::block("SIGNATURE", &self.one_signature());
        let signature = String::from_utf8(signature).unwrap();
        let block = format!("-----BEGIN PGP SIGNED MESSAGE-----\r\n{hashes}\r\n{words}{signature}");
        Material::Mail(vec![mail("Content-Type: text/plain", block.as_bytes())])
    }

    /// Armor with blanks and text around it, as no program writes it.
    pub(super) fn untidy_armor(&self, octets: usize) -> Material {
        let armored = String::from_utf8(armor::block("MESSAGE", &text(octets))).unwrap();
        let untidy = armored.replace("\r\n", " \r\n ");
        let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy([9; 16]));
        Material::Mail(vec![
            [b"From: anne@example.org\r\n", &head[..], b"Words.\r\n", untidy.as_bytes(), &tail].concat(),
        ])
    }

    /// Dashes that could begin armor, but do not.
    pub(super) fn almost_armor(&self, octets: usize) -> Material {
        let lines = b"-----BEGIN PGP MESSAG\r\n".repeat(octets / 23);
        let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy([9; 16]));
        Material::Mail(vec![[b"From: anne@example.org\r\n", &head[..], &lines, &tail].concat()])
    }

    /// Parts with the largest allowed header, full of that word.
    pub(super) fn headers_full_of(&self, field: &str, word: &str, octets: usize) -> Material {
        let value = word.repeat(60_000 / word.len());
        let lines: Vec<String> =
            value.as_bytes().chunks(900).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let field = format!("{field}{}\r\n", lines.join("\r\n "));
        let part = format!("--b\r\n{}\r\nx\r\n", field.repeat(3));
        let parts = part.repeat(octets / part.len());
        Material::Mail(vec![mail(
            "Content-Type: multipart/mixed; boundary=b",
            format!("{parts}--b--\r\n").as_bytes(),
        )])
    }

    /// 900 small parts.
    pub(super) fn parts_in_masses(&self, encoding: &str, body: &str) -> Material {
        let part = format!(
            "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n"
        );
        Material::Mail(vec![mail(
            "Content-Type: multipart/mixed; boundary=b",
            format!("{}--b--\r\n", part.repeat(900)).as_bytes(),
        )])
    }
}
