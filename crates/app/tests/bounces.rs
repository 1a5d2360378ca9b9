//! Bounces under a moved clock: days of vacation, posts that a filter refuses, addresses that are dead.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod moved_clock;

use moved_clock::{day, join, make_plain_list, post_plain, site_in};
use sealist_app::{App, Report, Together, prepare, settle};
use sealist_lists::model::{MailingList, MemberNo, Role};
use sealist_mail::{Stage, Timestamp};
use sealist_store::deliveries::{self, Settled, State};
use sealist_store::{StoreError, people, posts};
use tempfile::TempDir;

const MEMBERS: [&str; 4] = ["anne@x.example", "bart@x.example", "cris@y.example", "dora@y.example"];

/// What the next hop says to one recipient.
type Answer = fn(&str) -> Option<(Stage, &'static str)>;

async fn stage(folder: &TempDir) -> (App, MailingList) {
    let app = site_in(folder.path()).await;
    let list = make_plain_list(&app, "team@lists.example").await;
    for member in MEMBERS {
        join(&app, &list, member, Role::Member, None).await;
    }
    join(&app, &list, "olga@x.example", Role::Owner, None).await;
    (app, list)
}

/// Posts, and settles as the next hop answers; whom the post went to.
async fn post(app: &App, list: &MailingList, answer: Answer, now: Timestamp) -> Vec<String> {
    post_plain(app, list, now).await;
    let mut to = Vec::new();
    loop {
        let claimant = app.claimant();
        let node = claimant.node;
        let claimed = app.store.write(move |db| {
            Box::pin(async move {
                let made = posts::fan_out(&mut *db, 500, now).await?;
                Ok::<_, StoreError>((made, deliveries::claim(db, &claimant, 500, now).await?))
            })
        });
        let batch = match claimed.await.unwrap() {
            (None, None) => return to,
            (_, None) => continue,
            (_, Some(batch)) => batch,
        };
        let (list, kind) = (batch.list, batch.kind);
        let ready = prepare(app, batch, Together::Anybody(50), now).await.unwrap();
        let mut results = ready.held.clone();
        for one in ready.copies.iter().flat_map(|copy| &copy.recipients) {
            to.push(one.email.clone());
            let (state, refused_at, reply) = match answer(&one.email) {
                Some((stage, reply)) => (State::Failed, Some(stage), reply),
                None => (State::Sent, None, "250 ok"),
            };
            results.push(Settled {
                no: one.no,
                email: one.email.clone(),
                state,
                reply: reply.into(),
                refused_at,
            });
        }
        settle(app, vec![Report { node, list, kind, results }], now).await.unwrap();
    }
}

/// The members to whom no posts go any more.
async fn stopped(app: &App, list: &MailingList) -> Vec<String> {
    let mut db = app.store.reader().await.unwrap();
    let roster = people::roster(&mut db, list.no, Role::Member, MemberNo(0), 9).await.unwrap();
    let enabled = sealist_lists::model::DeliveryStatus::Enabled;
    roster
        .iter()
        .filter(|member| member.preferences.delivery_status != enabled)
        .map(|member| member.address.to_string())
        .collect()
}

/// Ten days with a post each that the next hop answers so; who is stopped then.
async fn check(name: &str, answer: Answer, expected: &[&str]) {
    let folder = TempDir::new().unwrap();
    let (app, list) = stage(&folder).await;
    for number in 0..10 {
        let at = day(number).plus_ms(number * 60_000);
        post(&app, &list, answer, at).await;
    }
    assert_eq!(stopped(&app, &list).await, expected, "{name}");
}

#[tokio::test]
async fn a_refusal_counts_against_whom_it_concerns() {
    let all = &MEMBERS;
    check("all is well", |_| None, &[]).await;
    check("a filter refuses each post", |_| Some((Stage::Content, "554 5.7.1 spam")), &[]).await;
    check("a filter without a status", |_| Some((Stage::Content, "550 no")), &[]).await;
    check("for one alone", |to| to.starts_with("bart").then_some((Stage::Content, "552 5.3.4 large")), &[])
        .await;
    check("the sender is refused", |_| Some((Stage::Sender, "550 5.1.1 no")), &[]).await;
    check("a relay that is closed", |_| Some((Stage::Recipient, "550 relaying denied")), &[]).await;
    check("by policy", |_| Some((Stage::Recipient, "550 5.7.1 no")), &[]).await;
    let bart: Answer = |to| to.starts_with("bart").then_some((Stage::Recipient, "550 5.1.1 no such user"));
    check("no such user", bart, &["bart@x.example"]).await;
    let bare: Answer = |to| to.starts_with("bart").then_some((Stage::Recipient, "550 unknown"));
    check("a bare refusal", bare, &["bart@x.example"]).await;
    let full: Answer = |to| to.starts_with("bart").then_some((Stage::Content, "552 5.2.2 full"));
    check("a full mailbox, told late", full, &["bart@x.example"]).await;
    check("nobody lives there", |_| Some((Stage::Recipient, "550 5.1.1 no such user")), all).await;
    check("all are full", |_| Some((Stage::Content, "552 5.2.2 full")), &[]).await;
}
