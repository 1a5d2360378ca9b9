//! Good and odd messages in MIME.

use super::*;

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
fn several_signatures_on_one_part() {
    let s = stage();
    let part = |cert: &Cert, text: &str| {
        let armor = armor::block("SIGNATURE", &detached(cert, at(NOW), text.as_bytes()));
        let head = "--s\r\nContent-Type: application/pgp-signature\r\n\r\n";
        format!("{head}{}", String::from_utf8(armor).unwrap())
    };
    let mail = |parts: &str| {
        format!(
            "From: anne@example.org\r\nContent-Type: multipart/signed; protocol=\"multipart/mixed\"; boundary=b\r\n\r\n--b\r\n{TEXT}\r\n--b\r\nContent-Type: multipart/mixed; boundary=s\r\n\r\n{parts}--s--\r\n--b--\r\n"
        )
    };
    let open = |parts: &[String]| s.open(mail(&parts.concat()).as_bytes());
    let (good, other) = (part(&s.anne, TEXT), part(&s.eve, TEXT));
    check(&open(&[good.clone(), other]), Encryption::None, &["good", "unknown"]);
    let bad = part(&s.anne, "another text");
    let opened = open(&[good, bad]);
    check(&opened, Encryption::None, &["good", "bad"]);
    assert!(opened.valid_signature().is_none());
}
