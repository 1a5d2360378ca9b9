//! Ways to answer `key set TOKEN` with a key.

use sealist_mail::{Field, Part};
use sealist_openpgp::testing::{Kind, Person};

use super::*;

pub(crate) const KEY_SET: &[Form] = &[
    ("the Subject", |a| request(a.with_key(&format!("key set {}", a.token), "Here it is.")), STATEMENT),
    ("Re:", |a| request(a.with_key(&format!("Re: key set {}", a.token), "")), STATEMENT),
    ("Antwort:", |a| request(a.with_key(&format!("Antwort: key set {}", a.token), "x")), STATEMENT),
    ("WG:", |a| request(a.with_key(&format!("WG: key set {}", a.token), "x")), STATEMENT),
    ("Fwd:", |a| request(a.with_key(&format!("Fwd: key set {}", a.token), "x")), STATEMENT),
    ("TR:", |a| request(a.with_key(&format!("TR: key set {}", a.token), "x")), STATEMENT),
    ("RE :", |a| request(a.with_key(&format!("RE : key set {}", a.token), "x")), STATEMENT),
    ("Re[2]:", |a| request(a.with_key(&format!("Re[2]: key set {}", a.token), "x")), STATEMENT),
    ("[EXTERN]", |a| request(a.with_key(&format!("Re: [EXTERN] key set {}", a.token), "x")), STATEMENT),
    ("***SPAM***", |a| request(a.with_key(&format!("***SPAM*** key set {}", a.token), "x")), STATEMENT),
    ("words before it", |a| request(a.with_key(&format!("Please key set {}.", a.token), "x")), STATEMENT),
    ("capitals", |a| request(a.with_key(&format!("KEY SET {}", a.token.to_uppercase()), "")), STATEMENT),
    (
        "encoded",
        |a| {
            let words = Field::text("Subject", &format!("Rép : key set {} ü", a.token));
            let subject = String::from_utf8_lossy(&words.value()).trim().to_owned();
            request(a.with_key(&subject, "x"))
        },
        STATEMENT,
    ),
    ("the token alone", |a| request(a.with_key(&a.token, "x")), STATEMENT),
    ("the wrong word", |a| request(a.with_key(&format!("confirm {}", a.token), "x")), STATEMENT),
    ("the first line", |a| request(a.with_key("my key", &format!("key set {}\n", a.token))), STATEMENT),
    (
        "below a greeting",
        |a| request(a.with_key("my key", &format!("Hello,\n\nkey set {}\n\nQ", a.token))),
        STATEMENT,
    ),
    (
        "quoted",
        |a| {
            request(a.with_key(
                "",
                &format!("Hi there\n\n{}", quoted(&format!("key set {}\n\nSomebody, perhaps you", a.token))),
            ))
        },
        STATEMENT,
    ),
    (
        "the notice below, unquoted",
        |a| {
            request(a.with_key(
                "x",
                &format!("Hello,\n\n-----Original Message-----\nSubject: key set {}\n\nSomebody\n", a.token),
            ))
        },
        STATEMENT,
    ),
    (
        "broken in the token",
        |a| request(a.with_key("x", &format!("> key set {}\n> {}\n", &a.token[..20], &a.token[20..]))),
        STATEMENT,
    ),
    (
        "Key attached.",
        |a| request(a.with_key(&format!("Re: key set {}", a.token), "Key attached.\n")),
        STATEMENT,
    ),
    (
        "Help please",
        |a| request(a.with_key(&format!("Re: key set {}", a.token), "Help please, is that right?\n")),
        STATEMENT,
    ),
    (
        "Set it please",
        |a| request(a.with_key(&format!("Re: key set {}", a.token), "Set it please\n")),
        STATEMENT,
    ),
    ("the address alone", |a| (a.reply_to.clone(), a.with_key("my key", "Here it is.\n")), STATEMENT),
    (
        "the address and the Subject",
        |a| (a.reply_to.clone(), a.with_key(&format!("Re: key set {}", a.token), "")),
        STATEMENT,
    ),
    (
        "HTML alone",
        |a| {
            let html = format!(
                "<html><body><p>Hello,<br>key set {}</p><pre>{}</pre></body></html>",
                a.token,
                String::from_utf8(a.key()).unwrap()
            );
            request(a.mail("x", &typed("text/html", &html)))
        },
        STATEMENT,
    ),
    (
        "in the text",
        |a| {
            request(a.mail(
                &format!("key set {}", a.token),
                &text(&format!("Hello,\n\n{}\nBye", String::from_utf8(a.key()).unwrap())),
            ))
        },
        STATEMENT,
    ),
    (
        "binary",
        |a| {
            let key = a.person.certificate().to_bytes();
            a.to_question(&with_file("x", "key.gpg", "application/octet-stream", &key))
        },
        STATEMENT,
    ),
    (
        "signed, the Subject outside",
        |a| request(a.signed(&format!("Re: key set {}", a.token), &with_key("Here it is.\n", &a.key()))),
        STATEMENT,
    ),
    (
        "signed, the line inside",
        |a| request(a.signed("x", &with_key(&format!("key set {}\n", a.token), &a.key()))),
        STATEMENT,
    ),
    (
        "signed, to the address alone",
        |a| (a.reply_to.clone(), a.signed("x", &with_key("Here it is.\n", &a.key()))),
        STATEMENT,
    ),
    (
        "encrypted, the line inside",
        |a| {
            request(a.encrypted(
                "...",
                &Person::unsigned_packets(&a.list, &with_key(&format!("key set {}\n", a.token), &a.key())),
            ))
        },
        STATEMENT,
    ),
    (
        "encrypted and signed, the line inside",
        |a| {
            (
                a.reply_to.clone(),
                a.encrypted(
                    "...",
                    &a.person.packets(
                        &[&a.list],
                        &with_key(&format!("> key set {}\n", a.token), &a.key()),
                        day(0),
                    ),
                ),
            )
        },
        STATEMENT,
    ),
    (
        "encrypted and signed, the Subject outside",
        |a| {
            request(a.encrypted(
                &format!("Re: key set {}", a.token),
                &a.person.packets(&[&a.list], &with_key("x\n", &a.key()), day(0)),
            ))
        },
        OUTSIDE,
    ),
    (
        "encrypted, the address alone",
        |a| {
            (
                a.reply_to.clone(),
                a.encrypted("...", &Person::unsigned_packets(&a.list, &with_key("x\n", &a.key()))),
            )
        },
        OUTSIDE,
    ),
    ("no key", |a| request(a.mail(&format!("key set {}", a.token), &text("x"))), "No keys attached?"),
    (
        "a secret key",
        |a| request(a.mail(&format!("key set {}", a.token), &with_key("x", &a.person.armored_secret()))),
        "public key only",
    ),
    (
        "from another address",
        |a| {
            let message = a.with_key(&format!("key set {}", a.token), "");
            let message = String::from_utf8(message).unwrap().replace("From: q", "From: alias-q");
            request(message.into_bytes())
        },
        "Wrong token.",
    ),
    (
        "binary, as keys",
        |a| {
            let key = a.person.certificate().to_bytes();
            a.to_question(&with_file("x", "key.gpg", "application/pgp-keys", &key))
        },
        STATEMENT,
    ),
    (
        "armored, as octets",
        |a| a.to_question(&with_file("x", "k.asc", "application/octet-stream", &a.key())),
        STATEMENT,
    ),
    ("as text", |a| a.to_question(&with_file("x", "k.asc", "text/plain", &a.key())), STATEMENT),
    (
        "as another type",
        |a| a.to_question(&with_file("x", "k.asc", "application/x-pgp-key", &a.key())),
        STATEMENT,
    ),
    (
        "in text and HTML",
        |a| a.to_question(&several("alternative", &[text(&a.block()), html(&a.block())])),
        STATEMENT,
    ),
    (
        "in quoted-printable",
        |a| a.to_question(&encoded("quoted-printable", &quoted_printable(&a.block()))),
        STATEMENT,
    ),
    ("in the text, indented", |a| a.to_question(&text(&a.block().replace('\n', "\n    "))), STATEMENT),
    ("in the text, quoted", |a| a.to_question(&text(&quoted(&a.block()))), STATEMENT),
    (
        "in the text, flowed, with hard blanks",
        |a| {
            let words = a.block().replace("\n", "\u{a0}\n");
            a.to_question(&typed("text/plain; format=flowed", &words))
        },
        STATEMENT,
    ),
    (
        "two keys",
        |a| {
            let other = Person::new("zoe@other.example", Kind::Curve25519, day(-1)).certificate().armored();
            a.to_question(&with_keys(&[a.key(), other]))
        },
        STATEMENT,
    ),
    (
        "two keys in one block",
        |a| {
            let other = Person::new("zoe@other.example", Kind::Curve25519, day(-1)).certificate();
            let both = [a.person.certificate().to_bytes(), other.to_bytes()].concat();
            a.to_question(&with_file("x", "keys.gpg", "application/pgp-keys", &both))
        },
        STATEMENT,
    ),
    (
        "two keys of the address",
        |a| {
            let other = Person::new(&a.address, Kind::Curve25519, day(-1)).certificate().armored();
            a.to_question(&with_keys(&[a.key(), other]))
        },
        "More than one key!",
    ),
    (
        "with the key of the list",
        |a| {
            let of_list = a.list.armored();
            a.to_question(&with_keys(&[a.key(), of_list]))
        },
        STATEMENT,
    ),
    ("twice", |a| a.to_question(&with_keys(&[a.key(), a.key()])), STATEMENT),
    ("attached and in the text", |a| a.to_question(&with_key(&a.block(), &a.key())), STATEMENT),
    (
        "the Autocrypt field alone",
        |a| {
            let key = base64(&a.person.certificate().to_bytes());
            let field =
                format!("Autocrypt: addr={}; keydata={}\r\n", a.address, key.replace("\r\n", "\r\n "));
            a.to_question(&[field.as_bytes(), &text("x")].concat())
        },
        STATEMENT,
    ),
    (
        "in a zip file",
        |a| {
            a.to_question(&with_file("x", "key.zip", "application/zip", b"PK\x03\x04\x14\0\0\0\x08\0key.asc"))
        },
        "unpack it",
    ),
    (
        "in a forwarded message",
        |a| {
            let inner = a.mail("my key", &text(&a.block()));
            a.to_question(&several("mixed", &[text("x"), Part::message("mail.eml", &inner).into_bytes()]))
        },
        STATEMENT,
    ),
    (
        "with another user id",
        |a| {
            let key = Person::new("zoe@other.example", Kind::Curve25519, day(-1)).certificate().armored();
            a.to_question(&with_key("x", &key))
        },
        STATEMENT,
    ),
    (
        "encrypted and signed, with the Subject inside",
        |a| {
            let entity = protected(&format!("Re: key set {}", a.token), &with_key("x\n", &a.key()));
            request(a.encrypted("...", &a.person.packets(&[&a.list], &entity, day(0))))
        },
        STATEMENT,
    ),
    (
        "cleartext-signed",
        |a| {
            let words = a.person.cleartext_signed(&format!("Hello\n\n{}\n", a.block()), day(0));
            a.to_question(&text(&String::from_utf8(words).unwrap()))
        },
        STATEMENT,
    ),
    (
        "from the address in capitals",
        |a| {
            let message = a.with_key(&format!("key set {}", a.token), "");
            let message = String::from_utf8(message).unwrap();
            request(
                message
                    .replace(&format!("From: {}", a.address), &format!("From: {}", a.address.to_uppercase()))
                    .into_bytes(),
            )
        },
        STATEMENT,
    ),
];
