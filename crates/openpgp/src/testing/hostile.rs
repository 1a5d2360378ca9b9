//! Messages and keys that are made to be expensive. None may be accepted, and none may cost much.

use std::io::Write as _;

use sealist_mail::scan::scan;
use sealist_mail::{Boundary, Timestamp, compose};
use sequoia_openpgp::packet::UserID;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::serialize::stream::{Encryptor, Message, Recipient};
use sequoia_openpgp::types::{Features, SignatureType};
use sequoia_openpgp::{Cert, Packet};

use super::bombs::BOMBS;
use super::costly::{likenesses, text};
use super::heavy::{self, Numbers};
use super::{Kind, Person, deflate, member};
use crate::{Certificate, KeyMaterial, ListKey, armor, open};

/// A list, a member whose signatures count, and the time.
pub struct Stage {
    /// The list's key, if the test has it.
    key: Option<ListKey>,
    list: Certificate,
    pub(super) member: Person,
    pub(super) now: Timestamp,
}

/// One attack.
pub struct Attack {
    /// Its name.
    pub name: &'static str,
    make: fn(&Stage) -> Material,
}

impl Attack {
    /// The attack of that name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        ATTACKS.iter().find(|attack| attack.name == name)
    }
}

/// The data of an attack.
pub enum Material {
    /// Whole messages to the list.
    Mail(Vec<Vec<u8>>),
    /// Data that claims to be a certificate.
    Key(Vec<u8>),
    /// Keys that are attached to a command.
    Keys(Vec<u8>),
}

