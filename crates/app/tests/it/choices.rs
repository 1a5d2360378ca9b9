//! What members and those in charge choose by mail, and the sentence with which a command is refused.

use crate::moved_clock::{
    Mail, OPENPGP, PLAIN, day, deliver, join, key_row, receive, set_setting, site_with,
};
use crate::readers::read_copy;
use sealist_app::{App, SettingRefused};
use sealist_lists::model::{MailingList, Role, SubAddress};
use sealist_lists::texts::Language;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Address, Entity, first_text};
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::people;
use tempfile::TempDir;

const OLGA: &str = "olga@example.org";
const MONA: &str = "mona@example.org";
const ANNE: &str = "anne@example.org";
const STRANGER: &str = "eve@evil.example";

struct Stage {
    app: App,
    list: MailingList,
    _folder: TempDir,
}

impl Stage {
    async fn plain() -> Self {
        let (app, list, folder) = site_with(PLAIN, "walks@lists.example").await;
        let stage = Self { app, list, _folder: folder };
        stage.with_people(&[]).await
    }

    /// Those people have keys.
    async fn with_openpgp(keys: &[&Person]) -> Self {
        let (app, list, folder) = site_with(OPENPGP, "team@lists.example").await;
        let stage = Self { app, list, _folder: folder };
        stage.with_people(keys).await
    }

    async fn with_people(self, keys: &[&Person]) -> Self {
        for (address, role) in [(OLGA, Role::Owner), (MONA, Role::Moderator), (ANNE, Role::Member)] {
            let key = keys.iter().find(|person| {
                person.certificate().addresses(day(0)).contains(&address.parse::<Address>().unwrap())
            });
            let row = key.map(|person| key_row(&self.app, person, address, day(-5)));
            join(&self.app, &self.list, address, role, row).await;
        }
        self
    }

    /// What comes to that address when a message of it came to the list.
    async fn mail(&self, from: &str, message: &[u8]) -> Vec<Mail> {
        receive(&self.app, &self.list.name.address(SubAddress::Request).to_string(), message, day(0)).await;
        let came = deliver(&self.app, day(0)).await;
        came.into_iter().filter(|one| one.to == from).collect()
    }

    async fn say(&self, from: &str, lines: &str) -> String {
        let message = format!("From: {from}\r\nSubject: x\r\n\r\n{lines}\r\n");
        let came = self.mail(from, message.as_bytes()).await;
        came.iter().map(words).collect::<Vec<_>>().join("\n")
    }

    async fn language(&self, address: &str) -> Option<Language> {
        let mut db = self.app.store().reader().await.unwrap();
        people::language_of(&mut db, self.list.no, &address.parse().unwrap()).await.unwrap()
    }
}

fn words(mail: &Mail) -> String {
    let words = match classify(&mail.message) {
        Shape::Signed { signed, .. } => first_text(&Entity::parse(signed)),
        _ => first_text(&Entity::parse(&mail.message)),
    };
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn token(words: &str) -> &str {
    &words.split_once("confirm ").unwrap_or_else(|| panic!("{words}")).1[..32]
}

/// Members, owners and moderators choose a language; what is said of it is said in that language.
#[tokio::test(flavor = "multi_thread")]
async fn a_language_counts_from_its_confirmation_on() {
    for (person, code, done) in [
        (ANNE, "de", "Erledigt"),
        (ANNE, "fr", "C’est fait"),
        (ANNE, "en", "Done"),
        (OLGA, "fr", "C’est fait"),
        (MONA, "de", "Erledigt"),
    ] {
        let mut stage = Stage::plain().await;
        set_setting(&stage.app, &mut stage.list, "preferred_language", "fr", day(-1)).await.unwrap();
        let asked = stage.say(person, &format!("set language {code}")).await;
        assert_eq!(stage.language(person).await, None, "a From field proves nothing");
        let told = stage.say(person, &format!("confirm {}", token(&asked))).await;
        assert_eq!(stage.language(person).await.map(Language::name), Some(code), "{person}");
        assert!(told.contains(done), "{person} {code}: {told}");
    }
    let stage = Stage::plain().await;
    for (person, line) in [(MONA, "set copies off"), (STRANGER, "set language de")] {
        let told = stage.say(person, line).await;
        assert!(told.contains("You are not a member"), "{person}: {told}");
    }
    assert_eq!(stage.language(STRANGER).await, None);
}

/// Each refusal says what is wrong, and what would help.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_choice_is_explained() {
    for (line, sentence) in [
        ("set language xx", "Write \"set language\", then en (English), de (German) or fr (French)"),
        ("set language", "\"set language\", then en (English), de (German) or fr (French)"),
        ("set language de fr", "\"set language\", then en (English)"),
        ("set delivery maybe", "one of delivery, own-posts, copies, then \"on\" or \"off\"; or"),
        ("set frobnicate on", "or \"set name\" and a name; or \"set language\" and a language"),
        ("set digest on", "no digests"),
    ] {
        let stage = Stage::plain().await;
        let told = stage.say(ANNE, line).await;
        assert!(told.contains(sentence), "{line}: {told}");
        assert!(!told.contains("no choice \"language"), "{told}");
    }
}

