//! Ways to answer `key confirm TOKEN` with a signed statement.

use sealist_mail::Part;
use sealist_openpgp::testing::{Kind, Person, armored, armored_signature};

use super::*;

const WAITS: &str = "waits for a moderator";
const NOT_SIGNED: &str = "not signed as a whole";
const INTO_TEXT: &str = "into the text itself";

pub(crate) const KEY_CONFIRM: &[Form] = &[
    ("the statement", |a| request(a.signed("", &text(&a.statement))), WAITS),
    ("to the address", |a| (a.reply_to.clone(), a.signed("Re: [...]", &text(&a.statement))), WAITS),
    ("quoted", |a| request(a.signed("Re: [...]", &text(&quoted(&a.statement)))), WAITS),
    (
        "below a greeting",
        |a| (a.reply_to.clone(), a.signed("x", &text(&format!("Hello,\n\nyes:\n\n{}\n\nQ", a.statement)))),
        WAITS,
    ),
    (
        "between dashes",
        |a| request(a.signed("x", &text(&format!("------\n{}\n------\n", a.statement)))),
        WAITS,
    ),
    ("indented", |a| request(a.signed("x", &text(&a.statement.replace('\n', "\n    ")))), WAITS),
    ("in one line", |a| request(a.signed("x", &text(&a.statement.replace('\n', " ")))), WAITS),
    ("wrapped", |a| request(a.signed("x", &text(&a.statement.replace(": ", ":\n")))), WAITS),
    ("with blank lines", |a| request(a.signed("x", &text(&a.statement.replace('\n', "\n\n")))), WAITS),
    (
        "labels in capitals",
        |a| request(a.signed("x", &text(&a.statement.replace("List:", "LIST:").replace("Token:", "TOKEN:")))),
        WAITS,
    ),
    (
        "with links",
        |a| {
            request(a.signed(
                "x",
                &text(&a.statement.replace("lists.example", "lists.example<mailto:team@lists.example>")),
            ))
        },
        WAITS,
    ),
    (
        "HTML alone",
        |a| {
            request(
                a.signed("x", &typed("text/html", &format!("<p>{}</p>", a.statement.replace('\n', "<br>")))),
            )
        },
        WAITS,
    ),
    (
        "a protected Subject",
        |a| {
            request(a.signed("...", &protected(&format!("Re: key confirm {}", a.token), &text(&a.statement))))
        },
        WAITS,
    ),
    (
        "encrypted and signed",
        |a| {
            (
                a.reply_to.clone(),
                a.encrypted("...", &a.person.packets(&[&a.list], &text(&a.statement), day(0))),
            )
        },
        WAITS,
    ),
    (
        "encrypted and signed, quoted",
        |a| {
            request(
                a.encrypted("Re: ...", &a.person.packets(&[&a.list], &text(&quoted(&a.statement)), day(0))),
            )
        },
        WAITS,
    ),
    (
        "encrypted, not signed",
        |a| request(a.encrypted("...", &Person::unsigned_packets(&a.list, &text(&a.statement)))),
        NOT_SIGNED,
    ),
    ("not signed", |a| request(a.mail("x", &text(&a.statement))), NOT_SIGNED),
    (
        "a footer outside",
        |a| {
            let signed =
                Person::signed(&text(&a.statement), &a.person.signature(&text(&a.statement), day(0)));
            let parts = [signed, text(&format!("footer {}\n", a.token))];
            (a.reply_to.clone(), a.mail("x", &several("mixed", &parts)))
        },
        NOT_SIGNED,
    ),
    (
        "by another key",
        |a| {
            let other = Person::new(&a.address, Kind::Curve25519, day(-1));
            let entity = text(&a.statement);
            request(a.mail("x", &Person::signed(&entity, &other.signature(&entity, day(0)))))
        },
        "failed to verify",
    ),
    (
        "altered",
        |a| request(a.signed("x", &text(&a.statement.replace("subscribe", "unsubscribe")))),
        "expected statement",
    ),
    (
        "without its token",
        |a| (a.reply_to.clone(), a.signed("x", &text(a.statement.split("\nToken").next().unwrap()))),
        "expected statement",
    ),
    ("yes", |a| (a.reply_to.clone(), a.signed("x", &text("yes, please\n"))), "expected statement"),
    (
        "the Subject alone",
        |a| request(a.signed(&format!("key confirm {}", a.token), &text("yes\n"))),
        "expected statement",
    ),
    (
        "the token outside the encryption",
        |a| {
            request(a.encrypted(
                &format!("key confirm {}", a.token),
                &a.person.packets(&[&a.list], &text("yes\n"), day(0)),
            ))
        },
        OUTSIDE,
    ),
    (
        "with hard blanks",
        |a| {
            let words = a.statement.replace(": ", ":\u{a0}").replace('\n', "  \n");
            request(a.signed("x", &text(&words)))
        },
        WAITS,
    ),
    (
        "in text and HTML",
        |a| request(a.signed("x", &several("alternative", &[text(&a.statement), html(&a.statement)]))),
        WAITS,
    ),
    ("in base64", |a| request(a.signed("x", &encoded("base64", &base64(a.statement.as_bytes())))), WAITS),
    (
        "in quoted-printable",
        |a| request(a.signed("x", &encoded("quoted-printable", &quoted_printable(&a.statement)))),
        WAITS,
    ),
    (
        "with the dashes of a word processor",
        |a| request(a.signed("x", &text(&format!("———\n{}\n———\n", a.statement)))),
        WAITS,
    ),
    ("cleartext-signed", |a| request(a.mail("x", &text(&a.cleartext(&a.statement)))), WAITS),
    (
        "cleartext-signed, with dashes",
        |a| request(a.mail("x", &text(&a.cleartext(&format!("-----\n{}\n-----\n", a.statement))))),
        WAITS,
    ),
    (
        "cleartext-signed, below a greeting",
        |a| (a.reply_to.clone(), a.mail("x", &text(&format!("Hello,\n\n{}", a.cleartext(&a.statement))))),
        NOT_SIGNED,
    ),
    (
        "cleartext-signed, above a footer",
        |a| {
            (
                a.reply_to.clone(),
                a.mail("x", &text(&format!("{}\nSent by phone\n", a.cleartext(&a.statement)))),
            )
        },
        NOT_SIGNED,
    ),
    (
        "cleartext-signed, in text and HTML",
        |a| {
            let words = a.cleartext(&a.statement);
            (a.reply_to.clone(), a.mail("x", &several("alternative", &[text(&words), html(&words)])))
        },
        NOT_SIGNED,
    ),
    (
        "cleartext-signed, attached",
        |a| {
            let file = a.cleartext(&a.statement);
            let entity = with_file("Here it is.", "statement.txt.asc", "text/plain", file.as_bytes());
            (a.reply_to.clone(), a.mail("x", &entity))
        },
        INTO_TEXT,
    ),
    (
        "attached, with its signature in a file",
        |a| {
            let statement = a.statement.as_bytes();
            let signature = armored_signature(&a.person.signature(statement, day(0)));
            let parts = [
                text("Here it is."),
                Part::attachment("statement.txt", "text/plain", statement).into_bytes(),
                Part::attachment("statement.txt.sig", "application/octet-stream", &signature).into_bytes(),
            ];
            (a.reply_to.clone(), a.mail("x", &several("mixed", &parts)))
        },
        INTO_TEXT,
    ),
    (
        "signed in one block",
        |a| {
            let block = armored(&a.person.one_pass(a.statement.as_bytes(), day(0)));
            request(a.mail("x", &text(&String::from_utf8(block).unwrap())))
        },
        WAITS,
    ),
    (
        "encrypted and signed in one block",
        |a| {
            let block = armored(&a.person.packets(&[&a.list], a.statement.as_bytes(), day(0)));
            request(a.mail("x", &text(&String::from_utf8(block).unwrap())))
        },
        WAITS,
    ),
    (
        "encrypted, with the signature inside",
        |a| {
            let entity = text(&a.statement);
            let entity = Person::signed(&entity, &a.person.signature(&entity, day(0)));
            request(a.encrypted("...", &Person::unsigned_packets(&a.list, &entity)))
        },
        WAITS,
    ),
    (
        "from another address",
        |a| {
            let message = a.signed("x", &text(&a.statement));
            let message = String::from_utf8(message).unwrap().replace("From: q", "From: alias-q");
            request(message.into_bytes())
        },
        "Wrong token.",
    ),
    (
        "signed for the address of commands",
        |a| {
            let entity = String::from_utf8(protected("Re: yes", &text(&a.statement))).unwrap();
            let entity = entity.replacen("\r\n", &format!("\r\nFrom: {}\r\nTo: {REQUEST}\r\n", a.address), 1);
            request(a.signed("Re: yes", entity.as_bytes()))
        },
        WAITS,
    ),
    (
        "with too weak a digest",
        |a| {
            let entity = text(&a.statement);
            request(a.mail("x", &Person::signed(&entity, &a.person.signature_by_sha1(&entity, day(0)))))
        },
        "failed to verify",
    ),
];
