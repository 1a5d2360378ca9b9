//! Keys and ciphertext: nothing panics, and no altered text counts as signed by its author.

use bolero::check;
use sealist_mail::{Boundary, Timestamp, compose, transfer};
use sealist_openpgp::{
    self as openpgp, Certificate, Encryption, KeepSignature, KeyIds, Limits, ListKey, SealedPost, SignWith,
    StorageKey,
};

use crate::duration;
use crate::mutate::FuzzCase;

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const ENTITY: &[u8] = b"Content-Type: text/plain\r\n\r\nWe meet at seven.\r\n";

fn list_key() -> ListKey {
    let address = "team@lists.example".parse().expect("an address");
    ListKey::generate("Team", &[address], NOW.plus_ms(-1000)).expect("keys can be made")
}

/// A list's own copy to itself: signed and encrypted; the same as an inline message; and only signed.
fn messages(key: &ListKey) -> Vec<Vec<u8>> {
    let storage = StorageKey::generate("team", NOW).expect("keys can be made");
    let sealed = openpgp::seal(ENTITY, b"", SignWith::Key(key, NOW), &storage.certificate()).expect("sealed");
    let session_key = storage.session_key(&sealed).expect("our own");
    let card = key.certificate().usable(NOW).expect("a fresh key");
    let armor =
        SealedPost::new(sealed.clone(), session_key, KeyIds::Named).copy(&[&card]).expect("a copy").joined();
    let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy([1; 16]));
    let signature = openpgp::sign_detached(ENTITY, key, NOW).expect("signed");
    let signed = compose::signed(ENTITY, &signature, "pgp-sha512", &Boundary::from_entropy([2; 16]));
    vec![
        [b"From: team@lists.example\r\n", &head[..], &armor, &tail].concat(),
        [b"From: team@lists.example\r\n\r\n", &armor[..]].concat(),
        [b"From: team@lists.example\r\n", &signed[..]].concat(),
    ]
}

#[test]
fn opening() {
    let key = list_key();
    let (seeds, signers) = (messages(&key), [key.certificate()]);
    // An inline block with a file name becomes a file.
    let encoded = transfer::base64_lines(ENTITY);
    check!().with_type::<FuzzCase>().with_test_time(duration()).for_each(|case| {
        let (_, mail) = case.apply(&seeds);
        let opened = openpgp::open(&mail, &[&key], &signers, NOW, Limits { max_output_octets: 1 << 20 });
        let content = opened.content(KeepSignature::Strip, [3; 16]);
        let tells = |octets: &[u8]| holds(octets, b"We meet at seven.") || holds(octets, &encoded);
        let says = tells(&content);
        if opened.valid_signature().is_some() {
            assert!(says, "a good signature over other words");
        }
        if let Encryption::Unreadable(_) = opened.encryption() {
            // Text that was unencrypted is not a secret.
            assert!(!says || tells(&mail), "words of a message that was not opened");
        }
    });
}

fn holds(content: &[u8], words: &[u8]) -> bool {
    content.windows(words.len()).any(|window| window == words)
}

#[test]
fn certificates() {
    let key = list_key().certificate();
    let seeds = [key.to_bytes(), key.armored()];
    check!().with_type::<FuzzCase>().with_test_time(duration()).for_each(|case| {
        let (_, bytes) = case.apply(&seeds);
        if let Ok(merged) = key.merge(&bytes) {
            assert_eq!(merged.fingerprint(), key.fingerprint());
            assert_eq!(
                merged.usable(NOW).is_ok(),
                key.usable(NOW).is_ok(),
                "nobody but the key changes that"
            );
        }
        for certificate in Certificate::read(&bytes).unwrap_or_default() {
            let _ = certificate.usable(NOW);
            let _ = certificate.addresses(NOW);
            let again =
                Certificate::read_one(&certificate.to_bytes()).expect("what was read is written and read");
            assert_eq!(again.fingerprint(), certificate.fingerprint());
        }
    });
}
