//! Bounces under a moved clock: days of vacation, posts that a filter refuses, addresses that are dead.

use crate::moved_clock::{
    OPENPGP, PLAIN, claimed, day, join, judge_due, key_row, make_plain_list, post_plain, set, site_in,
    site_with, store_plain,
};
use sealist_app::{App, BatchReport, Destination, Intake, record_results, send_due_summaries, upkeep};
use sealist_lists::model::{MAX_LOCAL_OCTETS, MailingList, MemberNo, Role, SubAddress};
use sealist_mail::{Address, Headers, SmtpStage, Timestamp};
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::deliveries::{DeliveryResult, DeliveryState};
use sealist_store::{bounce_scores, events, people, put_aside};
use tempfile::TempDir;

const MEMBERS: [&str; 4] = ["anne@x.example", "bart@x.example", "cris@y.example", "dora@y.example"];

/// What the next hop says to one recipient.
type Answer = fn(&str) -> Option<(SmtpStage, &'static str)>;

async fn stage(folder: &TempDir) -> (App, MailingList) {
    let app = site_in(folder.path()).await;
    let list = make_plain_list(&app, "team@lists.example").await;
    for member in MEMBERS {
        join(&app, &list, member, Role::Member, None).await;
    }
    join(&app, &list, "olga@x.example", Role::Owner, None).await;
    (app, list)
}

/// Posts, and settles as the next hop answers.
async fn post(app: &App, list: &MailingList, answer: Answer, now: Timestamp) {
    post_plain(app, list, now).await;
    while let Some((batch, ready)) = claimed(app, now).await {
        let mut results = ready.held.clone();
        for one in ready.copies.iter().flat_map(|copy| &copy.recipients) {
            let (state, refused_at, reply) = match answer(&one.email) {
                Some((stage, reply)) => (DeliveryState::Failed, Some(stage), reply),
                None => (DeliveryState::Sent, None, "250 ok"),
            };
            let (no, email) = (one.no, one.email.clone());
            results.push(DeliveryResult { no, email, state, reply: reply.into(), refused_at });
        }
        record_results(app, vec![BatchReport { results, ..batch }], now).await.unwrap();
    }
}

/// What the next hop is given.
struct Sent {
    to: Vec<String>,
    sender: String,
    message: Vec<u8>,
}

/// Takes what is due, and says of all that it is sent.
async fn deliver_all(app: &App, now: Timestamp) -> Vec<Sent> {
    let mut sent = Vec::new();
    while let Some((batch, ready)) = claimed(app, now).await {
        let mut results = ready.held.clone();
        for copy in &ready.copies {
            let to = copy.recipients.iter().map(|one| one.email.clone()).collect();
            let message = copy.pieces.concat();
            sent.push(Sent { to, sender: copy.sender.clone().unwrap_or_default(), message });
            for one in &copy.recipients {
                let (no, email) = (one.no, one.email.clone());
                let reply = "250 ok".to_owned();
                results.push(DeliveryResult {
                    no,
                    email,
                    state: DeliveryState::Sent,
                    reply,
                    refused_at: None,
                });
            }
        }
        record_results(app, vec![BatchReport { results, ..batch }], now).await.unwrap();
    }
    sent
}

/// A message arrives and is judged.
async fn arrive(app: &App, address: &str, sender: Option<&str>, message: &str, now: Timestamp) {
    let arrival = Destination::at(app, &address.parse().unwrap()).await.unwrap();
    let mut intake = Intake::begin(&arrival.unwrap(), sender).unwrap();
    intake.write(message.replace('\n', "\r\n").as_bytes()).unwrap();
    intake.commit(app, Intake::transaction(), now).await.unwrap();
    judge_due(app, now).await;
}

/// A report that a recipient failed, about that message.
fn report(about: &str, status: &str, message_id: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nWords.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {about}\nAction: failed\nStatus: {status}\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {message_id}\n\n--b--\n"
    )
}

/// The score of a member.
async fn score(app: &App, list: &MailingList, address: &str) -> u32 {
    let mut db = app.store().reader().await.unwrap();
    bounce_scores::score(&mut db, list.no, &address.parse().unwrap()).await.unwrap()
}

