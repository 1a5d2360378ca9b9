//! What `open` says of good, odd and hostile messages, made with the library.

use std::io::Write as _;
use std::time::Duration;

use sealist_mail::{Boundary, Timestamp, compose};
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
    ListKey::generate("Team", &address("team"), &address("team-request"), NOW.plus_ms(-1000)).unwrap()
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
    }
}

fn check(opened: &Opened, encryption: Encryption, verdicts: &[&str]) {
    let seen: Vec<&str> = opened.signatures().iter().map(word).collect();
    assert_eq!((opened.encryption(), &seen[..]), (encryption, verdicts));
}

fn says(opened: &Opened, keep: KeepSignature) -> String {
    String::from_utf8_lossy(&opened.content(keep, [1; 16])).into_owned()
}

#[test]
fn mime_of_all_sorts() {
    let s = stage();
    let text = TEXT.as_bytes();
    let combined = s.open(&mime(&Recipe::to(&s.list).signed_by(&s.anne).armored(text)));
    check(&combined, Encryption::Whole, &["good"]);
    assert!(combined.valid_signature().is_some());
    assert!(says(&combined, KeepSignature::Keep).contains("BEGIN PGP SIGNATURE"));
    assert!(says(&combined, KeepSignature::Strip).ends_with("We meet at seven.\r\n"));

    let unsigned = s.open(&mime(&Recipe::to(&s.list).armored(text)));
    check(&unsigned, Encryption::Whole, &[]);

    let signature = detached(&s.anne, at(NOW), text);
    let signed = mime_signed(TEXT, &signature);
    check(&s.open(&signed), Encryption::None, &["good"]);
    let inner = &signed[signed.windows(2).position(|w| w == b"\r\n").unwrap() + 2..];
    check(&s.open(&mime(&Recipe::to(&s.list).armored(inner))), Encryption::Whole, &["good"]);

    check(&s.open(b"From: a@x.example\r\n\r\nwords\r\n"), Encryption::None, &[]);
}

#[test]
fn only_the_authors_key_speaks_and_only_for_all_of_it() {
    let s = stage();
    let text = TEXT.as_bytes();
    let by_eve = mime(&Recipe::to(&s.list).signed_by(&s.eve).armored(text));
    check(&s.open(&by_eve), Encryption::Whole, &["unknown"]);
    check(&s.open_as(&by_eve, &s.eve), Encryption::Whole, &["good"]);
    let altered = mime_signed(&TEXT.replace("seven", "eight"), &detached(&s.anne, at(NOW), text));
    check(&s.open(&altered), Encryption::None, &["bad"]);
    check(&s.open(&mime_signed(TEXT, b"\xc2\x00")), Encryption::None, &["bad"]);

    // A second signature for other programs does no harm; one that is worse than unknown does.
    let two = [detached(&s.anne, at(NOW), text), detached(&s.eve, at(NOW), text)].concat();
    let opened = s.open(&mime_signed(TEXT, &two));
    check(&opened, Encryption::None, &["good", "unknown"]);
    assert!(opened.valid_signature().is_some());
    let other = detached(&s.anne, at(NOW), b"something else");
    let opened = s.open(&mime_signed(TEXT, &[detached(&s.anne, at(NOW), text), other].concat()));
    check(&opened, Encryption::None, &["good", "bad"]);
    assert!(opened.valid_signature().is_none());
}

#[test]
fn dates_expiry_revocation_and_weak_hashes() {
    let s = stage();
    let day = 24 * 3600 * 1000;
    let dated = |ms: i64| at(NOW.plus_ms(ms));
    let outcome = |cert: &Cert, stamp: Stamp| {
        let recipe = Recipe::to(&s.list).signed_with(cert, stamp);
        let opened = s.open_as(&mime(&recipe.armored(TEXT.as_bytes())), cert);
        opened.signatures().iter().map(word).collect::<Vec<_>>().join(",")
    };
    assert_eq!(outcome(&s.anne, dated(-3600 * 1000)), "good");
    assert_eq!(outcome(&s.anne, dated(5 * 60 * 1000)), "good");
    assert_eq!(outcome(&s.anne, dated(3600 * 1000)), "future");
    let old = member("anne@example.org", Kind::Curve25519, NOW.plus_ms(-30 * day));
    assert_eq!(outcome(&old, dated(-8 * day)), "wrong date");
    let brief = Stamp { valid_s: Some(60), ..dated(-3600 * 1000) };
    assert_eq!(outcome(&s.anne, brief), "expired");
    let sha1 = Stamp { hash: HashAlgorithm::SHA1, ..dated(0) };
    assert_eq!(outcome(&s.anne, sha1), "too weak");
    // Hard: also what was signed before it is void (RFC 9580, section 5.2.3.31).
    assert_eq!(outcome(&member("anne@example.org", Kind::Revoked, NOW), dated(-3600 * 1000)), "revoked");
    let ended = member("anne@example.org", Kind::ExpiresInAnHour, NOW.plus_ms(-7200 * 1000));
    assert_eq!(outcome(&ended, dated(0)), "expired");
}