/// All attacks.
pub const ATTACKS: &[Attack] = &[
    Attack { name: "bomb of 1 GiB", make: |s| s.encrypted(&deflate::bomb(1 << 30)) },
    Attack { name: "31 MiB of line ends, compressed", make: |s| s.bomb("line ends") },
    Attack { name: "31 MiB of base64, compressed", make: |s| s.bomb("base64") },
    Attack { name: "31 MiB of packets, compressed", make: |s| s.bomb("packets") },
    Attack { name: "31 MiB of nothing, compressed", make: |s| s.bomb("compressed in compressed") },
    Attack { name: "31 MiB under false signatures", make: |s| s.bomb("words under a member's signatures") },
    Attack { name: "31 MiB of words, in the text", make: |s| s.bomb("words in the text") },
    Attack { name: "10 MiB of line ends, signed", make: |s| Material::Mail(vec![s.line_ends(10 << 20)]) },
    Attack { name: "quine", make: |s| s.encrypted(&deflate::quine()) },
    Attack { name: "1,000 layers", make: |s| s.encrypted(&layers(1000)) },
    Attack { name: "10,000 PKESKs for nobody", make: |s| s.flooded(&[0; 8]) },
    Attack { name: "10,000 PKESKs for the list", make: |s| s.flooded(&s.own_key_id()) },
    Attack { name: "100,000 signatures, encrypted", make: Stage::signed_inside },
    Attack { name: "100,000 signatures, detached", make: Stage::signed_beside },
    Attack {
        name: "100,000 unknown signatures, in the text",
        make: |s| s.in_the_text(&[0xc4, 1, 9].repeat(100_000)),
    },
    Attack { name: "1,000,000 markers, in the text", make: |s| s.in_the_text(&MARKER.repeat(1_000_000)) },
    Attack { name: "1,000,000 markers, encrypted", make: |s| s.encrypted(&MARKER.repeat(1_000_000)) },
    Attack { name: "100,000 parts, encrypted", make: |s| s.encrypted(&literal(&parts(100_000))) },
    Attack { name: "Argon2 password", make: Stage::argon2 },
    Attack { name: "text behind 16 signatures", make: |s| s.junk_beside(&text(32_000)) },
    Attack { name: "text behind 16 signatures, encrypted", make: |s| s.junk_within(&text(32_000)) },
    Attack { name: "likenesses behind 16 signatures", make: |s| s.junk_beside(&likenesses(32_000)) },
    Attack { name: "text behind the signed, encrypted", make: |s| s.junk_behind(&text(10 << 20)) },
    Attack { name: "likenesses behind the signed", make: |s| s.junk_behind(&likenesses(10 << 20)) },
    Attack { name: "16 leaves of text", make: |s| s.junk_in_leaves(&text(32_000)) },
    Attack { name: "16 leaves of likenesses", make: |s| s.junk_in_leaves(&likenesses(32_000)) },
    Attack { name: "14 signatures over 10 MiB", make: |s| s.hashed_often(10 << 20) },
    Attack { name: "64,000 subpackets", make: Stage::said_much },
    Attack { name: "10 MiB in pieces of an octet", make: |s| s.in_pieces(10 << 20) },
    Attack { name: "10 MiB encrypted in such pieces", make: |s| s.encrypted_in_pieces(10 << 20) },
    Attack { name: "chunks of 2^62 octets", make: Stage::huge_chunks },
    Attack { name: "8 algorithms over 10 MiB of text", make: |s| s.announced_often(10 << 20) },
    Attack { name: "untidy armor of 10 MiB", make: |s| s.untidy_armor(10 << 20) },
    Attack { name: "10 MiB that begin no armor", make: |s| s.almost_armor(10 << 20) },
    Attack {
        name: "10 MiB of words in types",
        make: |s| s.headers_full_of("Content-Type: ", "=?a?q?X", 10 << 20),
    },
    Attack {
        name: "10 MiB of whole words in types",
        make: |s| s.headers_full_of("Content-Type: ", "=?koi8-r?q?X?=", 10 << 20),
    },
    Attack {
        name: "10 MiB of comments in types",
        make: |s| s.headers_full_of("Content-Type: ", "(", 10 << 20),
    },
    Attack {
        name: "10 MiB of parameters in types",
        make: |s| s.headers_full_of("Content-Type: a/b", ";a*0=b", 10 << 20),
    },
    Attack {
        name: "10 MiB of words in encodings",
        make: |s| s.headers_full_of("Content-Transfer-Encoding: ", "=?koi8-r?q?X?=", 10 << 20),
    },
    Attack {
        name: "900 parts, quoted-printable",
        make: |s| s.parts_in_masses("quoted-printable", &"=3D=\r\n".repeat(2000)),
    },
    Attack { name: "900 parts, base64", make: |s| s.parts_in_masses("base64", &"QUJD \r\n".repeat(1500)) },
    Attack { name: "2,400 flipped bits", make: Stage::flipped },
    Attack { name: "key with 150,000 foreign signatures", make: Stage::certified },
    Attack { name: "key with 100,000 false signatures", make: Stage::self_certified },
    Attack { name: "RSA key of 16,384 bits", make: |s| s.heavy(Numbers::Rsa(16_384, 64), 100) },
    Attack { name: "RSA key with a long exponent", make: |s| s.heavy(Numbers::Rsa(3072, 3071), 500) },
    Attack { name: "DSA key of 10,000 bits", make: |s| s.heavy(Numbers::Dsa(10_000, 256), 500) },
    Attack { name: "largest RSA key that is read", make: |s| s.heavy(Numbers::Rsa(8192, 32), 190) },
    Attack { name: "key over the slowest curve", make: |s| s.heavy(Numbers::Brainpool, 500) },
    Attack {
        name: "5 keys over the slowest curve",
        make: |s| Material::Keys(heavy::keys(5, Numbers::Brainpool, 500, s.now)),
    },
    Attack {
        name: "the same key 50 times",
        make: |s| Material::Keys(heavy::repeated_key(50, Numbers::Brainpool, 64, s.now)),
    },
    Attack { name: "largest DSA key that is read", make: |s| s.heavy(Numbers::Dsa(3072, 256), 190) },
];

/// A packet without meaning ([RFC 9580, section 5.8]).
const MARKER: [u8; 5] = [0xca, 3, 0x50, 0x47, 0x50];

impl Attack {
    /// Makes the data.
    pub fn material(&self, stage: &Stage) -> Material {
        (self.make)(stage)
    }
}

impl Stage {
    /// A list and a member with new keys.
    pub fn new(now: Timestamp) -> Self {
        let address = |local: &str| format!("{local}@lists.example").parse().expect("an address");
        let key = ListKey::generate("Team", &[address("team"), address("team-request")], now.plus_ms(-1000));
        let key = key.expect("a key");
        let member = Person::new("anne@example.org", Kind::Curve25519, now);
        Self { list: key.certificate(), key: Some(key), member, now }
    }

