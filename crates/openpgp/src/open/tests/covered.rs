//! What leaves is what was verified, in the form in which it was verified.

use super::*;

const MARK: &str = "Pay Eve";

/// multipart/signed around TEXT with something of Eve's in each place that no signature covers.
fn containers(signature: &str) -> Vec<String> {
    let good = "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=b\r\n\r\n--b\r\nTEXT\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nARMOR\r\n--b--\r\n";
    let mut made = Vec::new();
    let mut with = |from: &str, to: &str| made.push(good.replacen(from, to, 1));
    with("\r\n\r\n--b", "\r\n\r\nPay Eve.\r\n--b");
    with("--b--\r\n", "--b--\r\nPay Eve.\r\n");
    with("--b--\r\n", "--b--\r\n--c\r\nContent-Type: text/html\r\n\r\nPay Eve.\r\n");
    for field in [
        "Content-Description",
        "Content-Disposition",
        "Content-Base",
        "Content-ID",
        "Subject",
        "X-Other",
        "Content-Language",
    ] {
        with("Content-Type: multipart", &format!("{field}: Pay Eve\r\nContent-Type: multipart"));
        with("/pgp-signature\r\n\r\n", &format!("/pgp-signature\r\n{field}: Pay Eve\r\n\r\n"));
    }
    with("boundary=b", "boundary=b; x=\"Pay Eve\"");
    with("boundary=b", "boundary=b; charset=\"Pay Eve\"");
    with("micalg=pgp-sha512", "micalg=\"Pay Eve\"");
    with("/pgp-signature\r\n\r\n", "/pgp-signature; name=\"Pay Eve\"\r\n\r\n");
    with("ARMOR", "Pay Eve.\r\nARMOR");
    with("ARMOR", "ARMOR\r\nPay Eve.\r\n");
    with("ARMOR", "ARMOR\r\nPay Eve.\r\nARMOR");
    let armor = signature.to_owned();
    made.into_iter()
        .map(|mail| mail.replace("TEXT", TEXT).replace("ARMOR", &armor))
        .chain([
            good.replace("TEXT", TEXT)
                .replace("ARMOR", &armor.replacen("\r\n\r\n", "\r\nComment: Pay Eve\r\n\r\n", 1)),
            good.replace("TEXT", TEXT)
                .replace("ARMOR", &armor.replacen("\r\n\r\n", "\r\nHash: Pay Eve\r\n\r\n", 1)),
        ])
        .collect()
}

fn armored_signature(s: &Stage) -> String {
    String::from_utf8(armor::block("SIGNATURE", &detached(&s.anne, at(NOW), TEXT.as_bytes()))).unwrap()
}

#[test]
fn nothing_of_the_container_leaves() {
    let s = stage();
    let mut posted = 0;
    for container in containers(&armored_signature(&s)) {
        let outside = [b"From: anne@example.org\r\n", container.as_bytes()].concat();
        for message in [outside, mime(&Recipe::to(&s.list).armored(container.as_bytes()))] {
            let opened = s.open(&message);
            if opened.valid_signature().is_none() {
                continue;
            }
            posted += 1;
            let kept = says(&opened, KeepSignature::Keep);
            let again = s.open(kept.as_bytes());
            check(&again, Encryption::None, &["good"]);
            assert!(kept.contains(TEXT) && !kept.contains(MARK), "{container}\n{kept}");
            assert_eq!(says(&opened, KeepSignature::Strip), TEXT);
        }
    }
    assert!(posted > 30, "{posted} are good");
}

/// What stands in the part of a signature that is not signed: kept is who made it.
#[test]
fn nothing_unsigned_of_the_signature_leaves() {
    let s = stage();
    let quiet = detached(&s.anne, at(NOW), TEXT.as_bytes());
    let kept = |packet: &[u8]| match s.open(&mime_signed(TEXT, packet)).signatures() {
        [SignatureVerdict::Good(valid)] => valid.packet().to_vec(),
        _ => panic!("one good signature"),
    };
    let noisy = crate::testing::twist::with_unsigned_noise(&quiet);
    assert_eq!(kept(&noisy), kept(&quiet));
    let opened = s.open(&mime_signed(TEXT, &noisy));
    check(&s.open(says(&opened, KeepSignature::Keep).as_bytes()), Encryption::None, &["good"]);
}