#[test]
fn what_cannot_be_read_says_only_what_anybody_sees() {
    let s = stage();
    let unreadable = |data: &[u8]| match s.open(&mime(data)).encryption() {
        Encryption::Unreadable(why) => why,
        other => panic!("{other:?}"),
    };
    let other = Recipe { to: Some(Certificate::of(s.eve.clone())), ..Recipe::to(&s.list) };
    assert_eq!(unreadable(&other.armored(b"x")), Unreadable::OtherKeys);
    assert_eq!(unreadable(b"no armor"), Unreadable::NotOpenPgp);
    assert_eq!(unreadable(&armor::block("MESSAGE", &[0xc9, 1, 0])), Unreadable::NoIntegrity);
    assert_eq!(unreadable(&armor::block("MESSAGE", &[0xd4, 1, 0])), Unreadable::LibrePgp);
    let signed_only = Recipe { to: None, ..Recipe::to(&s.list).signed_by(&s.anne) };
    assert_eq!(unreadable(&signed_only.armored(b"x")), Unreadable::NotOpenPgp);
    // A password is nothing to a list.
    assert_eq!(
        unreadable(&armor::block("MESSAGE", &[0xc3, 4, 4, 9, 0, 8, 0xd2, 1, 1])),
        Unreadable::OtherKeys
    );
}

#[test]
fn no_altered_ciphertext_opens() {
    let s = stage();
    let packets = Recipe::to(&s.list).signed_by(&s.anne).packets(TEXT.as_bytes());
    let body = packets.len() - 200;
    for at in (0..packets.len()).filter(|at| at % 7 == 0 || *at > body) {
        let mut bent = packets.clone();
        bent[at] ^= 1;
        let opened = s.open(&mime(&armor::block("MESSAGE", &bent)));
        assert!(matches!(opened.encryption(), Encryption::Unreadable(_)), "octet {at}");
        assert!(!says(&opened, KeepSignature::Keep).contains("seven"), "octet {at}");
    }
    for cut in (1..64).chain([100, 200]) {
        let opened = s.open(&mime(&armor::block("MESSAGE", &packets[..packets.len() - cut])));
        assert!(matches!(opened.encryption(), Encryption::Unreadable(_)), "cut {cut}");
    }
    for extra in [&b"\xd2\x01\x01"[..], b"\xcb\x03b\x00\x00", &packets] {
        let opened = s.open(&mime(&armor::block("MESSAGE", &[&packets[..], extra].concat())));
        assert!(!opened.verified().any(|_| true), "appended {}", extra.len());
    }
}

#[test]
fn armor_comes_in_many_dresses() {
    let s = stage();
    let plain = String::from_utf8(Recipe::to(&s.list).signed_by(&s.anne).armored(TEXT.as_bytes())).unwrap();
    let without_crc: String =
        plain.lines().filter(|line| !line.starts_with('=')).map(|l| format!("{l}\r\n")).collect();
    for armor in [
        plain.replace("MESSAGE-----\r\n\r\n", "MESSAGE-----\r\nVersion: x\r\nComment: y\r\n\r\n"),
        plain.replace("\r\n", "\n"),
        plain.replace("\r\n", " \r\n"),
        without_crc,
    ] {
        check(&s.open(&mime(armor.as_bytes())), Encryption::Whole, &["good"]);
    }
}

#[test]
fn large_mail_in_partial_lengths() {
    let s = stage();
    let text = format!("{TEXT}{}", "0123456789abcdef\r\n".repeat(200_000));
    let packets = Recipe::to(&s.list).signed_by(&s.anne).packets(text.as_bytes());
    let opened = s.open(&mime(&armor::block("MESSAGE", &packets)));
    check(&opened, Encryption::Whole, &["good"]);
    assert!(says(&opened, KeepSignature::Strip).ends_with("cdef\r\n"));
    // More than is read ahead has come out when the end turns out to be wrong.
    for at in [packets.len() / 2, packets.len() - 30, packets.len() - 1] {
        let mut bent = packets.clone();
        bent[at] ^= 1;
        let opened = s.open(&mime(&armor::block("MESSAGE", &bent)));
        assert!(matches!(opened.encryption(), Encryption::Unreadable(_)), "octet {at}");
        assert!(!says(&opened, KeepSignature::Keep).contains("seven"), "octet {at}");
    }
}

