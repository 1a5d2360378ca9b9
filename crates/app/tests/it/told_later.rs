//! Limits on notices to those in charge gather facts: each is told once, and can be answered.

use std::collections::BTreeSet;

use crate::moved_clock::{Mail, PLAIN, day, deliver, join, receive, set_setting, site_with};
use sealist_app::App;
use sealist_lists::model::{MailingList, Role};
use sealist_mail::{Entity, Timestamp, first_text};
use sealist_store::people;
use tempfile::TempDir;

const OLGA: &str = "olga@example.org";
/// More than those in charge are asked about one by one.
const JOINERS: usize = 54;

struct Stage {
    app: App,
    list: MailingList,
    _folder: TempDir,
}

impl Stage {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let (app, mut list, folder) = site_with(PLAIN, "plain@lists.example").await;
        for (name, value) in settings {
            set_setting(&app, &mut list, name, value, day(-3)).await.unwrap();
        }
        join(&app, &list, OLGA, Role::Owner, None).await;
        Self { app, list, _folder: folder }
    }

    async fn mail(&self, from: &str, to: &str, words: &str, now: Timestamp) -> Vec<Mail> {
        let mail = format!("From: {from}\r\nTo: {to}\r\nSubject: x\r\n\r\n{words}\r\n");
        receive(&self.app, to, mail.as_bytes(), now).await;
        deliver(&self.app, now).await
    }

    /// All that came while an address asked and answered.
    async fn ask(&self, address: &str, sub_address: &str, now: Timestamp) -> Vec<Mail> {
        let mut all = self.mail(address, &format!("plain-{sub_address}@lists.example"), "", now).await;
        let question = all.iter().find(|one| one.to == address).unwrap();
        let message = String::from_utf8_lossy(&question.message).into_owned();
        let line = message.lines().find(|line| line.starts_with("Reply-To: ")).unwrap();
        let to = line["Reply-To: ".len()..].trim_matches(['<', '>', ' ']).to_owned();
        all.extend(self.mail(address, &to, "", now).await);
        all
    }

    /// How many members there are.
    async fn members(&self) -> usize {
        let mut db = self.app.store().reader().await.unwrap();
        let after = sealist_lists::model::MemberNo(0);
        people::roster(&mut db, self.list.no, Role::Member, after, 1000).await.unwrap().len()
    }
}

fn joiner(number: usize) -> String {
    format!("j{number}@example.org")
}

fn to_olga(mail: &[Mail]) -> Vec<String> {
    let own = mail.iter().filter(|one| one.to == OLGA);
    own.map(|one| first_text(&Entity::parse(&one.message)).to_string()).collect()
}

/// In the lines of which texts an address stands.
fn tells(texts: &[String], address: &str) -> usize {
    texts.iter().filter(|text| text.lines().any(|line| line.trim() == address)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_and_who_left_is_told_once() {
    let settings = [("admin_notify_mchanges", "true"), ("summary_pause_min", "60")];
    let stage = Stage::new(&settings).await;
    for sub_address in ["join", "leave"] {
        let mut heard = Vec::new();
        for number in 0..20 {
            heard.extend(stage.ask(&joiner(number), sub_address, day(0)).await);
        }
        assert_eq!(stage.members().await, if sub_address == "join" { 20 } else { 0 });
        let at_once = to_olga(&heard);
        assert_eq!(at_once.len(), 5, "{sub_address}");
        let later = to_olga(&deliver(&stage.app, day(0).plus_ms(60 * 60_000)).await);
        assert_eq!(later.len(), 1, "{sub_address}: {later:?}");
        let all = [at_once, later].concat();
        for number in 0..20 {
            assert_eq!(tells(&all, &joiner(number)), 1, "{sub_address} {number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_told_with_a_token() {
    let settings = [("subscription_policy", "moderate"), ("summary_pause_min", "60")];
    let stage = Stage::new(&settings).await;
    let mut heard = Vec::new();
    for number in 0..JOINERS {
        heard.extend(stage.ask(&joiner(number), "join", day(0)).await);
    }
    heard.extend(deliver(&stage.app, day(0).plus_ms(60 * 60_000)).await);
    let heard = to_olga(&heard);
    assert!(heard.len() < JOINERS, "the last ones are told together");
    let mut tokens = BTreeSet::new();
    for text in &heard {
        tokens.extend(text.lines().filter_map(|line| line.trim().strip_prefix("approve ")));
    }
    assert_eq!(tokens.len(), JOINERS, "each can be answered");
    assert!((0..JOINERS).all(|number| heard.iter().any(|text| text.contains(&joiner(number)))));
    for (number, token) in tokens.iter().enumerate().skip(JOINERS - 8) {
        let before = stage.members().await;
        let answer = format!("approve {token}");
        stage.mail(OLGA, "plain-request@lists.example", &answer, day(0).plus_ms(61 * 60_000)).await;
        assert_eq!(stage.members().await, before + 1, "{number}");
    }
}