#[test]
fn only_the_authors_signatures_leave() {
    let s = stage();
    let both =
        [detached(&s.eve, at(NOW), TEXT.as_bytes()), detached(&s.anne, at(NOW), TEXT.as_bytes())].concat();
    let opened = s.open(&mime_signed(TEXT, &both));
    check(&opened, Encryption::None, &["unknown", "good"]);
    let kept = says(&opened, KeepSignature::Keep);
    check(&s.open(kept.as_bytes()), Encryption::None, &["good"]);
    // What does not verify leaves without a signature.
    let opened = s.open(&mime_signed(TEXT, &detached(&s.eve, at(NOW), TEXT.as_bytes())));
    assert_eq!(says(&opened, KeepSignature::Keep), TEXT);
}

/// Line ends are settled before anything is judged, and where readers could see other lines nothing is read.
#[test]
fn line_ends_are_settled_first() {
    let s = stage();
    let seal = |entity: &str| s.open(&mime(&Recipe::to(&s.list).armored(entity.as_bytes())));
    let sealed_by =
        |entity: &str| s.open(&mime(&Recipe::to(&s.list).signed_by(&s.anne).armored(entity.as_bytes())));
    let nested = format!(
        "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\r\n\r\n--b\r\n{TEXT}\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n{}\r\n--b--\r\n",
        armored_signature(&s)
    );
    check(&seal(&nested), Encryption::Whole, &["good"]);
    let opened = seal(&nested.replace("\r\n", "\n"));
    check(&opened, Encryption::Whole, &["good"]);
    assert!(says(&opened, KeepSignature::Keep).contains(TEXT));
    let opened = seal(&nested.replacen("b\r\n\r\n--b", "b\n\n--b", 1));
    check(&opened, Encryption::Whole, &["good"]);

    // Of a signature in the OpenPGP layer its own octets count; it is kept where it stands over the form that
    // leaves.
    let opened = sealed_by(TEXT);
    check(&s.open(says(&opened, KeepSignature::Keep).as_bytes()), Encryption::None, &["good"]);
    let opened = sealed_by(&TEXT.replace("\r\n", "\n"));
    check(&opened, Encryption::Whole, &["good"]);
    assert!(opened.valid_signature().is_some());
    assert_eq!(says(&opened, KeepSignature::Keep), TEXT);

    for doubt in ["\r", "\0", "\r\r\n", "\n\r"] {
        for entity in [
            nested.replacen("\r\n\r\n--b", &format!("\r\n\r\np{doubt}--b{doubt}q\r\n--b"), 1),
            nested.replacen("--b--\r\n", &format!("--b--\r\np{doubt}q\r\n"), 1),
            nested.replacen("boundary=b", &format!("boundary=b;{doubt} x=y"), 1),
            format!("{TEXT}p{doubt}q\r\n"),
        ] {
            for opened in [seal(&entity), sealed_by(&entity)] {
                check(&opened, Encryption::Unreadable(Unreadable::Failed), &[]);
                assert_eq!(says(&opened, KeepSignature::Keep), "\r\n");
            }
        }
    }
    let twice = TEXT.replacen("\r\n", "\r\nContent-Type: text/html\r\n", 1);
    check(&sealed_by(&twice), Encryption::Unreadable(Unreadable::Failed), &[]);
}

#[test]
fn encryption_counts_once() {
    let s = stage();
    let inner = Recipe::to(&s.list).signed_by(&s.anne).packets(TEXT.as_bytes());
    check(&s.open(&mime(&armor::block("MESSAGE", &inner))), Encryption::Whole, &["good"]);
    let around = encrypted_around(&s.list, &inner);
    let opened = s.open(&mime(&armor::block("MESSAGE", &around)));
    check(&opened, Encryption::Unreadable(Unreadable::Failed), &[]);
    let block = String::from_utf8(armor::block("MESSAGE", &around)).unwrap();
    let opened = s.open(format!("From: anne@example.org\r\n\r\n{block}").as_bytes());
    check(&opened, Encryption::Unreadable(Unreadable::Failed), &[]);
    // The same as MIME within the first layer, signed by whoever carries it or not.
    let inner = armor::block("MESSAGE", &inner);
    let inline = [b"Content-Type: text/plain\r\n\r\n", &inner[..]].concat();
    for entity in [mime(&inner), inline] {
        let sealed = Recipe::to(&s.list).armored(&entity);
        let by_anne = Recipe::to(&s.list).signed_by(&s.anne).armored(&entity);
        let signature = armor::block("SIGNATURE", &detached(&s.anne, at(NOW), &entity));
        let signed = [
            b"Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=z\r\n\r\n--z\r\n",
            &entity[..],
            b"\r\n--z\r\nContent-Type: application/pgp-signature\r\n\r\n",
            &signature,
            b"\r\n--z--\r\n",
        ];
        let mime_signed = Recipe::to(&s.list).armored(&signed.concat());
        for message in [sealed, by_anne, mime_signed] {
            check(&s.open(&mime(&message)), Encryption::Unreadable(Unreadable::Failed), &[]);
        }
    }
}