/// Who may see the roster depends on the list; who may not hears why, and who proves nothing hears nothing of
/// a role.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_answered_or_refused_with_the_reason() {
    const CHARGE: &str = "Only the owners and moderators of this list may see";
    const MEMBERS: &str = "Only members of this list, its owners and moderators may see";
    const SIGNED: &str = "only if you ask in a message that you signed as a whole";
    const ROSTER: &str = "anne@example.org";
    for (visibility, requester, expected) in [
        ("moderators", OLGA, ROSTER),
        ("moderators", MONA, ROSTER),
        ("moderators", ANNE, CHARGE),
        ("moderators", STRANGER, CHARGE),
        ("members", OLGA, ROSTER),
        ("members", ANNE, ROSTER),
        ("members", STRANGER, MEMBERS),
        ("public", STRANGER, ROSTER),
    ] {
        let mut stage = Stage::plain().await;
        set_setting(&stage.app, &mut stage.list, "member_roster_visibility", visibility, day(-1))
            .await
            .unwrap();
        let told = stage.say(requester, "who").await;
        assert!(told.contains(expected), "{visibility} {requester}: {told}");
        assert_eq!(told.contains(ROSTER), expected == ROSTER, "{visibility} {requester}: {told}");
    }
    let person = |address: &str| Person::new(address, Kind::Curve25519, day(-9));
    let (olga, anne) = (person(OLGA), person(ANNE));
    for (visibility, requester, signer, expected) in [
        ("moderators", OLGA, None, SIGNED),
        ("moderators", ANNE, None, SIGNED),
        ("public", STRANGER, None, SIGNED),
        ("moderators", ANNE, Some(&anne), CHARGE),
        ("moderators", OLGA, Some(&olga), ROSTER),
        ("members", ANNE, Some(&anne), ROSTER),
        // Somebody else's signature.
        ("moderators", OLGA, Some(&anne), SIGNED),
    ] {
        let mut stage = Stage::with_openpgp(&[&olga, &anne]).await;
        set_setting(&stage.app, &mut stage.list, "member_roster_visibility", visibility, day(-1))
            .await
            .unwrap();
        let entity = b"Content-Type: text/plain\r\n\r\nwho\r\n";
        let message = match signer {
            Some(signer) => {
                let mail = signer.mail_signed(entity, &signer.signature(entity, day(0)));
                let mail = String::from_utf8(mail).unwrap();
                let other = if requester == OLGA { ANNE } else { OLGA };
                mail.replacen(&format!("From: {other}"), &format!("From: {requester}"), 1).into_bytes()
            }
            None => format!("From: {requester}\r\nSubject: who\r\n\r\n").into_bytes(),
        };
        let came = stage.mail(requester, &message).await;
        let reader = if requester == OLGA { &olga } else { &anne };
        let key = stage.app.keys_of(&stage.list).await.unwrap().posting.certificate().clone();
        let told: Vec<String> = came
            .iter()
            .map(|one| match classify(&one.message) {
                Shape::Encrypted(armor) => {
                    let (text, _) = read_copy(reader, &armor, &key).unwrap();
                    first_text(&Entity::parse(&text)).split_whitespace().collect::<Vec<_>>().join(" ")
                }
                _ => words(one),
            })
            .collect();
        let told = told.join("\n");
        assert!(told.contains(expected), "{visibility} {requester}: {told}");
    }
}

/// A setting that would have no effect is refused with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn settings_without_effect_are_refused() {
    for (is_plain, name, value, refused) in [
        (true, "reply_goes_to", "author", None),
        (true, "reply_goes_to", "list", None),
        (false, "reply_goes_to", "list", None),
        (false, "reply_goes_to", "author", Some("answers go to the list")),
        (true, "footer", "{list}: {address}", None),
        (true, "footer", "a { b } c", None),
        (true, "footer", "{nope} {list}", Some("{nope}, and only {list} and {address} are filled in")),
        (false, "footer", "{listname}", Some("{listname}")),
    ] {
        let mut stage = if is_plain { Stage::plain().await } else { Stage::with_openpgp(&[]).await };
        let set = set_setting(&stage.app, &mut stage.list, name, value, day(-1)).await;
        match (set.map(|_| ()), refused) {
            (Ok(()), None) => {}
            (Err(error @ (SettingRefused::AuthorOutside | SettingRefused::Placeholders(_))), Some(words)) => {
                assert!(error.to_string().contains(words), "{name} {value}: {error}");
            }
            (other, _) => panic!("{name} {value}: {other:?}"),
        }
    }
}
