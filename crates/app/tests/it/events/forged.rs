//! What floods of mail leave of events: each message that is kept has its event, noise is bounded, and nobody
//! chooses freely whom the events name.

use std::collections::BTreeSet;

use sealist_app::{EventView, upkeep};
use sealist_lists::model::{EntryNo, MailingList, Role};
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind, Person};

use super::{ANNE, EVE, Stage, TEAM};
use crate::moved_clock::{OPENPGP, PLAIN, day, held, join, key_row, receive_from, set};

const FLOOD: usize = 60;
/// Rows a day of what anybody can cause, and the row that counts.
const MOST: usize = 21;

impl Stage {
    /// All events since the last look.
    async fn all(&self) -> Vec<EventView> {
        let events = self.app.as_operator().events();
        let found = events.next("test", 1000).await.unwrap();
        if let Some(last) = found.last() {
            events.acknowledge("test", last.position.unwrap()).await.unwrap();
        }
        found
    }

    async fn held_now(&self) -> Vec<EntryNo> {
        let held = held(&self.app).await;
        held.iter().map(|one| one.no).collect()
    }

    async fn with_settings(&self, settings: &[(&str, &str)]) -> MailingList {
        let mut list = self.list().await;
        for (name, value) in settings {
            list = set(&self.app, &list, name, value).await;
        }
        list
    }

    async fn send_as(&self, sender: &str, from: &str, subject: &str, now: Timestamp) {
        let message = format!("From: {from}\r\nTo: {TEAM}\r\nSubject: {subject}\r\n\r\n{subject}\r\n");
        receive_from(&self.app, sender, TEAM, message.as_bytes(), now).await;
    }
}

fn of<'a>(found: &'a [EventView], kind: &str) -> Vec<&'a EventView> {
    found.iter().filter(|one| one.event == kind).collect()
}

fn victim(number: usize) -> String {
    format!("v{number}@victims.example")
}

fn victims(found: &[EventView]) -> usize {
    let named: BTreeSet<&str> = found.iter().map(|one| one.email.as_str()).collect();
    named.iter().filter(|email| email.ends_with("@victims.example")).count()
}

/// The entries that `hold-begun` events name.
fn begun(found: &[EventView]) -> BTreeSet<EntryNo> {
    of(found, "hold-begun").iter().map(|one| EntryNo(one.data["entry"].as_i64().unwrap())).collect()
}

/// One signed mail of a member comes again and again, each time from another envelope sender. The events name
/// its author alone. What waits or was posted already writes no event again.
#[tokio::test(flavor = "multi_thread")]
async fn one_signed_mail_that_others_send_again_is_no_noise() {
    async fn check(what: &str, settings: &[(&str, &str)], padding: usize, refused: usize) {
        let stage = Stage::new().await;
        stage.app.as_operator().at(day(-9)).lists().create(&TEAM.parse().unwrap(), OPENPGP).await.unwrap();
        let list = stage.with_settings(settings).await;
        let anne = Person::new(ANNE, Kind::Curve25519, day(-6));
        let row = key_row(&stage.app, &anne, ANNE, day(-5));
        join(&stage.app, &list, ANNE, Role::Member, Some(row)).await;
        let key = stage.app.keys_of(&list).await.unwrap().posting.certificate();
        let mail = anne.mail(&key, b"Content-Type: text/plain\r\n\r\nWords.\r\n", day(0));
        let padding = format!("\r\n\r\n{}", "padding\r\n".repeat(padding));
        let mail = String::from_utf8(mail).unwrap().replacen("\r\n\r\n", &padding, 1);
        stage.all().await;
        for number in 0..FLOOD {
            receive_from(&stage.app, &victim(number), TEAM, mail.as_bytes(), day(0)).await;
        }
        let found = stage.all().await;
        let kinds: Vec<_> = found.iter().map(|one| (&one.event, &one.email, &one.detail)).collect();
        assert!(found.iter().all(|one| one.email == ANNE), "{what}: {kinds:?}");
        assert_eq!(begun(&found), stage.held_now().await.into_iter().collect(), "{what}: {kinds:?}");
        let seen: usize =
            ["message-rejected", "message-discarded"].map(|kind| of(&found, kind).len()).iter().sum();
        assert_eq!(seen, refused, "{what}: {kinds:?}");
    }
    check("posted", &[], 0, 0).await;
    check("too large", &[("max_message_kib", "20")], 4000, 0).await;
    check("waits", &[("default_member_action", "hold")], 0, 0).await;
    check("discarded", &[("default_member_action", "discard")], 0, 20).await;
    check("each is held", &[("default_member_action", "hold"), ("collect_sig_hashes", "false")], 0, 0).await;
}

/// However much mail is forged, each message that waits has its event, and so has each that ended in time.
#[tokio::test(flavor = "multi_thread")]
async fn each_message_that_waits_has_its_event() {
    async fn check(what: &str, style: &str) {
        let stage = Stage::new().await;
        stage.app.as_operator().at(day(-9)).lists().create(&TEAM.parse().unwrap(), style).await.unwrap();
        let _list =
            stage.with_settings(&[("default_member_action", "hold"), ("max_days_to_hold", "5")]).await;
        if style == PLAIN {
            stage.joins(ANNE, Role::Member).await;
        }
        stage.all().await;
        for number in 0..FLOOD {
            stage.send_as(&victim(number), &victim(number), &format!("Forged {number}"), day(0)).await;
        }
        stage.send_as(EVE, EVE, "A stranger's own", day(0)).await;
        stage.send_as(ANNE, ANNE, "A member's own", day(0)).await;
        let (found, held) = (stage.all().await, stage.held_now().await);
        assert_eq!(held.len(), FLOOD + 2, "{what}");
        assert_eq!(begun(&found), held.iter().copied().collect(), "{what}");
        assert!(victims(&found) < MOST, "{what}: {}", victims(&found));
        if style == PLAIN {
            assert!(of(&found, "hold-begun").iter().any(|one| one.email == ANNE), "{what}");
        }
        upkeep(&stage.app, day(9)).await.unwrap();
        let found = stage.all().await;
        assert_eq!(of(&found, "hold-expired").len(), FLOOD + 2, "{what}");
        assert!(victims(&found) < MOST, "{what}: {}", victims(&found));
    }
    check("plain", PLAIN).await;
    check("OpenPGP", OPENPGP).await;
}

/// Where a flood only pushes out itself, its events are bounded, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_that_pushes_itself_out_is_bounded() {
    async fn check(sender: impl Fn(usize) -> String, from: impl Fn(usize) -> String) {
        let stage = Stage::new().await;
        stage.app.as_operator().at(day(-9)).lists().create(&TEAM.parse().unwrap(), PLAIN).await.unwrap();
        let _list =
            stage.with_settings(&[("default_member_action", "hold"), ("max_held_messages", "5")]).await;
        stage.joins(ANNE, Role::Member).await;
        stage.all().await;
        for number in 0..FLOOD {
            stage.send_as(&sender(number), &from(number), &format!("Forged {number}"), day(0)).await;
        }
        let found = stage.all().await;
        for kind in ["hold-begun", "hold-dropped"] {
            assert!(of(&found, kind).len() <= 5 + MOST, "{kind}: {}", of(&found, kind).len());
        }
        assert!(of(&found, "hold-begun").len() >= 5);
        assert!(victims(&found) <= 2 * MOST, "{}", victims(&found));
    }
    check(victim, victim).await;
    check(victim, |_| ANNE.to_owned()).await;
    check(|_| ANNE.to_owned(), |_| ANNE.to_owned()).await;
}
