//! How people answer the questions of a list: each form is understood, or refused with the sentence that
//! helps.

use crate::answer_forms::key_confirm::KEY_CONFIRM;
use crate::answer_forms::key_set::KEY_SET;
use crate::answer_forms::{Asked, NOT_COME, REQUEST, STATEMENT, text};
use crate::moved_clock::{Mail, OPENPGP, day, deliver, receive, site_with};
use crate::readers::read_copy;
use sealist_app::App;
use sealist_lists::model::ListNo;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Address, Entity, first_text};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::{people, requests};
use tempfile::TempDir;

const LIST: &str = "team@lists.example";

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
    no: ListNo,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let (app, list, folder) = site_with(OPENPGP, LIST).await;
        let no = list.no;
        let list = app.keys_of(&list).await.unwrap().posting.certificate();
        Self { app, list, no, _folder: folder }
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
    async fn with_statement(&self, asked: Asked) -> Asked {
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
        let asked = stage.with_statement(stage.asked(number).await).await;
        let (to, message) = form(&asked);
        check(&stage, name, &asked, &to, &message, expected).await;
    }
}

/// Who joins is called as the answer says, or else as the key does, if nobody else is called so.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_comes_with_the_answer_or_the_key() {
    let stage = Stage::new().await;
    for (number, (in_key, in_answer, expected)) in [
        ("Anna Mill <{}>", "", "Anna Mill"),
        ("Bart Quartz <{}>", "=?utf-8?q?J=C3=B6rg_Quartz?= ", "Jörg Quartz"),
        ("Bart Quartz <{}>", "\"q@example.org\" ", "Bart Quartz"),
        ("ANNA MILL <{}>", "", ""),
        ("The Owner <{}>", "", ""),
        ("Zoe [team] <{}>", "", ""),
        ("Carl Mill <other@example.org>", "", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let mut asked = stage.asked(number).await;
        let user_id = in_key.replace("{}", &asked.address);
        asked.person = asked.person.with_user_id(&user_id, day(-1));
        let asked = stage.with_statement(asked).await;
        let signed = String::from_utf8(asked.signed("x", &text(&asked.statement))).unwrap();
        let from = format!("From: {in_answer}<{}>", asked.address);
        let signed = signed.replacen(&format!("From: {}", asked.address), &from, 1);
        stage.say(REQUEST, signed.as_bytes()).await;
        let address: Address = asked.address.parse().unwrap();
        let mut db = stage.app.store().reader().await.unwrap();
        let request = requests::of_address(&mut db, stage.no, &address, day(0)).await.unwrap().remove(0);
        drop(db);
        stage.app.as_operator().at(day(0)).requests().approve(request.no).await.unwrap();
        deliver(&stage.app, day(0)).await;
        let mut db = stage.app.store().reader().await.unwrap();
        let roles = people::roles_of(&mut db, stage.no, &address).await.unwrap();
        assert_eq!(roles[0].display_name, expected, "{in_key} {in_answer}");
    }
}
