//! Members and moderators on both kinds of lists: names, the roster, and who hears what was decided.

use crate::moved_clock::{Mail, OPENPGP, PLAIN, day, deliver, key_row, receive, site_with};
use sealist_app::App;
use sealist_lists::model::{MailingList, Role};
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Address, Entity, Field, Timestamp, first_text};
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::keys::CertificateRow;
use sealist_store::people;
use tempfile::TempDir;

struct Stage {
    app: App,
    list: MailingList,
    _folder: TempDir,
}

impl Stage {
    async fn plain() -> Self {
        let (app, list, folder) = site_with(PLAIN, "walks@lists.example").await;
        Self { app, list, _folder: folder }
    }

    async fn with_openpgp() -> Self {
        let (app, list, folder) = site_with(OPENPGP, "team@lists.example").await;
        Self { app, list, _folder: folder }
    }

    async fn set(&mut self, name: &str, value: &str) {
        self.list = crate::moved_clock::set(&self.app, &self.list, name, value).await;
    }

    async fn join(&self, address: &str, role: Role, key: Option<CertificateRow>) {
        crate::moved_clock::join(&self.app, &self.list, address, role, key).await;
    }

    async fn say(&self, message: &str, now: Timestamp) -> Vec<Mail> {
        let request = self.list.name.address(sealist_lists::model::SubAddress::Request).to_string();
        receive(&self.app, &request, message.replace('\n', "\r\n").as_bytes(), now).await;
        deliver(&self.app, now).await
    }

    /// What the sender of those lines is answered.
    async fn answer(&self, from: &str, lines: &str) -> String {
        let came = self.say(&format!("From: {from}\nSubject: x\n\n{lines}\n"), day(0)).await;
        let own = came.iter().filter(|one| from.contains(&one.to));
        own.map(text).collect::<Vec<_>>().join("\n")
    }

    async fn name(&self, address: &str) -> String {
        let address: Address = address.parse().unwrap();
        let mut db = self.app.store().reader().await.unwrap();
        let roles = people::roles_of(&mut db, self.list.no, &address).await.unwrap();
        roles.first().map(|member| member.display_name.clone()).unwrap_or_default()
    }
}