/// Encryption whose content is those packets, and no literal data around them.
fn encrypted_around(list: &ListKey, packets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let to = list.certificate();
    let subkeys = to.cert().keys().subkeys();
    let recipients =
        subkeys.map(|key| Recipient::new(seipd1(), key.key().key_handle(), key.key().role_as_unspecified()));
    let mut message = Encryptor::for_recipients(Message::new(&mut out), recipients).build().unwrap();
    message.write_all(packets).unwrap();
    message.finalize().unwrap();
    out
}

/// The words of a block come out, and nothing of the header and armor around it.
#[test]
fn an_inline_block_is_its_words() {
    let s = stage();
    let words = "We meet at seven.\r\n";
    let clear = inline::cleartext_signed(&s.anne, words);
    let sealed = String::from_utf8(Recipe::to(&s.list).signed_by(&s.anne).armored(words.as_bytes())).unwrap();
    for (block, field) in [(&clear, "Hash: SHA512"), (&sealed, "Comment: x")] {
        for kind in [
            "text/plain; charset=utf-7",
            "text/plain; charset=utf-16; format=flowed",
            "text/plain; charset=\"Pay Eve\"",
            "text/html",
            "text/x-pay-eve",
            "text/plain\r\nContent-Description: Pay Eve",
            "text/plain\r\nContent-Disposition: Pay-Eve",
            "text/plain\r\nContent-Language: Pay Eve",
        ] {
            let opened =
                s.open(format!("From: anne@example.org\r\nContent-Type: {kind}\r\n\r\n{block}").as_bytes());
            assert!(opened.valid_signature().is_some(), "{kind}");
            let text = says(&opened, KeepSignature::Keep);
            assert_eq!(
                Entity::parse(text.as_bytes()).decoded_body().unwrap(),
                words.as_bytes(),
                "{kind}: {text}"
            );
            assert!(text.starts_with("Content-Type: text/plain; charset=\"utf-8\"\r\n"), "{text}");
        }
        for kind in [
            "application/x-msdownload; name=pay-eve.exe",
            "message/rfc822",
            "image/svg+xml; name=pay-eve.svg",
        ] {
            let opened =
                s.open(format!("From: anne@example.org\r\nContent-Type: {kind}\r\n\r\n{block}").as_bytes());
            let text = says(&opened, KeepSignature::Keep);
            assert!(!text.contains("eve") && !text.contains("Eve"), "{kind}: {text}");
        }
        let _ = field;
    }
    for hash in [
        "SHA512 Pay Eve",
        "SHA512\r\nHash: Pay Eve",
        "SHA512,Pay-Eve",
        "Pay Eve",
        "SHA512\r\nComment: Pay Eve",
    ] {
        let block = clear.replacen("Hash: SHA512", &format!("Hash: {hash}"), 1);
        assert_ne!(block, clear);
        let opened = s.open(format!("From: anne@example.org\r\n\r\n{block}").as_bytes());
        assert!(opened.valid_signature().is_none(), "{hash}");
    }
}

/// Octets that Anne signed as a text or a file are no mail of hers, whatever is set around them.
#[test]
fn a_text_that_becomes_a_header_is_not_signed() {
    let s = stage();
    for text in [
        "What I would never say:\r\n\r\nI resign.\r\n",
        "Joke: this is one\r\n\r\nI resign.\r\n",
        "Not mine\r\n\r\nI resign.\r\n",
        "I resign.\r\n",
        "\r\nI resign.\r\n",
        "Subject: I resign\r\nTo: team@lists.example\r\nContent-Type: text/plain; protected-headers=\"v1\"\r\n\r\nI resign.\r\n",
    ] {
        let signed = mime_signed(text, &detached(&s.anne, at(NOW), text.as_bytes()));
        let opened = s.open(&signed);
        check(&opened, Encryption::Ambiguous, &[]);
        assert!(opened.signed_headers().is_none() && opened.protected_headers().is_none());
        let body = signed.windows(4).position(|four| four == b"Cont").unwrap();
        check(&s.open(&mime(&Recipe::to(&s.list).armored(&signed[body..]))), Encryption::Whole, &[]);
        let combined = Recipe::to(&s.list).signed_by(&s.anne);
        for text in [text.to_owned(), text.replace("\r\n", "\n")] {
            let opened = s.open(&mime(&combined.armored(text.as_bytes())));
            check(&opened, Encryption::Unreadable(Unreadable::Failed), &[]);
        }
    }
}
