//! How people answer the questions of a list: each form is understood, or refused with the sentence that helps.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod moved_clock;

use moved_clock::readers::read_copy;
use moved_clock::{Mail, day, deliver, make_list, receive, site_in};
use sealist_app::App;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Boundary, Entity, Part, compose, first_text};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person, armored};
use tempfile::TempDir;

const LIST: &str = "team@lists.example";
const REQUEST: &str = "team-request@lists.example";
const STATEMENT: &str = "(a statement)";

/// Somebody who was asked.
struct Asked {
    address: String,
    person: Person,
    list: Certificate,
    /// In the words, and in the address of the answer.
    token: String,
    reply_to: String,
    /// The lines to be signed, once there are such.
    statement: String,
}

impl Asked {
    fn key(&self) -> Vec<u8> {
        self.person.certificate().armored()
    }

    fn head(&self, subject: &str) -> String {
        format!("From: {}\r\nTo: {REQUEST}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n", self.address)
    }

    fn mail(&self, subject: &str, entity: &[u8]) -> Vec<u8> {
        [self.head(subject).as_bytes(), entity].concat()
    }

    fn with_key(&self, subject: &str, words: &str) -> Vec<u8> {
        self.mail(subject, &with_key(words, &self.key()))
    }

    fn signed(&self, subject: &str, entity: &[u8]) -> Vec<u8> {
        self.mail(subject, &Person::signed(entity, &self.person.signature(entity, day(0))))
    }

    fn encrypted(&self, subject: &str, packets: &[u8]) -> Vec<u8> {
        let (before, behind) = compose::encrypted_wrapper(&Boundary::from_entropy([9; 16]));
        [self.head(subject).as_bytes(), &before, &armored(packets), &behind].concat()
    }
}

fn text(words: &str) -> Vec<u8> {
    typed("text/plain", words)
}

fn typed(kind: &str, words: &str) -> Vec<u8> {
    format!("Content-Type: {kind}; charset=utf-8\r\n\r\n{}\r\n", words.replace('\n', "\r\n")).into_bytes()
}

fn with_key(words: &str, key: &[u8]) -> Vec<u8> {
    let parts = [text(words), Part::attachment("key.asc", "application/pgp-keys", key).into_bytes()];
    let (headers, body) = compose::multipart("mixed", &parts, &Boundary::from_entropy([3; 16]));
    let mut entity = Vec::new();
    headers.write_to(&mut entity);
    [&entity[..], b"\r\n", &body].concat()
}

fn protected(subject: &str, entity: &[u8]) -> Vec<u8> {
    let entity = String::from_utf8(entity.to_vec()).unwrap();
    let (kind, rest) = entity.split_once("\r\n").unwrap();
    format!("{kind}; protected-headers=\"v1\"\r\nSubject: {subject}\r\n{rest}").into_bytes()
}

fn quoted(words: &str) -> String {
    words.lines().map(|line| format!("> {line}\n")).collect()
}

