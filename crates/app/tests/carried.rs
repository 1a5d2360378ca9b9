//! Signed words that somebody else carries to another address of the list, or to the same one again and again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod moved_clock;

use moved_clock::{day, deliver, join, key_row, make_list, receive, site_in};
use sealist_app::App;
use sealist_lists::model::Role;
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person};
use tempfile::TempDir;

const ANNE: &str = "anne@example.org";
const TEAM: &str = "team@lists.example";

struct Stage {
    app: App,
    key: Certificate,
    anne: Person,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let app = site_in(folder.path()).await;
        let list = make_list(&app, TEAM).await;
        let anne = Person::new(ANNE, Kind::Curve25519, day(-9));
        join(&app, &list, ANNE, Role::Member, Some(key_row(&app, &anne, ANNE, day(-5)))).await;
        let key = app.keys_of(&list).await.unwrap().posting.certificate();
        Self { app, key, anne, _folder: folder }
    }

    /// What Anne signed as a whole and encrypted to the list.
    fn sealed(&self, words: &str) -> Vec<u8> {
        let entity = format!("Content-Type: text/plain\r\n\r\n{words}\r\n");
        self.anne.mail(&self.key, entity.as_bytes(), day(0))
    }

    /// How many messages come to Anne.
    async fn send(&self, to: &str, message: &[u8]) -> usize {
        receive(&self.app, to, message, day(0)).await;
        deliver(&self.app, day(0)).await.iter().filter(|one| one.to == ANNE).count()
    }
}

/// The address is a command, and what was signed for elsewhere does not become one: the post comes out as if nothing was.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_carried_elsewhere_first_is_posted() {
    for door in ["leave", "unsubscribe", "join", "subscribe", "request", "owner", "confirm+abc", "bounces"] {
        let stage = Stage::new().await;
        let post = stage.sealed("See you on Friday.");
        stage.send(&format!("team-{door}@lists.example"), &post).await;
        assert_eq!(stage.send(TEAM, &post).await, 1, "{door}");
    }
}

/// What is signed for the address of the command, says the command, or says nothing else, is a signed command.
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
    for door in ["request", "leave", "join", "confirm+abc"].iter().cycle().take(60) {
        came += stage.send(&format!("team-{door}@lists.example"), &carried).await;
    }
    assert!(came <= 6, "{came}");
    for words in ["help", "show settings", "set copies off", "leave"] {
        assert_eq!(stage.send("team-request@lists.example", &stage.sealed(words)).await, 1, "{words}");
    }
}
