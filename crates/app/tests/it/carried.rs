//! Signed words that somebody else carries to another address of the list, or to the same one again and
//! again.

use crate::moved_clock::{OPENPGP, day, deliver, held, join, key_row, receive, site_with};
use crate::readers::read_copy;
use sealist_app::App;
use sealist_lists::model::{MailingList, Role};
use sealist_lists::rules::Reason;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person};
use tempfile::TempDir;

const ANNE: &str = "anne@example.org";
const OLGA: &str = "olga@example.org";
const TEAM: &str = "team@lists.example";

struct Stage {
    app: App,
    list: MailingList,
    key: Certificate,
    anne: Person,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let (app, list, folder) = site_with(OPENPGP, TEAM).await;
        let anne = Person::new(ANNE, Kind::Curve25519, day(-9));
        join(&app, &list, ANNE, Role::Member, Some(key_row(&app, &anne, ANNE, day(-5)))).await;
        let key = app.keys_of(&list).await.unwrap().posting.certificate();
        Self { app, list, key, anne, _folder: folder }
    }

    /// What Anne signed as a whole and encrypted to the list.
    fn sealed(&self, words: &str) -> Vec<u8> {
        let entity = format!("Content-Type: text/plain\r\n\r\n{words}\r\n");
        self.anne.mail(&self.key, entity.as_bytes(), day(0))
    }

    /// What the list sealed to Anne.
    fn read(&self, message: &[u8]) -> String {
        let Shape::Encrypted(armor) = classify(message) else { panic!("it is not encrypted") };
        let (payload, is_good) = read_copy(&self.anne, &armor, &self.key).unwrap();
        assert!(is_good);
        String::from_utf8(payload).unwrap()
    }

    /// How many messages come to Anne.
    async fn send(&self, to: &str, message: &[u8]) -> usize {
        receive(&self.app, to, message, day(0)).await;
        deliver(&self.app, day(0)).await.iter().filter(|one| one.to == ANNE).count()
    }
}

/// The address is a command, and what was signed for elsewhere does not become one: the post comes out as if
/// nothing was.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_carried_elsewhere_first_is_posted() {
    for sub_address in ["leave", "unsubscribe", "join", "subscribe", "request", "confirm+abc"] {
        let stage = Stage::new().await;
        let post = stage.sealed("See you on Friday.");
        stage.send(&format!("team-{sub_address}@lists.example"), &post).await;
        assert_eq!(stage.send(TEAM, &post).await, 1, "{sub_address}");
    }
}

/// What those in charge got already is not posted unasked: it waits for them as a post.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_owners_got_waits_as_a_post() {
    for sub_address in ["owner", "bounces"] {
        let stage = Stage::new().await;
        let olga = Person::new(OLGA, Kind::Curve25519, day(-9));
        let key = key_row(&stage.app, &olga, OLGA, day(-5));
        join(&stage.app, &stage.list, OLGA, Role::Owner, Some(key)).await;
        let post = stage.sealed("See you on Friday.");
        receive(&stage.app, &format!("team-{sub_address}@lists.example"), &post, day(0)).await;
        assert!(deliver(&stage.app, day(0)).await.iter().any(|one| one.to == OLGA), "{sub_address}");
        assert_eq!(stage.send(TEAM, &post).await, 0, "{sub_address}");
        let held = held(&stage.app).await;
        let reasons: Vec<&[Reason]> = held.iter().map(|entry| &entry.reasons[..]).collect();
        assert_eq!(reasons, [[Reason::SeenElsewhere]], "{sub_address}");
    }
}

/// A proven person is answered often, and the last answer of a day says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_answer_of_a_day_says_so() {
    let stage = Stage::new().await;
    let mut answers = Vec::new();
    for _ in 0..30 {
        receive(&stage.app, "team-request@lists.example", &stage.sealed("show settings"), day(0)).await;
        let came = deliver(&stage.app, day(0)).await.into_iter().filter(|one| one.to == ANNE);
        answers.extend(came.map(|one| stage.read(&one.message)));
    }
    assert_eq!(answers.len(), 20);
    let says_so: Vec<bool> = answers.iter().map(|words| words.contains("the last answer of today")).collect();
    assert_eq!(says_so.iter().position(|last| *last), Some(19), "{says_so:?}");
}

/// What is signed for the address of the command, says the command, or says nothing else, is a signed
/// command.
#[tokio::test(flavor = "multi_thread")]
async fn what_says_the_command_is_signed() {
    for (words, is_signed) in [("leave", true), ("", true), ("leave\r\n\r\nAnne", true), ("Hello", false)] {
        let stage = Stage::new().await;
        let message = stage.sealed(words);
        assert_eq!(stage.send("team-leave@lists.example", &message).await, 1, "{words}");
        let again = stage.sealed(words);
        // A second question goes to who signed; of what proves nothing there is one notice a day.
        assert_eq!(stage.send("team-leave@lists.example", &again).await, usize::from(is_signed), "{words}");
    }
}

/// One signature is answered once, and what is carried about uses up nothing of what Anne may ask.
#[tokio::test(flavor = "multi_thread")]
async fn one_signature_is_answered_once() {
    let stage = Stage::new().await;
    let carried = stage.sealed("See you on Friday.");
    let mut came = 0;
    for sub_address in ["request", "leave", "join", "confirm+abc"].iter().cycle().take(60) {
        came += stage.send(&format!("team-{sub_address}@lists.example"), &carried).await;
    }
    assert!(came <= 6, "{came}");
    for words in ["help", "show settings", "set copies off", "leave"] {
        assert_eq!(stage.send("team-request@lists.example", &stage.sealed(words)).await, 1, "{words}");
    }
}