/// The members to whom no posts go any more.
async fn stopped(app: &App, list: &MailingList) -> Vec<String> {
    let mut db = app.store().reader().await.unwrap();
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
    check("a filter refuses each post", |_| Some((SmtpStage::Content, "554 5.7.1 spam")), &[]).await;
    check("a filter without a status", |_| Some((SmtpStage::Content, "550 no")), &[]).await;
    check(
        "for one alone",
        |to| to.starts_with("bart").then_some((SmtpStage::Content, "552 5.3.4 large")),
        &[],
    )
    .await;
    check("the sender is refused", |_| Some((SmtpStage::Sender, "550 5.1.1 no")), &[]).await;
    check("a relay that is closed", |_| Some((SmtpStage::Recipient, "550 relaying denied")), &[]).await;
    check("by policy", |_| Some((SmtpStage::Recipient, "550 5.7.1 no")), &[]).await;
    let bart: Answer =
        |to| to.starts_with("bart").then_some((SmtpStage::Recipient, "550 5.1.1 no such user"));
    check("no such user", bart, &["bart@x.example"]).await;
    let bare: Answer = |to| to.starts_with("bart").then_some((SmtpStage::Recipient, "550 unknown"));
    check("a bare refusal", bare, &["bart@x.example"]).await;
    let full: Answer = |to| to.starts_with("bart").then_some((SmtpStage::Content, "552 5.2.2 full"));
    check("a full mailbox, told late", full, &["bart@x.example"]).await;
    check("nobody lives there", |_| Some((SmtpStage::Recipient, "550 5.1.1 no such user")), all).await;
    check("all are full", |_| Some((SmtpStage::Content, "552 5.2.2 full")), &[]).await;
}

#[tokio::test]
async fn what_leaves_has_lines_that_servers_take() {
    let folder = TempDir::new().unwrap();
    let (app, list) = stage(&folder).await;
    let long = "x".repeat(3000);
    let outer = format!("From: x@y.example\r\nReferences: <1@x> <{long}@x> <2@x>\r\n");
    let html = format!("Content-Type: text/html\r\n\r\n{long}\r\n");
    store_plain(&app, &list, &outer, &html, day(0)).await;
    let (_, ready) = claimed(&app, day(0)).await.unwrap();
    let message = String::from_utf8(ready.copies[0].pieces.concat()).unwrap();
    assert!(message.lines().all(|line| line.len() <= 998));
    assert!(message.contains("References: <1@x> <2@x>\r\n"), "{message}");

    // What is signed stays as it is: no copy goes out, the owner hears why, and nobody is scored.
    let signed = format!("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n{long}\r\n--b--\r\n");
    for number in 1..9 {
        let at = day(number).plus_ms(number * 60_000);
        store_plain(&app, &list, "From: x@y.example\r\n", &signed, at).await;
        let mut sent = deliver_all(&app, at).await;
        let later = at.plus_ms(12 * 3_600_000);
        while send_due_summaries(&app, later).await.unwrap() {}
        sent.extend(deliver_all(&app, later).await);
        let to: Vec<&String> =
            sent.iter().flat_map(|copy| &copy.to).filter(|to| !MEMBERS.contains(&&to[..])).collect();
        assert_eq!(to, ["olga@x.example"], "day {number}");
    }
    assert!(stopped(&app, &list).await.is_empty());
}

/// The handle of a copy to Bart.
fn of_bart(sent: &[Sent]) -> String {
    let copy = sent.iter().find(|copy| copy.to == ["bart@x.example"]).unwrap();
    assert!(copy.sender.contains('+'), "{}", copy.sender);
    copy.sender.clone()
}

#[tokio::test]
async fn days_of_vacation_change_nothing() {
    let folder = TempDir::new().unwrap();
    let (app, list) = stage(&folder).await;
    set(&app, &list, "verp", "true").await;
    let vacation =
        "From: bart@x.example\nSubject: Away\nAuto-Submitted: auto-replied (vacation)\n\nI am away.\n";
    let late = report("bart@x.example", "4.4.1", "<x@y>").replace("Action: failed", "Action: delayed");
    for number in 0..10 {
        let at = day(number).plus_ms(number * 60_000);
        post_plain(&app, &list, at).await;
        let sender = of_bart(&deliver_all(&app, at).await);
        for answer in [vacation, &late] {
            arrive(&app, &sender, None, answer, at).await;
        }
        arrive(&app, &sender, Some("bart@x.example"), vacation, at).await;
        assert_eq!(score(&app, &list, "bart@x.example").await, 0, "day {number}");
    }
    assert!(stopped(&app, &list).await.is_empty());
    // The same days with reports that count.
    for number in 10..15 {
        let at = day(number).plus_ms(number * 60_000);
        post_plain(&app, &list, at).await;
        let sender = of_bart(&deliver_all(&app, at).await);
        for _ in 0..2 {
            arrive(&app, &sender.to_uppercase(), None, &report("b@other.example", "5.1.1", "<x@y>"), at)
                .await;
        }
    }
    assert_eq!(stopped(&app, &list).await, ["bart@x.example"]);
}

