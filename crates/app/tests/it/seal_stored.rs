//! A list begins to encrypt: nothing that was stored of it in the clear stays readable.

use crate::moved_clock::{
    OPENPGP, day, deliver, held, join, judge_due, receive_from, set, set_setting, site_with,
};
use sealist_app::{Destination, IncomingClaims, Intake, upkeep};
use sealist_lists::model::Role;
use sealist_openpgp::random;
use sealist_store::deliveries;
use sealist_store::queue;
use sealist_store::traces::MessageFate;
use sealist_store::transaction;
use tempfile::TempDir;

const LIST: &str = "team@lists.example";
const CONFIRM: &str = "team-confirm+zebratoken@lists.example";

/// Which files of the site hold one of these words.
fn holding(folder: &TempDir, words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for word in words {
            if bytes.windows(word.len()).any(|window| window == word.as_bytes()) {
                found.push(format!("{word} in {}", path.display()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_in_the_clear_is_sealed_or_gone() {
    let (app, mut list, folder) = site_with(OPENPGP, LIST).await;
    for address in ["anne@example.org", "bart@example.org"] {
        join(&app, &list, address, Role::Member, None).await;
    }
    for (name, value) in [
        ("encrypt_outgoing", "false"),
        ("nonencrypted_msg_action", "defer"),
        ("unsigned_msg_action", "defer"),
        ("no_key_action", "defer"),
    ] {
        set_setting(&app, &mut list, name, value, day(-3)).await.unwrap();
    }
    assert!(!list.settings.encrypting());
    let word = |what: &str| format!("Zebra{what}5581");
    // One is posted, one is discarded, one of a stranger is held, and two wait to be judged.
    for (what, author) in [
        ("posted", "anne@example.org"),
        ("discarded", "eve@example.com"),
        ("held", "eve@example.com"),
        ("waiting", "anne@example.org"),
    ] {
        let arrival = Destination::at(&app, &LIST.parse().unwrap()).await.unwrap().unwrap();
        let mut intake = Intake::begin(&arrival, Some(author)).unwrap();
        let text = word(what).repeat(1 + 40_000 * usize::from(what == "held" || what == "discarded"));
        let message = format!("From: {author}\r\nTo: {LIST}\r\nSubject: {}\r\n\r\n{text}\r\n", word(what));
        intake.write(message.as_bytes()).unwrap();
        intake.commit(&app, random(), day(0)).await.unwrap();
        if what == "waiting" {
            continue;
        }
        let claimed = IncomingClaims::default().claim(&app, 1, 0, day(0)).await.unwrap();
        claimed[0].process(&app, day(0)).await.unwrap();
        if what == "discarded" {
            let held = held(&app).await;
            let gone = held[0].clone();
            let gone = app.store().write(transaction!(|db| {
                queue::finish(db, &gone, MessageFate::Discarded, &[], day(0)).await
            }));
            gone.await.unwrap();
        }
    }
    let words: Vec<String> = ["posted", "discarded", "held", "waiting"].map(word).to_vec();
    assert!(!holding(&folder, &words).is_empty(), "it stands there now");

    set_setting(&app, &mut list, "encrypt_outgoing", "true", day(-3)).await.unwrap();
    assert_eq!(holding(&folder, &words), Vec::<String>::new());
    // What waited is judged and goes its way.
    judge_due(&app, day(0)).await;
    let copies = deliver(&app, day(0)).await;
    let posted = |mail: &&crate::moved_clock::Mail| {
        mail.message.windows(word("posted").len()).any(|window| window == word("posted").as_bytes())
    };
    assert_eq!(copies.iter().filter(posted).count(), 0, "the list encrypts by now");
    let counts = deliveries::counts(&mut app.store().reader().await.unwrap(), list.no).await.unwrap();
    assert!(
        counts.contains(&("held_for_key".to_owned(), 4)),
        "two posts; the members have no keys: {counts:?}"
    );

    // No token of a confirmation stands in the database.
    let arrival = Destination::at(&app, &CONFIRM.parse().unwrap()).await.unwrap().unwrap();
    let mut intake = Intake::begin(&arrival, Some("anne@example.org")).unwrap();
    intake.write(b"From: anne@example.org\r\n\r\n").unwrap();
    intake.commit(&app, random(), day(0)).await.unwrap();
    assert_eq!(holding(&folder, &["zebratoken".to_owned()]), Vec::<String>::new());
}

/// The sealing was interrupted, or mail was under way when the list began to encrypt: in both cases something
/// is left in the clear on a list that encrypts.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_in_the_clear_is_sealed_later() {
    async fn check(by: &str) {
        let (app, mut list, folder) = site_with(OPENPGP, LIST).await;
        for (name, value) in [
            ("encrypt_outgoing", "false"),
            ("nonencrypted_msg_action", "defer"),
            ("unsigned_msg_action", "defer"),
            ("default_nonmember_action", "hold"),
        ] {
            set_setting(&app, &mut list, name, value, day(-3)).await.unwrap();
        }
        let message =
            format!("From: eve@example.com\r\nTo: {LIST}\r\nSubject: Zebraheld5581\r\n\r\nwords\r\n");
        receive_from(&app, "eve@example.com", LIST, message.as_bytes(), day(0)).await;
        let words = ["Zebraheld5581".to_owned()];
        let list = set(&app, &list, "encrypt_outgoing", "true").await;
        assert!(list.settings.encrypting() && !holding(&folder, &words).is_empty(), "{by}");
        let mut again = list.clone();
        match by {
            "upkeep" => {
                upkeep(&app, day(0)).await.unwrap();
            }
            name => set_setting(&app, &mut again, name, "true", day(0)).await.unwrap(),
        }
        assert_eq!(holding(&folder, &words), Vec::<String>::new(), "{by}");
        let held = held(&app).await;
        assert_eq!(held.len(), 1, "{by}: it waits still");
    }
    for by in ["upkeep", "encrypt_outgoing", "verp_probes"] {
        check(by).await;
    }
}