    /// A list whose key somebody else has, and a member of it.
    pub fn against(list: Certificate, member: Person, now: Timestamp) -> Self {
        Self { key: None, list, member, now }
    }

    /// Whether anything is accepted: a message with a valid signature, or a usable key.
    pub fn takes(&self, material: &Material) -> bool {
        let keys: Vec<&ListKey> = self.key.iter().collect();
        let signers = [self.member.certificate()];
        let limits = crate::Limits::default();
        match material {
            Material::Mail(mails) => mails.iter().any(|mail| {
                if scan(mail, sealist_mail::scan::MessageLimits::default()).is_err() {
                    return false;
                }
                open(mail, &keys, &signers, self.now, limits).valid_signature().is_some()
            }),
            Material::Keys(keys) => {
                let brought = KeyMaterial::of(std::slice::from_ref(keys));
                brought.certificates.iter().any(|certificate| certificate.usable(self.now).is_ok())
            }
            Material::Key(key) => {
                Certificate::read_one(key).is_ok_and(|certificate| certificate.usable(self.now).is_ok())
            }
        }
    }

    /// A post of the member of about that size, for comparison.
    pub fn honest(&self, octets: usize) -> Material {
        let text =
            [&b"Content-Type: text/plain\r\n\r\n"[..], &b"Words.\r\n".repeat(octets * 3 / 4 / 8)].concat();
        Material::Mail(vec![mime(&self.member.packets(&[&self.list], &text, self.now))])
    }

    fn own_key_id(&self) -> Vec<u8> {
        let mut subkeys = self.list.cert().keys().subkeys();
        subkeys.next().expect("a list has one to encrypt to").key().keyid().as_bytes().to_vec()
    }

    pub(super) fn packets(&self, inner: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let readers = self.list.cert().keys().subkeys().map(|key| {
            let features = Features::empty().set_seipdv1();
            Recipient::new(features, key.key().key_handle(), key.key().role_as_unspecified())
        });
        let mut message = Encryptor::for_recipients(Message::new(&mut out), readers).build().unwrap();
        message.write_all(inner).unwrap();
        message.finalize().unwrap();
        out
    }

    /// A bomb of that kind that grows as much as is allowed.
    fn bomb(&self, name: &str) -> Material {
        let bomb = BOMBS.iter().find(|bomb| bomb.name == name).expect("a kind of that name");
        Material::Mail(vec![bomb.mail(self, 31 << 20)])
    }

    /// Encrypted to the list.
    pub(super) fn encrypted(&self, inner: &[u8]) -> Material {
        Material::Mail(vec![mime(&self.packets(inner))])
    }

    /// A message that, by its first packet, is a block of signed text.
    fn in_the_text(&self, packets: &[u8]) -> Material {
        let block = armor::block("MESSAGE", &[&[0xc4, 1, 9][..], packets, &literal(b"words")].concat());
        Material::Mail(vec![[b"From: anne@example.org\r\n\r\n", &block[..]].concat()])
    }

    pub(super) fn good_packets(&self) -> Vec<u8> {
        self.member.packets(&[&self.list], &parts(1), self.now)
    }

    /// A good message after many session keys.
    fn flooded(&self, key_id: &[u8]) -> Material {
        let one = [&[0xc1, 14, 3][..], key_id, &[18, 0, 1, 1, 0]].concat();
        Material::Mail(vec![mime(&[one.repeat(10_000), self.good_packets()].concat())])
    }

    /// As many signatures as announced, but by somebody else.
    fn signed_inside(&self) -> Material {
        let eve = Person::new("eve@example.com", Kind::Curve25519, self.now);
        let text = parts(1);
        let Ok(Packet::Signature(signature)) = parsed(&eve.signature(&text, self.now)) else {
            unreachable!("a signature packet")
        };
        let announced = sequoia_openpgp::packet::OnePassSig::try_from(&signature).unwrap();
        let announced = Packet::from(announced).to_vec().unwrap();
        let behind = Packet::from(signature).to_vec().unwrap();
        let inner = [announced.repeat(100_000), literal(&text), behind.repeat(100_000)].concat();
        self.encrypted(&inner)
    }

    fn signed_beside(&self) -> Material {
        let text = parts(1);
        let signature = self.member.signature(&text, self.now);
        Material::Mail(vec![self.member.mail_signed(&text, &signature.repeat(100_000))])
    }