#[tokio::test]
async fn who_is_stopped_hears_how_posts_begin_again() {
    let folder = TempDir::new().unwrap();
    let (app, list) = stage(&folder).await;
    let bart: Answer =
        |to| to.starts_with("bart").then_some((SmtpStage::Recipient, "550 5.1.1 no such user"));
    for number in 0..5 {
        post(&app, &list, bart, day(number).plus_ms(number * 60_000)).await;
    }
    assert_eq!(stopped(&app, &list).await, ["bart@x.example"]);
    let mut told = Vec::new();
    for number in 5..60 {
        upkeep(&app, day(number)).await.unwrap();
        upkeep(&app, day(number)).await.unwrap();
        let sent = deliver_all(&app, day(number)).await;
        told.extend(sent.iter().filter(|copy| copy.to == ["bart@x.example"]).map(|_| number));
    }
    assert_eq!(told, [12, 19, 26]);
}

#[tokio::test]
async fn an_old_handle_counts_no_more() {
    let folder = TempDir::new().unwrap();
    let (app, list) = stage(&folder).await;
    set(&app, &list, "verp", "true").await;
    post_plain(&app, &list, day(0)).await;
    let sender = of_bart(&deliver_all(&app, day(0)).await);
    for (days, expected) in [(31, 0), (400, 0), (30, 1)] {
        arrive(&app, &sender, None, &report("bart@x.example", "5.1.1", "<x@y>"), day(days)).await;
        assert_eq!(score(&app, &list, "bart@x.example").await, expected, "after {days} days");
    }
}

#[tokio::test]
async fn what_a_filter_says_of_many_counts_for_nobody() {
    let folder = TempDir::new().unwrap();
    let (app, list) = stage(&folder).await;
    set(&app, &list, "verp", "true").await;
    for number in 0..10 {
        let at = day(number).plus_ms(number * 60_000);
        post_plain(&app, &list, at).await;
        for copy in deliver_all(&app, at).await {
            if copy.sender.contains('+') {
                arrive(&app, &copy.sender, None, &report(&copy.to[0], "5.7.1", "<x@y>"), at).await;
            }
        }
    }
    assert!(stopped(&app, &list).await.is_empty());
}

#[tokio::test]
async fn on_a_list_without_handles_one_copy_proves_a_report() {
    let folder = TempDir::new().unwrap();
    let (app, list) = stage(&folder).await;
    set(&app, &list, "default_nonmember_action", "accept").await;
    let common = "team-bounces@lists.example";
    let post = async |number: i64, at: Timestamp| {
        let mail = format!(
            "From: eve@z.example\nTo: team@lists.example\nMessage-ID: <{number}@z.example>\n\nWords.\n"
        );
        arrive(&app, "team@lists.example", Some("eve@z.example"), &mail, at).await;
        let mut sent = deliver_all(&app, at).await;
        sent.retain(|copy| !copy.sender.is_empty());
        sent
    };
    assert_eq!(post(1, day(0)).await.len(), 1, "all share a copy");
    let bart = "bart@x.example";
    // Of no message of ours, of no member, by nobody, and what is no failure.
    for nothing in [
        report(bart, "5.1.1", "<other@z.example>"),
        report("eve@z.example", "5.1.1", "<1@z.example>"),
        report(bart, "4.4.1", "<1@z.example>").replace("Action: failed", "Action: delayed"),
        format!(
            "From: {bart}\n\nFinal-Recipient: rfc822; {bart}\nAction: failed\nMessage-ID: <1@z.example>\n"
        ),
    ] {
        arrive(&app, common, None, &nothing, day(1)).await;
    }
    assert_eq!(post(2, day(1)).await.len(), 1, "nobody is in doubt");

    for _ in 0..3 {
        arrive(&app, common, None, &report("BART@x.example", "5.1.1", "<1@z.example>"), day(2)).await;
    }
    assert_eq!(score(&app, &list, bart).await, 0, "nothing is proved yet");
    let sent = post(3, day(2)).await;
    assert_eq!(sent.len(), 2, "one copy apart");
    let sender = of_bart(&sent);
    assert_eq!(post(4, day(2)).await.len(), 1, "of one post");
    arrive(&app, common, None, &report(bart, "5.1.1", "<3@z.example>"), day(3)).await;
    assert_eq!(post(5, day(3)).await.len(), 1, "at most once a week");
    arrive(&app, &sender, None, &report(bart, "5.1.1", "<3@z.example>"), day(3)).await;
    assert_eq!(score(&app, &list, bart).await, 1, "the copy with the handle counts");

    // One member a report, and messages of the last two weeks alone.
    let both = report(bart, "5.1.1", "<5@z.example>").replace(
        "\n\n--b\nContent-Type: text",
        "\n\nFinal-Recipient: rfc822; cris@y.example\nAction: failed\n\n--b\nContent-Type: text",
    );
    arrive(&app, common, None, &both, day(10)).await;
    assert_eq!(post(6, day(10)).await.len(), 2);
    arrive(&app, common, None, &report("dora@y.example", "5.1.1", "<5@z.example>"), day(18)).await;
    assert_eq!(post(7, day(18)).await.len(), 1);
    upkeep(&app, day(18)).await.unwrap();
    arrive(&app, common, None, &report("dora@y.example", "5.1.1", "<6@z.example>"), day(18)).await;
    assert_eq!(post(8, day(18)).await.len(), 2);
}

