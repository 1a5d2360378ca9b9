//! OpenPGP in the text.

use super::*;

pub(super) fn cleartext_signed(cert: &Cert, text: &str) -> String {
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
    assert_eq!(says(&opened, KeepSignature::Keep), says(&opened, KeepSignature::Strip));
    let bare = says(&opened, KeepSignature::Strip);
    assert!(bare.contains("\r\n- not at eight") && !bare.contains("PGP"), "{bare}");
    check(
        &s.open(format!("{head}{}", block.replace("seven", "eight")).as_bytes()),
        Encryption::None,
        &["bad"],
    );

    let endless = cleartext_signed(&s.anne, &format!("{}\r\n", "x".repeat(1022)).repeat(4 * 1024));
    check(
        &s.open(format!("{head}{endless}").as_bytes()),
        Encryption::Unreadable(Unreadable::NotOpenPgp),
        &[],
    );

    for beside in [format!("{head}Pay Eve.\r\n{block}"), format!("{head}{block}Pay Eve.\r\n")] {
        check(&s.open(beside.as_bytes()), Encryption::None, &[]);
    }
}

/// Nothing is decrypted of a mail that holds more than one encrypted message: what the list does about one
/// part would tell of another.
#[test]
fn an_encrypted_block_stands_alone() {
    let s = stage();
    let head = "From: anne@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    let armored = |recipe: Recipe<'_>, text: &[u8]| String::from_utf8(recipe.armored(text)).unwrap();
    let secret = armored(Recipe::to(&s.list).signed_by(&s.anne), b"Secret words.");
    let unsigned = armored(Recipe::to(&s.list), b"Pay Eve.");
    let in_the_clear = armored(Recipe { to: None, ..Recipe::to(&s.list).signed_by(&s.anne) }, b"Yes.");
    let clearsigned = cleartext_signed(&s.anne, "We meet at seven.\r\n");
    let parts = |first: &str, second: &str| {
        format!(
            "From: anne@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{first}\r\n--b\r\n\r\n{second}\r\n--b--\r\n"
        )
    };
    let broken = secret.replace("-----END", "-----END THE");
    let others = [&secret, &unsigned, &in_the_clear, &clearsigned, &broken, "hello", "<img src='", ""];
    let mails = others.iter().flat_map(|other| [parts(&secret, other), parts(other, &secret)]);
    let texts = [
        format!("{head}{secret}{clearsigned}"),
        format!("{head}{secret}{secret}"),
        format!("{head}Hello\r\n{secret}"),
        format!("{head}{secret}-- \r\nAnne\r\n"),
    ];
    for mail in mails.chain(texts) {
        let opened = s.open(mail.as_bytes());
        check(&opened, Encryption::Unreadable(Unreadable::NotAlone), &[]);
        assert!(!says(&opened, KeepSignature::Keep).contains("Secret words."), "{mail}");
    }
    check(&s.open(format!("{head}{secret}").as_bytes()), Encryption::Whole, &["good"]);
}

/// `gpg --sign --armor`: signed, and not to be read without a program.
#[test]
fn a_signed_message_in_the_text() {
    let s = stage();
    let head = "From: anne@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    let recipe = Recipe { to: None, ..Recipe::to(&s.list).signed_by(&s.anne) };
    let block = String::from_utf8(recipe.armored(b"We meet at seven.\r\n")).unwrap();
    let opened = s.open(format!("{head}{block}").as_bytes());
    check(&opened, Encryption::None, &["good"]);
    assert!(says(&opened, KeepSignature::Strip).contains("We meet at seven."));
    assert!(!says(&opened, KeepSignature::Keep).contains("PGP"));
    let bomb = Recipe { bomb: true, ..recipe };
    let block = String::from_utf8(bomb.armored(&vec![b'x'; 70 << 20])).unwrap();
    let opened = s.open(format!("{head}{block}").as_bytes());
    check(&opened, Encryption::Unreadable(Unreadable::NotOpenPgp), &[]);
}

/// Anne's block beside one that Eve signed, or beside another of Anne's that Eve found: nobody proved that
/// Anne wrote the two together.
#[test]
fn only_a_block_alone_is_proven() {
    type Form<'a> = &'a dyn Fn(&Cert, &str) -> String;
    let s = stage();
    let armored = |by: &Cert, text: &str| {
        let recipe = Recipe { to: None, ..Recipe::to(&s.list).signed_by(by) };
        String::from_utf8(recipe.armored(text.as_bytes())).unwrap()
    };
    let cleartext: Form<'_> = &|by, text| cleartext_signed(by, text);
    for form in [&armored, cleartext] {
        let (yes, both) = (form(&s.anne, "Yes, do it.\r\n"), form(&s.anne, "Shall we pay Eve?\r\n"));
        let eves = form(&s.eve, "Pay Eve.\r\n");
        for (blocks, verdicts, is_proven) in [
            (vec![&yes], &["good"][..], true),
            (vec![&yes, &both], &["good", "good"], false),
            (vec![&yes, &yes], &["good", "good"], false),
            (vec![&both, &form(&s.anne, "Yes.\r\n"), &yes], &["good", "good", "good"], false),
            (vec![&yes, &eves], &["good", "unknown"], false),
            (vec![&eves, &yes], &["unknown", "good"], false),
        ] {
            for kind in ["mixed", "alternative", "related"] {
                let parts: String = blocks.iter().map(|block| format!("--b\r\n\r\n{block}\r\n")).collect();
                let mail = format!(
                    "From: anne@example.org\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n{parts}--b--\r\n"
                );
                let opened = s.open(mail.as_bytes());
                check(&opened, Encryption::None, verdicts);
                assert_eq!(opened.valid_signature().is_some(), is_proven, "{mail}");
                assert_eq!(opened.signed_at().is_some(), is_proven, "{mail}");
            }
        }
    }
}

/// The form is told by what anybody sees, whatever decryption says.
#[test]
fn what_cannot_be_read_is_inline_all_the_same() {
    let s = stage();
    let head = "From: anne@example.org\r\nContent-Type: text/plain\r\n\r\n";
    let packets = Recipe::to(&s.list).signed_by(&s.anne).packets(b"words");
    let inline = |packets: &[u8]| {
        let armor = String::from_utf8(armor::block("MESSAGE", packets)).unwrap();
        s.open(format!("{head}{armor}").as_bytes())
    };
    let mut bent = packets.clone();
    *bent.last_mut().unwrap() ^= 1;
    assert!(inline(&packets).is_inline() && inline(&bent).is_inline());
    assert_eq!(inline(&bent).encryption(), Encryption::Unreadable(Unreadable::Failed));
}