    /// A packet that asks for 2^31 KiB of memory ([RFC 9580, section 3.7.1.4]).
    fn argon2(&self) -> Material {
        let skesk = [&[0xc3, 23, 4, 9, 4][..], &[7; 16], &[1, 1, 31], &[0; 1]].concat();
        let good = self.good_packets();
        let behind = 2 + usize::from(good[1]);
        Material::Mail(vec![mime(&[&skesk, &good[behind..]].concat())])
    }

    /// Flips each bit of the last 300 octets, one at a time.
    fn flipped(&self) -> Material {
        let good = self.good_packets();
        let first = good.len() - 300;
        let flip = |bit: usize| {
            let mut bent = good.clone();
            bent[first + bit / 8] ^= 1 << (bit % 8);
            mime(&bent)
        };
        Material::Mail((0..2400).map(flip).collect())
    }

    fn certified(&self) -> Material {
        let eve = member("eve@example.com", Kind::Curve25519, self.now);
        self.key_with(&eve, 150_000)
    }

    /// Signatures that claim to be self-signatures, over another text.
    fn self_certified(&self) -> Material {
        let own = self.member_secret();
        let (head, tail) = self.key_parts();
        let other = UserID::from("somebody else");
        let signature = certification(&own, &own, &other);
        Material::Key([&head[..], &signature.repeat(100_000), &tail].concat())
    }

    /// A key with as many signatures as are read.
    fn heavy(&self, numbers: Numbers, signatures: usize) -> Material {
        Material::Key(heavy::key(numbers, None, signatures, self.now))
    }

    fn key_with(&self, signer: &Cert, signatures: usize) -> Material {
        let own = self.member_secret();
        let (head, tail) = self.key_parts();
        let user_id = own.userids().next().unwrap().userid().clone();
        let signature = certification(signer, &own, &user_id);
        Material::Key([&head[..], &signature.repeat(signatures), &tail].concat())
    }

    /// A certificate before and after the signatures on its user id.
    fn key_parts(&self) -> (Vec<u8>, Vec<u8>) {
        let packets: Vec<Packet> = self.member_secret().strip_secret_key_material().into_packets().collect();
        let at = packets.iter().position(|packet| matches!(packet, Packet::UserID(_))).unwrap() + 1;
        let write = |packets: &[Packet]| packets.iter().flat_map(|p| p.to_vec().unwrap()).collect();
        (write(&packets[..at]), write(&packets[at..]))
    }

    pub(super) fn member_secret(&self) -> Cert {
        self.member.secret().clone()
    }
}

fn certification(signer: &Cert, own: &Cert, user_id: &UserID) -> Vec<u8> {
    let key = signer.primary_key().key().clone().parts_into_secret().unwrap();
    let builder = SignatureBuilder::new(SignatureType::GenericCertification);
    let signature = user_id.bind(&mut key.into_keypair().unwrap(), own, builder).unwrap();
    Packet::from(signature).to_vec().unwrap()
}

fn parsed(packet: &[u8]) -> sequoia_openpgp::Result<Packet> {
    use sequoia_openpgp::parse::Parse as _;
    Packet::from_bytes(packet)
}

pub(super) fn mime(packets: &[u8]) -> Vec<u8> {
    let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy([9; 16]));
    [b"From: anne@example.org\r\n", &head[..], &armor::block("MESSAGE", packets), &tail].concat()
}

/// An entity of that many parts.
pub(super) fn parts(count: usize) -> Vec<u8> {
    if count == 1 {
        return b"Content-Type: text/plain\r\n\r\nWords.\r\n".to_vec();
    }
    let head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    [&head[..], &b"--b\r\n\r\nx\r\n".repeat(count), b"--b--\r\n"].concat()
}

pub(super) fn literal(content: &[u8]) -> Vec<u8> {
    [&crate::seipd::literal_head(Some(content.len())).unwrap()[..], content].concat()
}

/// Nested compressed packets without compression.
fn layers(count: usize) -> Vec<u8> {
    let mut packets = literal(&parts(1));
    for _ in 0..count {
        let length = u32::try_from(packets.len() + 1).unwrap().to_be_bytes();
        packets = [&[0xc8, 0xff][..], &length, &[0], &packets].concat();
    }
    packets
}