/// Many members share one message: whom a report names gets the next one alone.
#[tokio::test]
async fn on_a_list_with_bulk_messages_too() {
    for verp in ["false", "true"] {
        let (app, mut list, _folder) = site_with(OPENPGP, "team@lists.example").await;
        for member in MEMBERS {
            let person = Person::new(member, Kind::Curve25519, day(-20));
            let row = key_row(&app, &person, &member.parse::<Address>().unwrap().key(), day(-5));
            join(&app, &list, member, Role::Member, Some(row)).await;
        }
        for (name, value) in [
            ("delivery", "bulk"),
            ("verp", verp),
            ("unsigned_msg_action", "accept"),
            ("nonencrypted_msg_action", "accept"),
            ("default_nonmember_action", "accept"),
        ] {
            list = set(&app, &list, name, value).await;
        }
        let post = async |number: i64, at: Timestamp| {
            let mail = format!(
                "From: eve@z.example\nTo: team@lists.example\nSubject: x\nMessage-ID: <{number}@z.example>\n\nWords.\n"
            );
            arrive(&app, "team@lists.example", Some("eve@z.example"), &mail, at).await;
            let mut sent = deliver_all(&app, at).await;
            sent.retain(|copy| !copy.sender.is_empty());
            sent
        };
        let sent = post(1, day(0)).await;
        assert_eq!(sent.len(), 1, "all share a copy");
        let headers = Headers::parse(&sent[0].message).0;
        let id = headers.text("message-id").unwrap();
        arrive(&app, "team-bounces@lists.example", None, &report("bart@x.example", "5.1.1", &id), day(1))
            .await;
        assert_eq!(score(&app, &list, "bart@x.example").await, 0, "nothing is proved yet");
        let sent = post(2, day(2)).await;
        assert_eq!(sent.len(), 2, "one copy apart, verp {verp}");
        let sender = of_bart(&sent);
        assert_eq!(post(3, day(3)).await.len(), 1, "of one post");
        arrive(&app, &sender, None, &report("bart@x.example", "5.1.1", &id), day(3)).await;
        assert_eq!(score(&app, &list, "bart@x.example").await, 1);
    }
}