#[test]
fn floods_and_bombs_end_early() {
    let s = stage();
    let bomb = Recipe { bomb: true, ..Recipe::to(&s.list) };
    let zeros = vec![b'x'; 80 << 20];
    let opened = s.open(&mime(&bomb.armored(&zeros)));
    assert_eq!(opened.encryption(), Encryption::Unreadable(Unreadable::Failed));

    let own = Recipe::to(&s.list).packets(TEXT.as_bytes());
    let length = 2 + usize::from(own[1]);
    let (pkesk, rest) = own.split_at(length);
    let mut flood = Vec::new();
    for _ in 0..1_990 {
        flood.extend_from_slice(&[0xc1, 14, 3, 0, 0, 0, 0, 0, 0, 0, 0, 18, 0, 1, 1, 0]);
    }
    let behind = [&flood[..], pkesk, rest].concat();
    check(&s.open(&mime(&armor::block("MESSAGE", &behind))), Encryption::Whole, &[]);
    let endless = [&flood[..], &flood, pkesk, rest].concat();
    let opened = s.open(&mime(&armor::block("MESSAGE", &endless)));
    assert_eq!(opened.encryption(), Encryption::Unreadable(Unreadable::NotOpenPgp));

    let one = detached(&s.eve, at(NOW), TEXT.as_bytes());
    let many = one.repeat(300);
    let opened = s.open(&mime_signed(TEXT, &many));
    assert!(opened.signatures().len() <= super::verify::MAX_SIGNATURES);
}

fn cleartext_signed(cert: &Cert, text: &str) -> String {
    let mut out = Vec::new();
    let signer = at(NOW).signer(Message::new(&mut out), cert, SignatureType::Text);
    let mut message = signer.cleartext().build().unwrap();
    message.write_all(text.as_bytes()).unwrap();
    message.finalize().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn inline_counts_when_it_is_all_there_is() {
    let s = stage();
    let head = "From: anne@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    let secret = String::from_utf8(Recipe::to(&s.list).signed_by(&s.anne).armored(b"Secret words.")).unwrap();
    let opened = s.open(format!("{head}{secret}").as_bytes());
    check(&opened, Encryption::Whole, &["good"]);
    assert!(opened.is_inline() && opened.protected_headers().is_none());
    assert!(says(&opened, KeepSignature::Keep).contains("Secret words."));

    let block = cleartext_signed(&s.anne, "We meet at seven.\r\n- not at eight\r\n");
    let opened = s.open(format!("{head}{block}").as_bytes());
    check(&opened, Encryption::None, &["good"]);
    assert!(says(&opened, KeepSignature::Keep).contains("BEGIN PGP SIGNED MESSAGE"));
    let bare = says(&opened, KeepSignature::Strip);
    assert!(bare.contains("\r\n- not at eight") && !bare.contains("PGP"), "{bare}");
    check(
        &s.open(format!("{head}{}", block.replace("seven", "eight")).as_bytes()),
        Encryption::None,
        &["bad"],
    );

    for beside in [
        format!("{head}Pay Eve.\r\n{block}"),
        format!("{head}{block}Pay Eve.\r\n"),
        format!("{head}{secret}{block}"),
    ] {
        let opened = s.open(beside.as_bytes());
        check(&opened, Encryption::None, &[]);
        assert!(!says(&opened, KeepSignature::Keep).contains("Secret words."));
    }
    let parts = |second: &str| {
        format!(
            "From: anne@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{secret}\r\n--b\r\n\r\n{second}\r\n--b--\r\n"
        )
    };
    check(&s.open(parts(&secret).as_bytes()), Encryption::Whole, &["good", "good"]);
    check(&s.open(parts("<img src='").as_bytes()), Encryption::None, &[]);
    let unsigned = String::from_utf8(Recipe::to(&s.list).armored(b"Pay Eve.")).unwrap();
    check(&s.open(parts(&unsigned).as_bytes()), Encryption::Whole, &[]);
}

#[test]
fn retired_keys_still_open() {
    let s = stage();
    let (new, old) = (list(), &s.list);
    let message = mime(&Recipe::to(old).signed_by(&s.anne).armored(TEXT.as_bytes()));
    let signers = [Certificate::of(s.anne.clone())];
    let opened = open(&message, &[&new, old], &signers, NOW, Limits::default());
    check(&opened, Encryption::Whole, &["good"]);
    let opened = open(&message, &[&new], &signers, NOW, Limits::default());
    check(&opened, Encryption::Unreadable(Unreadable::OtherKeys), &[]);
}