/// What came to somebody: [`STATEMENT`], or the words.
fn heard(mail: &[Mail], address: &str) -> Vec<String> {
    let own = mail.iter().filter(|one| one.to == address);
    own.map(|one| match classify(&one.message) {
        Shape::Encrypted(_) => STATEMENT.to_owned(),
        Shape::Signed { signed, .. } => flat(&first_text(&Entity::parse(signed))),
        _ => flat(&first_text(&Entity::parse(&one.message))),
    })
    .collect()
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Stage {
    app: App,
    list: Certificate,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let app = site_in(folder.path()).await;
        let list = make_list(&app, LIST).await;
        let list = app.keys_of(&list).await.unwrap().posting.certificate();
        Self { app, list, _folder: folder }
    }

    async fn say(&self, to: &str, message: &[u8]) -> Vec<Mail> {
        receive(&self.app, to, message, day(0)).await;
        deliver(&self.app, day(0)).await
    }

    /// Somebody new who asked to join, and is asked for a key.
    async fn asked(&self, number: usize) -> Asked {
        let address = format!("q{number}@example.org");
        let join = format!("From: {address}\r\nTo: {REQUEST}\r\nSubject: join\r\n\r\n");
        let came = self.say(REQUEST, join.as_bytes()).await;
        let notice = String::from_utf8_lossy(&came[0].message).replace("=\r\n", "");
        let behind = |mark: &str| notice.split_once(mark).unwrap().1[..32].to_owned();
        Asked {
            person: Person::new(&address, Kind::Curve25519, day(-1)),
            list: self.list.clone(),
            token: behind("key set "),
            reply_to: format!("team-confirm+{}@lists.example", behind("team-confirm+")),
            statement: String::new(),
            address,
        }
    }

    /// The same once the key was sent: asked for a signed statement.
    async fn with_statement(&self, number: usize) -> Asked {
        let asked = self.asked(number).await;
        let came = self.say(REQUEST, &asked.with_key(&format!("key set {}", asked.token), "")).await;
        let (sealed, armor) = came
            .iter()
            .find_map(|one| match classify(&one.message) {
                Shape::Encrypted(armor) => Some((one, armor)),
                _ => None,
            })
            .unwrap();
        let words = read_copy(&asked.person, &armor, &self.list).unwrap().0;
        let words = first_text(&Entity::parse(&words)).replace('\r', "");
        let statement = words.lines().skip_while(|line| !line.starts_with("List: "));
        let statement: Vec<&str> = statement.take_while(|line| !line.starts_with("---")).collect();
        let statement = statement.join("\n").trim_end().to_owned();
        let outer = String::from_utf8_lossy(&sealed.message).into_owned();
        let address = outer.split_once("team-confirm+").unwrap().1[..32].to_owned();
        let token = statement.rsplit_once("Token: ").unwrap().1.trim().to_owned();
        Asked { token, reply_to: format!("team-confirm+{address}@lists.example"), statement, ..asked }
    }
}

/// A form: its name, where it goes, the message, and what is heard.
type Form = (&'static str, fn(&Asked) -> (String, Vec<u8>), &'static str);

fn request(message: Vec<u8>) -> (String, Vec<u8>) {
    (REQUEST.to_owned(), message)
}

const NOT_COME: &str = "Your key has come";
const OUTSIDE: &str = "outside the encryption";

const KEY_SET: &[Form] = &[
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
            let words = sealist_mail::Field::text("Subject", &format!("Rép : key set {} ü", a.token));
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
            let parts =
                [text("x"), Part::attachment("key.gpg", "application/octet-stream", &key).into_bytes()];
            let (headers, body) = compose::multipart("mixed", &parts, &Boundary::from_entropy([3; 16]));
            let mut entity = Vec::new();
            headers.write_to(&mut entity);
            request(a.mail(&format!("key set {}", a.token), &[&entity[..], b"\r\n", &body].concat()))
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
];

