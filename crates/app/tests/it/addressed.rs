//! Signed answers to every address that a list gives out, and signed words that were meant for elsewhere.

use crate::moved_clock::{day, deliver, join, key_row, make_list, receive, site_in};
use crate::readers::read_copy;
use sealist_app::App;
use sealist_lists::model::{MailingList, Role, SubAddress};
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Boundary, Entity, compose, first_text};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person, armored};
use sealist_store::people;
use tempfile::TempDir;

const ANNE: &str = "anne@example.org";

struct Stage {
    app: App,
    list: MailingList,
    key: Certificate,
    anne: Person,
    _folder: TempDir,
}

impl Stage {
    async fn new(name: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let app = site_in(folder.path()).await;
        make_list(&app, "other@lists.example").await;
        let list = make_list(&app, &format!("{name}@lists.example")).await;
        let anne = Person::new(ANNE, Kind::Curve25519, day(-9));
        join(&app, &list, ANNE, Role::Member, Some(key_row(&app, &anne, ANNE, day(-5)))).await;
        let key = app.keys_of(&list).await.unwrap().posting.certificate();
        Self { app, list, key, anne, _folder: folder }
    }

    fn address(&self, sub_address: SubAddress) -> String {
        self.list.name.address(sub_address).to_string()
    }

    /// What came of words that Anne signed as meant for `signed_to`, and sent to `to`.
    async fn say(&self, to: &str, signed_to: &str, words: &str, form: Form) -> Vec<Heard> {
        let entity = format!(
            "Content-Type: text/plain; charset=utf-8; protected-headers=\"v1\"\r\nFrom: {ANNE}\r\nTo: {signed_to}\r\n\r\n{}\r\n",
            words.replace('\n', "\r\n")
        );
        let head = format!("From: {ANNE}\r\nTo: {to}\r\nSubject: ...\r\nMIME-Version: 1.0\r\n");
        let entity = entity.as_bytes();
        let content = match form {
            Form::Clear => Person::signed(entity, &self.anne.signature(entity, day(0))),
            Form::Encrypted => {
                let (before, behind) = compose::encrypted_wrapper(&Boundary::from_entropy([9; 16]));
                [&before, &armored(&self.anne.packets(&[&self.key], entity, day(0)))[..], &behind].concat()
            }
        };
        receive(&self.app, to, &[head.as_bytes(), &content].concat(), day(0)).await;
        let came = deliver(&self.app, day(0)).await;
        came.iter().filter(|mail| mail.to == ANNE).map(|mail| self.heard(&mail.message)).collect()
    }

    fn heard(&self, message: &[u8]) -> Heard {
        let Shape::Encrypted(armor) = classify(message) else { panic!("Anne has a key") };
        let inner = read_copy(&self.anne, &armor, &self.key).unwrap().0;
        let entity = Entity::parse(&inner);
        Heard {
            text: first_text(&entity).replace('\r', ""),
            reply_to: entity.headers.mailboxes("reply-to").first().map(|one| one.address.to_string()),
        }
    }

    async fn own_posts(&self) -> bool {
        let mut db = self.app.store().reader().await.unwrap();
        let roles = people::roles_of(&mut db, self.list.no, &ANNE.parse().unwrap()).await.unwrap();
        roles[0].preferences.receive_own_postings
    }
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Clear,
    Encrypted,
}

#[derive(Debug)]
struct Heard {
    text: String,
    reply_to: Option<String>,
}

impl Heard {
    fn statement(&self) -> String {
        let lines = self.text.lines().skip_while(|line| !line.starts_with("List: "));
        let lines: Vec<&str> = lines.take_while(|line| !line.starts_with("---")).collect();
        lines.join("\n")
    }
}

const NAMES: [&str; 5] = [
    "team",
    "a-list-with-23-lettersx",
    "a-list-with-24-notices-x",
    "the-very-long-name-of-a-discussion-list-here",
    "the-longest-name-that-a-mailing-list-may-have-at-all",
];

/// Mail programs sign the To field of an answer: it names the address that the question gave as Reply-To.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_at_the_address_that_it_is_signed_for() {
    for name in NAMES {
        for form in [Form::Clear, Form::Encrypted] {
            let stage = Stage::new(name).await;
            let request = stage.address(SubAddress::Request);
            let before = stage.own_posts().await;
            let words = format!("set own-posts {}", if before { "off" } else { "on" });
            let came = stage.say(&request, &request, &words, form).await;
            let asked = came.iter().find(|one| one.text.contains("Token: ")).unwrap();
            let reply_to = asked.reply_to.clone().unwrap();
            let signed_to = reply_to.replacen("lists.example", "LISTS.example", 1);
            stage.say(&reply_to, &signed_to, &asked.statement(), form).await;
            assert_ne!(stage.own_posts().await, before, "{name}, {form:?}, {reply_to}");
        }
    }
}

/// Nobody who signed something is left without a word: not who signed it for another address, nor whose words
/// came before.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_meant_for_elsewhere_is_answered() {
    for (name, form) in NAMES.iter().flat_map(|name| [(name, Form::Clear), (name, Form::Encrypted)]) {
        let stage = Stage::new(name).await;
        let request = stage.address(SubAddress::Request);
        let came = stage.say(&request, &request, "set own-posts off", form).await;
        let asked = came.iter().find(|one| one.text.contains("Token: ")).unwrap();
        let token = asked.statement().rsplit_once("Token: ").unwrap().1.trim().to_owned();
        let before = stage.own_posts().await;
        let list_no = stage.list.no.0;
        for elsewhere in [
            stage.address(SubAddress::Posting),
            "other-request@lists.example".to_owned(),
            format!("_c+{}.{token}@lists.example", list_no - 1),
            format!("_c+{list_no}.{token}@lists.example.net"),
            format!("_c+{list_no}@lists.example"),
            "_b+abc@lists.example".to_owned(),
        ] {
            let fresh = Stage::new(name).await;
            let to = fresh.address(SubAddress::Request);
            let came = fresh.say(&to, &elsewhere, "set own-posts off", form).await;
            assert_eq!(came.len(), 1, "{name}, {form:?}, {elsewhere}: {came:?}");
            assert!(!came[0].text.contains("Token: "), "{name}, {elsewhere}: {came:?}");
        }
        // Also with the token of the question.
        let reply_to = asked.reply_to.clone().unwrap();
        let came = stage.say(&reply_to, "bart@example.org", &asked.statement(), form).await;
        assert_eq!((came.len(), stage.own_posts().await), (1, before), "{name}, {form:?}: {came:?}");
    }
}
