//! Which strangers hear from a plain list that their messages wait: so many a day, and of one source a tenth
//! of them.

use crate::moved_clock::{DAY_MS, PLAIN, day, deliver, join, make_plain_list, receive_from, set, site_with};
use sealist_app::{App, upkeep};
use sealist_lists::model::{MailingList, Role};
use sealist_mail::Timestamp;
use tempfile::TempDir;

const LIST: &str = "plain@lists.example";
const OTHER: &str = "other@lists.example";

struct Stage {
    app: App,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> (Self, MailingList) {
        let (app, list, folder) = site_with(PLAIN, LIST).await;
        make_plain_list(&app, OTHER).await;
        (Self { app, _folder: folder }, list)
    }

    /// So many strangers of a domain write to a list; how many of them hear that it waits.
    async fn heard(&self, to: &str, domain: &str, count: usize, now: Timestamp) -> usize {
        for number in 0..count {
            self.post(to, &format!("s{number}@{domain}"), &format!("{number} {}", now.0), now).await;
        }
        self.told(domain, now).await
    }

    async fn post(&self, to: &str, from: &str, subject: &str, now: Timestamp) {
        let words = format!("From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nWords.\r\n");
        receive_from(&self.app, from, to, words.as_bytes(), now).await;
    }

    async fn told(&self, domain: &str, now: Timestamp) -> usize {
        let mail = deliver(&self.app, now).await;
        mail.iter().filter(|mail| mail.to.split_once('@').unwrap().1 == domain).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_mail_of_one_source_silences_no_other() {
    let (stage, _) = Stage::new().await;
    assert_eq!(stage.heard(LIST, "forged.example", 60, day(0)).await, 5);
    assert_eq!(stage.heard(LIST, "FORGED.example", 3, day(0).plus_ms(1)).await, 0, "it is the same domain");
    assert_eq!(stage.heard(LIST, "honest.example", 1, day(0).plus_ms(2)).await, 1);
    assert_eq!(stage.heard(OTHER, "forged.example", 7, day(0).plus_ms(3)).await, 5, "each list for itself");
    // Another day.
    let tomorrow = day(0).plus_ms(DAY_MS + 3_600_000);
    upkeep(&stage.app, tomorrow).await.unwrap();
    assert_eq!(stage.heard(LIST, "forged.example", 7, tomorrow).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sources_together_have_their_limit() {
    let (stage, _) = Stage::new().await;
    for number in 0..10 {
        assert_eq!(stage.heard(LIST, &format!("d{number}.example"), 6, day(0)).await, 5, "{number}");
    }
    assert_eq!(stage.heard(LIST, "late.example", 1, day(0)).await, 0);
}

/// Members are no strangers: they take nothing of what strangers have, and hear in any case.
#[tokio::test(flavor = "multi_thread")]
async fn members_do_not_count() {
    let (stage, list) = Stage::new().await;
    for number in 0..8 {
        join(&stage.app, &list, &format!("s{number}@home.example"), Role::Member, None).await;
    }
    let large = "x".repeat(2_000);
    set(&stage.app, &list, "max_message_kib", "1").await;
    for number in 0..8 {
        stage
            .post(LIST, &format!("s{number}@home.example"), &format!("{number}\r\nX-Long: {large}"), day(0))
            .await;
    }
    assert_eq!(stage.told("home.example", day(0)).await, 8);
    stage.post(LIST, "new@home.example", "stranger", day(0)).await;
    assert_eq!(stage.told("home.example", day(0)).await, 1);
}