/// Who is stopped when stands in the audit, and what was put aside is counted.
#[tokio::test]
async fn what_happens_at_the_bounce_address_can_be_looked_up() {
    let folder = TempDir::new().unwrap();
    let (app, mut list) = stage(&folder).await;
    for (name, value) in [("verp", "true"), ("bounce_score_threshold", "1"), ("verp_probes", "false")] {
        list = set(&app, &list, name, value).await;
    }
    post_plain(&app, &list, day(0)).await;
    let sender = of_bart(&deliver_all(&app, day(0)).await);
    let (common, bart) = ("team-bounces@lists.example", "bart@x.example");
    let vacation = format!("From: {bart}\nSubject: Away\nAuto-Submitted: auto-replied\n\nI am away.\n");
    let late = report(bart, "4.4.1", "<x@y>").replace("Action: failed", "Action: delayed");
    let aside = [
        (&*sender, vacation.as_str(), "auto-reply"),
        (common, vacation.as_str(), "auto-reply"),
        (&*sender, late.as_str(), "bounce"),
        (common, &report(bart, "5.1.1", "<unknown@y>"), "bounce"),
        ("team-bounces+forged@lists.example", &report(bart, "5.1.1", "<x@y>"), "bounce"),
    ];
    for (to, message, _) in aside {
        arrive(&app, to, None, message, day(1)).await;
    }
    let stopped_at = async || {
        let events =
            events::newest(&mut app.store().reader().await.unwrap(), Some(list.no), 99).await.unwrap();
        events
            .into_iter()
            .filter(|one| one.event.kind.name() == "delivery-stopped")
            .map(|one| one.event.subject.unwrap().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(stopped_at().await, [""; 0]);
    for _ in 0..2 {
        arrive(&app, &sender, None, &report(bart, "5.1.1", "<x@y>"), day(1)).await;
    }
    assert_eq!(stopped_at().await, [bart]);
    let counted = put_aside::counts(&mut app.store().reader().await.unwrap(), list.no, day(1)).await.unwrap();
    let count = |name| i64::try_from(aside.iter().filter(|(_, _, reason)| *reason == name).count()).unwrap();
    assert_eq!(
        counted,
        [("auto-reply".to_owned(), count("auto-reply")), ("bounce".to_owned(), count("bounce"))]
    );
    // The next hop refuses members at once.
    let gone: Answer = |_| Some((SmtpStage::Recipient, "550 5.1.1 nobody here"));
    post(&app, &list, gone, day(3)).await;
    let mut all = stopped_at().await;
    all.sort();
    assert_eq!(all, MEMBERS);
}

#[tokio::test]
async fn a_long_name_has_bounces_and_confirmations() {
    let (app, list, _folder) =
        site_with(PLAIN, &format!("{}@lists.example", "n".repeat(MAX_LOCAL_OCTETS))).await;
    set(&app, &list, "verp", "true").await;
    join(&app, &list, "bart@x.example", Role::Member, None).await;
    post_plain(&app, &list, day(0)).await;
    let sender = of_bart(&deliver_all(&app, day(0)).await);
    assert!(sender.starts_with("_b+") && sender.find('@').unwrap() <= 64, "{sender}");
    arrive(&app, &sender.to_uppercase(), None, &report("bart@x.example", "5.1.1", "<x@y>"), day(0)).await;
    assert_eq!(score(&app, &list, "bart@x.example").await, 1);

    let token = "abcdefghijklmnopqrstuvwxyz234567";
    let confirm = list.confirm(token);
    assert!(confirm.local().len() <= 64, "{confirm}");
    let arrival = Destination::at(&app, &confirm).await.unwrap().unwrap();
    assert_eq!(
        (arrival.list.no, arrival.sub_address, arrival.detail.as_deref()),
        (list.no, SubAddress::Confirm, Some(token))
    );
    for nobody in [
        sender.replace("lists.example", "other.example"),
        "_b+abcdefghijklmnopqrstuvwxyz234567@lists.example".into(),
        format!("_c+99.{token}@lists.example"),
        format!("_c+{token}@lists.example"),
    ] {
        assert!(Destination::at(&app, &nobody.parse().unwrap()).await.unwrap().is_none(), "{nobody}");
    }
}

#[tokio::test]
async fn what_a_person_writes_reaches_the_owners() {
    let folder = TempDir::new().unwrap();
    let (app, list) = stage(&folder).await;
    set(&app, &list, "verp", "true").await;
    post_plain(&app, &list, day(0)).await;
    let sender = of_bart(&deliver_all(&app, day(0)).await);
    for to in ["team-bounces@lists.example", &sender] {
        arrive(
            &app,
            to,
            Some("bart@x.example"),
            "From: bart@x.example\nSubject: Hello\n\nIs anybody here?\n",
            day(0),
        )
        .await;
        let sent = deliver_all(&app, day(0)).await;
        let to: Vec<&String> = sent.iter().flat_map(|copy| &copy.to).collect();
        assert_eq!(to, ["olga@x.example"]);
    }
    assert_eq!(score(&app, &list, "bart@x.example").await, 0);
}
