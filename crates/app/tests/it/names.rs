//! One name for a person on the whole site: nobody is shown under the name of another member of a list.

use crate::moved_clock::{Mail, day, deliver, join, key_row, make_list, make_plain_list, receive, site_in};
use crate::readers::read_copy;
use sealist_app::App;
use sealist_lists::model::{MailingList, Role};
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Address, Entity, first_text};
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::people;
use sealist_store::transaction;
use tempfile::TempDir;

const EVE: &str = "eve@evil.example";
const BART: &str = "bart@example.org";

struct Stage {
    app: App,
    team: MailingList,
    hobby: MailingList,
    eve: Person,
    bart: Person,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let app = site_in(folder.path()).await;
        let team = make_list(&app, "team@lists.example").await;
        let hobby = make_plain_list(&app, "hobby@lists.example").await;
        let person = |address| Person::new(address, Kind::Curve25519, day(-9));
        Self { app, team, hobby, eve: person(EVE), bart: person(BART), _folder: folder }
    }

    async fn on_team(&self, address: &str) {
        let key = [(EVE, &self.eve), (BART, &self.bart)].into_iter().find(|(of, _)| *of == address);
        let row = key.map(|(_, person)| key_row(&self.app, person, address, day(-5)));
        join(&self.app, &self.team, address, Role::Member, row).await;
    }

    async fn on_hobby(&self, address: &str) {
        join(&self.app, &self.hobby, address, Role::Member, None).await;
    }

    /// As an import, or the command line, does it.
    async fn call(&self, address: &str, name: &str) {
        let (address, name): (Address, _) = (address.parse().unwrap(), name.to_owned());
        let set = self.app.store().write(transaction!(|db| people::set_name(db, &address, &name).await));
        set.await.unwrap();
    }

    async fn name(&self, address: &str) -> String {
        let mut db = self.app.store().reader().await.unwrap();
        people::person(&mut db, &address.parse().unwrap()).await.unwrap().unwrap().display_name
    }

    /// What the sender is answered on the plain list.
    async fn hobby_answers(&self, from: &str, to: &str, words: &str) -> String {
        let message = format!("From: {from}\r\nSubject: x\r\n\r\n{words}\r\n");
        receive(&self.app, to, message.as_bytes(), day(0)).await;
        deliver(&self.app, day(0)).await.iter().map(text).collect::<Vec<_>>().join("\n")
    }

    /// Asks for a name on the plain list, and confirms it where that is asked.
    async fn set_name(&self, from: &str, name: &str) -> String {
        let request = "hobby-request@lists.example";
        let asked = self.hobby_answers(from, request, &format!("set name {name}")).await;
        match asked.split_once("confirm ") {
            None => asked,
            Some((_, token)) => self.hobby_answers(from, request, &format!("confirm {}", &token[..32])).await,
        }
    }

    /// The From field of the copy of a post of Eve's.
    async fn shown(&self) -> String {
        let key = self.app.keys_of(&self.team).await.unwrap().posting.certificate();
        let entity = b"Content-Type: text/plain\r\n\r\nI resign.\r\n";
        receive(&self.app, "team@lists.example", &self.eve.mail(&key, entity, day(0)), day(0)).await;
        let mail = deliver(&self.app, day(0)).await;
        let copy = mail.iter().find(|one| one.to == BART).unwrap();
        let Shape::Encrypted(armor) = classify(&copy.message) else { panic!("Bart has a key") };
        let inner = read_copy(&self.bart, &armor, &key).unwrap().0;
        let entity = Entity::parse(&inner);
        entity.headers.mailboxes("from")[0].name.clone().unwrap_or_default()
    }
}

fn text(mail: &Mail) -> String {
    let words = match classify(&mail.message) {
        Shape::Signed { signed, .. } => first_text(&Entity::parse(signed)),
        _ => first_text(&Entity::parse(&mail.message)),
    };
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// However the names came about: on a list the first who has one is shown under it, nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_not_shown() {
    for (anne, eve, is_shown) in [
        ("Anne", "Anne", false),
        ("Anne", "ANNE", false),
        ("Anne", "Аnne", false),
        ("Jörg Ärmel", "Jörg  Ärmel", false),
        ("Anne", "Team", false),
        ("Anne", "Eve", true),
        ("", "Anne", true),
    ] {
        let stage = Stage::new().await;
        for address in ["anne@example.org", BART, EVE] {
            stage.on_team(address).await;
        }
        stage.on_hobby("late@example.org").await;
        stage.on_team("late@example.org").await;
        stage.call("anne@example.org", anne).await;
        stage.call(EVE, eve).await;
        stage.call("late@example.org", eve).await;
        let expected = if is_shown { format!("{eve} via Team") } else { "Team".to_owned() };
        assert_eq!(stage.shown().await, expected, "{anne}, {eve}");
    }
}

/// What a mailbox proves changes no name that lists with OpenPGP show.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_list_renames_nobody_elsewhere() {
    let stage = Stage::new().await;
    for address in [BART, EVE] {
        stage.on_team(address).await;
    }
    stage.on_hobby(EVE).await;
    stage.on_hobby("zoe@example.org").await;
    assert!(stage.set_name(EVE, "Anne").await.contains("list with OpenPGP"));
    assert_eq!(stage.name(EVE).await, "");
    assert!(stage.set_name("zoe@example.org", "Zoe").await.contains("set name Zoe"));
    assert_eq!(stage.name("zoe@example.org").await, "Zoe");
    // Who joins a plain list keeps the name, or has none.
    stage.call(BART, "Bart").await;
    let join = "hobby-join@lists.example";
    for (address, name) in [(BART, "Bart"), ("zoe@example.org", "Zoe"), ("new@example.org", "Anne")] {
        let from = format!("Anne <{address}>");
        let asked = stage.hobby_answers(&from, join, "").await;
        let Some((_, token)) = asked.split_once("confirm ") else { continue };
        let confirm = format!("confirm {}", &token[..32]);
        stage.hobby_answers(&from, "hobby-request@lists.example", &confirm).await;
        assert_eq!(stage.name(address).await, name, "{address}");
    }
}

/// One name for all lists: it is asked for where it is taken, and taken where somebody else has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_free_on_all_lists_of_the_person() {
    let stage = Stage::new().await;
    let other = make_plain_list(&stage.app, "other@lists.example").await;
    for address in ["eve@evil.example", "anne@example.org"] {
        join(&stage.app, &other, address, Role::Member, None).await;
    }
    stage.on_hobby(EVE).await;
    stage.call("anne@example.org", "Anne").await;
    for name in ["ANNE", "Аnne", "Other"] {
        assert!(stage.set_name(EVE, name).await.contains("cannot be used"), "{name}");
    }
    assert!(stage.set_name(EVE, "Eve").await.contains("set name Eve"));
}