const KEY_CONFIRM: &[Form] = &[
    ("the statement", |a| request(a.signed("", &text(&a.statement))), "waits for a moderator"),
    (
        "to the address",
        |a| (a.reply_to.clone(), a.signed("Re: [...]", &text(&a.statement))),
        "waits for a moderator",
    ),
    ("quoted", |a| request(a.signed("Re: [...]", &text(&quoted(&a.statement)))), "waits for a moderator"),
    (
        "below a greeting",
        |a| (a.reply_to.clone(), a.signed("x", &text(&format!("Hello,\n\nyes:\n\n{}\n\nQ", a.statement)))),
        "waits for a moderator",
    ),
    (
        "between dashes",
        |a| request(a.signed("x", &text(&format!("------\n{}\n------\n", a.statement)))),
        "waits for a moderator",
    ),
    (
        "indented",
        |a| request(a.signed("x", &text(&a.statement.replace('\n', "\n    ")))),
        "waits for a moderator",
    ),
    (
        "in one line",
        |a| request(a.signed("x", &text(&a.statement.replace('\n', " ")))),
        "waits for a moderator",
    ),
    (
        "wrapped",
        |a| request(a.signed("x", &text(&a.statement.replace(": ", ":\n")))),
        "waits for a moderator",
    ),
    (
        "with blank lines",
        |a| request(a.signed("x", &text(&a.statement.replace('\n', "\n\n")))),
        "waits for a moderator",
    ),
    (
        "labels in capitals",
        |a| request(a.signed("x", &text(&a.statement.replace("List:", "LIST:").replace("Token:", "TOKEN:")))),
        "waits for a moderator",
    ),
    (
        "with links",
        |a| {
            request(a.signed(
                "x",
                &text(&a.statement.replace("lists.example", "lists.example<mailto:team@lists.example>")),
            ))
        },
        "waits for a moderator",
    ),
    (
        "HTML alone",
        |a| {
            request(
                a.signed("x", &typed("text/html", &format!("<p>{}</p>", a.statement.replace('\n', "<br>")))),
            )
        },
        "waits for a moderator",
    ),
    (
        "a protected Subject",
        |a| {
            request(a.signed("...", &protected(&format!("Re: key confirm {}", a.token), &text(&a.statement))))
        },
        "waits for a moderator",
    ),
    (
        "encrypted and signed",
        |a| {
            (
                a.reply_to.clone(),
                a.encrypted("...", &a.person.packets(&[&a.list], &text(&a.statement), day(0))),
            )
        },
        "waits for a moderator",
    ),
    (
        "encrypted and signed, quoted",
        |a| {
            request(
                a.encrypted("Re: ...", &a.person.packets(&[&a.list], &text(&quoted(&a.statement)), day(0))),
            )
        },
        "waits for a moderator",
    ),
    (
        "encrypted, not signed",
        |a| request(a.encrypted("...", &Person::unsigned_packets(&a.list, &text(&a.statement)))),
        "not signed as a whole",
    ),
    ("not signed", |a| request(a.mail("x", &text(&a.statement))), "not signed as a whole"),
    (
        "a footer outside",
        |a| {
            let signed =
                Person::signed(&text(&a.statement), &a.person.signature(&text(&a.statement), day(0)));
            let parts = [signed, text(&format!("footer {}\n", a.token))];
            let (headers, body) = compose::multipart("mixed", &parts, &Boundary::from_entropy([5; 16]));
            let mut entity = Vec::new();
            headers.write_to(&mut entity);
            (a.reply_to.clone(), a.mail("x", &[&entity[..], b"\r\n", &body].concat()))
        },
        "not signed as a whole",
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
];

async fn check(stage: &Stage, name: &str, asked: &Asked, to: &str, message: &[u8], expected: &str) {
    let came = stage.say(to, message).await;
    let heard: Vec<String> = came.iter().flat_map(|one| heard(std::slice::from_ref(one), &one.to)).collect();
    let seen = heard.iter().any(|words| words.contains(expected));
    assert!(seen, "{name} ({}): {expected}: {heard:#?}", asked.address);
    let words: Vec<&String> = heard.iter().filter(|words| *words != STATEMENT).collect();
    assert!(words.len() <= 1, "{name}: {words:#?}");
    assert!(!words.iter().any(|words| words.contains(&asked.token)), "{name}: {words:?}");
    if expected == STATEMENT {
        // One command, one answer: what else stands in the message is none.
        assert!(
            words.iter().all(|words| words.matches("> ").count() == 1 && words.contains(NOT_COME)),
            "{name}: {words:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_sent_in_many_ways() {
    let stage = Stage::new().await;
    for (number, (name, form, expected)) in KEY_SET.iter().enumerate() {
        let asked = stage.asked(number).await;
        let (to, message) = form(&asked);
        check(&stage, name, &asked, &to, &message, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_signed_in_many_ways() {
    let stage = Stage::new().await;
    for (number, (name, form, expected)) in KEY_CONFIRM.iter().enumerate() {
        let asked = stage.with_statement(number).await;
        let (to, message) = form(&asked);
        check(&stage, name, &asked, &to, &message, expected).await;
    }
}