fn text(mail: &Mail) -> String {
    let words = match classify(&mail.message) {
        Shape::Signed { signed, .. } => first_text(&Entity::parse(signed)),
        _ => first_text(&Entity::parse(&mail.message)),
    };
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn behind(words: &str, mark: &str) -> String {
    words.split_once(mark).unwrap_or_else(|| panic!("{mark}: {words}")).1[..32].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_second_hears_who_was_first() {
    let mut stage = Stage::plain().await;
    stage.set("subscription_policy", "confirm_then_moderate").await;
    stage.join("olga@example.org", Role::Owner, None).await;
    stage.join("mona@example.org", Role::Moderator, None).await;
    for (number, (first, done, second)) in [
        ("approve", "accepted", "reject"),
        ("reject", "rejected", "approve"),
        ("discard", "discarded", "approve"),
        ("approve", "accepted", "approve"),
    ]
    .into_iter()
    .enumerate()
    {
        let person = format!("q{number}@example.org");
        let asked = stage.answer(&person, "join").await;
        let confirm = format!("confirm {}", behind(&asked, "confirm "));
        let came = stage.say(&format!("From: {person}\nSubject: x\n\n{confirm}\n"), day(0)).await;
        let token = |who: &str| {
            let notice = came.iter().find(|one| one.to == who).unwrap();
            behind(&text(notice), "approve ")
        };
        let (olga, mona) = (token("olga@example.org"), token("mona@example.org"));
        stage.answer("mona@example.org", &format!("{first} {mona}")).await;
        let told = stage.answer("olga@example.org", &format!("{second} {olga}")).await;
        let expected = format!("decided already: {done}, mona@example.org, ");
        assert!(told.contains(&expected), "{first}: {told}");
        if number == 0 {
            // The line of somebody else says nothing.
            let told = stage.answer("mona@example.org", &format!("{second} {olga}")).await;
            assert!(told.contains("Wrong token"), "{told}");
        }
        let told = stage.answer(&person, &confirm).await;
        assert!(!told.contains("mona"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_shown_before_it_counts() {
    let stage = Stage::plain().await;
    for (number, (subject, name)) in [
        ("set name Jörg Müller", "Jörg Müller"),
        ("set name \"Anna Mill\"", "Anna Mill"),
        ("Re: set name „Zoë Quartz“", "Zoë Quartz"),
        ("set name Иван Петров", "Иван Петров"),
    ]
    .into_iter()
    .enumerate()
    {
        let person = format!("q{number}@example.org");
        stage.join(&person, Role::Member, None).await;
        let field = Field::text("Subject", subject);
        let field = String::from_utf8(field.as_bytes().to_vec()).unwrap().replace('\r', "");
        let came = stage.say(&format!("From: {person}\n{field}\n\n"), day(0)).await;
        let asked = text(&came[0]);
        assert!(asked.contains(&format!(" set name {name} ")), "{asked}");
        assert_eq!(stage.name(&person).await, "");
        let told = stage.answer(&person, &format!("confirm {}", behind(&asked, "confirm "))).await;
        assert!(told.contains(&format!("set name {name}")), "{told}");
        assert_eq!(stage.name(&person).await, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_looks_like_another_is_refused() {
    let stage = Stage::plain().await;
    for (address, name) in [("anna@example.org", "Anna Mill"), ("ivan@example.org", "Иван Петров")]
    {
        stage.join(address, Role::Member, None).await;
        let asked = stage.answer(address, &format!("set name {name}")).await;
        stage.answer(address, &format!("confirm {}", behind(&asked, "confirm "))).await;
        assert_eq!(stage.name(address).await, name);
    }
    let refused = [
        "Anna Mill",
        "ANNA MILL",
        "Аnna Mill",
        "Αnna Mill",
        "Anna MiII",
        "AnnaMill",
        "Anna. Mill",
        "Walks",
        "Wаlks",
        "moderator",
        "the оwner",
        "postmаster",
        "anna@example.org",
        "Anna <x>",
        "Anna\u{202e}Mill",
        "Anna\u{200b}B",
    ];
    for (number, name) in refused.into_iter().enumerate() {
        let person = format!("q{number}@example.org");
        stage.join(&person, Role::Member, None).await;
        let told = stage.answer(&person, &format!("set name {name}")).await;
        assert!(told.contains("This name cannot be used"), "{name}: {told}");
    }
    for (number, name) in ["Anna Miller", "Ivan Petrov", "Hanna Mill", "Walker"].into_iter().enumerate() {
        let person = format!("r{number}@example.org");
        stage.join(&person, Role::Member, None).await;
        let told = stage.answer(&person, &format!("set name {name}")).await;
        assert!(told.contains(&format!("set name {name}")), "{name}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn moderators_are_warned_of_an_address_that_mixes_scripts() {
    let mut stage = Stage::plain().await;
    stage.set("subscription_policy", "confirm_then_moderate").await;
    stage.join("olga@example.org", Role::Owner, None).await;
    for (address, warned) in
        [("zoe@exаmple.org", true), ("zoe@example.org", false), ("zoe@müller.example", false)]
    {
        let asked = stage.answer(address, "join").await;
        let confirm = format!("From: {address}\nSubject: x\n\nconfirm {}\n", behind(&asked, "confirm "));
        let came = stage.say(&confirm, day(0)).await;
        let notice = text(came.iter().find(|one| one.to == "olga@example.org").unwrap());
        assert_eq!(notice.contains("letters of different scripts"), warned, "{notice}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roster_has_names_and_fingerprints() {
    let stage = Stage::with_openpgp().await;
    let person = |address: &str| Person::new(address, Kind::Curve25519, day(-9));
    let (olga, anna) = (person("olga@example.org"), person("anna@example.org"));
    stage
        .join("olga@example.org", Role::Owner, Some(key_row(&stage.app, &olga, "olga@example.org", day(-5))))
        .await;
    stage
        .join("anna@example.org", Role::Member, Some(key_row(&stage.app, &anna, "anna@example.org", day(-5))))
        .await;
    stage.join("bart@example.org", Role::Member, None).await;
    let entity = b"Content-Type: text/plain\r\n\r\nwho\r\n";
    let message = olga.mail_signed(entity, &olga.signature(entity, day(0)));
    let came = stage.say(&String::from_utf8(message).unwrap().replace('\r', ""), day(0)).await;
    let Shape::Encrypted(armor) = classify(&came[0].message) else { panic!("not sealed") };
    let key = stage.app.keys_of(&stage.list).await.unwrap().posting.certificate();
    let read = olga.read(&armor, &key).unwrap().0;
    let words = first_text(&Entity::parse(&read));
    let expected = format!(
        "    anna@example.org\r\n        {}\r\n    bart@example.org\r\n        -\r\n",
        anna.certificate().fingerprint().spaced()
    );
    assert!(words.contains(&expected), "{words}");
}
