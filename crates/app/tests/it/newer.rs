//! What a newer version wrote stands in one place for the people who run the site.

use crate::moved_clock::{
    OPENPGP, PLAIN, day, deliver, make_plain_list, receive_from, set, set_setting, site_with,
};
use sealist_app::{App, NotKnown, NotKnownKind, PageRange};
use sealist_lists::model::{RequestNo, Role};
use sealist_store::requests::{self, Request};
use sealist_store::transaction;
use sealist_store::{people, testing};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_named_by_list() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    let plain = make_plain_list(&app, "walks@lists.example").await;
    let not_known = async || app.as_operator().lists().not_known().await.unwrap();
    assert_eq!(not_known().await, []);
    let written = app.store().write(transaction!(|db| {
        let ban = "INSERT INTO bans (pattern, created_at) VALUES ('/eve/', 1)";
        testing::write_as_newer(&mut *db, ban).await?;
        let site = "UPDATE preferences SET delivery_status = 'on_holiday' WHERE level = 'site'";
        testing::write_as_newer(&mut *db, site).await?;
        testing::write_style(&mut *db, list.no, "pgp-of-the-future").await?;
        testing::write_style(&mut *db, plain.no, "plain-of-the-future").await?;
        testing::write_setting(db, plain.no, "colour", "\"blue\"").await
    }));
    written.await.unwrap();
    let style = |name: &str, in_place| NotKnownKind::Style { name: name.to_owned(), in_place };
    let value = |what, value: &str| NotKnownKind::Value { what, value: value.to_owned() };
    let expected = [
        ("team@lists.example", style("pgp-of-the-future", OPENPGP)),
        ("walks@lists.example", style("plain-of-the-future", PLAIN)),
        ("walks@lists.example", NotKnownKind::Setting { name: "colour".to_owned() }),
        ("", value("delivery_status", "on_holiday")),
        ("", value("ban", "/eve/")),
    ];
    assert_eq!(not_known().await, expected.map(|(list, kind)| NotKnown { list: list.to_owned(), kind }));
}

const ANNE: &str = "anne@x.example";

/// What the newer version makes of a request: a step that is not known here, first, last, or alone.
const STEPS: [&[&str]; 3] = [
    &["do-it", "confirmation-checks", "moon-checks"],
    &["moon-checks", "confirmation-checks"],
    &["moon-checks"],
];

async fn waiting(app: &App) -> Vec<Request> {
    let mut db = app.store().reader().await.unwrap();
    requests::waiting(&mut db, None, RequestNo(0), 10).await.unwrap()
}

/// Makes the steps that a request has left those.
async fn rewrite(app: &App, request: &Request, steps: &[&str]) {
    let mut run = request.run.clone();
    run.steps = steps.iter().map(|step| (*step).to_owned()).collect();
    let (no, run) = (request.no, serde_json::to_string(&run).unwrap());
    let written = app.store().write(transaction!(|db| testing::write_run(db, no, &run).await));
    written.await.unwrap();
}

async fn send(app: &App, to: &str) -> Vec<String> {
    let message = format!("From: {ANNE}\r\nTo: {to}\r\nSubject: x\r\n\r\nx\r\n");
    receive_from(app, ANNE, to, message.as_bytes(), day(0)).await;
    let mail = deliver(app, day(0)).await;
    mail.iter().map(|one| String::from_utf8_lossy(&one.message).into_owned()).collect()
}

/// Asks to join, and returns the address that answers the question.
async fn ask(app: &App) -> String {
    let asked = send(app, "walks-join@lists.example").await.remove(0);
    let token = asked.split("-confirm+").nth(1).unwrap();
    let token: String = token.chars().take_while(char::is_ascii_alphanumeric).collect();
    format!("walks-confirm+{token}@lists.example")
}

/// A request with a step of a newer version is not lost by an answer here: it waits as it is, and the newer
/// version goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_the_version_that_knows_its_steps() {
    for steps in STEPS {
        let (app, list, _folder) = site_with(PLAIN, "walks@lists.example").await;
        let answer = ask(&app).await;
        let asked = waiting(&app).await.remove(0);
        rewrite(&app, &asked, steps).await;
        let told = send(&app, &answer).await;
        assert!(told.len() == 1 && told[0].contains("before its software is"), "{steps:?}: {told:?}");
        let [halted] = &waiting(&app).await[..] else { panic!("{steps:?}: it is gone") };
        assert!(halted.run.steps == steps && !halted.run.confirmed, "{halted:?}");
        let expected =
            NotKnown { list: list.name.to_string(), kind: NotKnownKind::Request { number: asked.no.0 } };
        assert_eq!(app.as_operator().lists().not_known().await.unwrap(), [expected]);
        // The version that knows the steps takes the same answer.
        let known: Vec<&str> = asked.run.steps.iter().map(String::as_str).collect();
        rewrite(&app, &asked, &known).await;
        send(&app, &answer).await;
        assert_eq!(waiting(&app).await.len(), 0, "{steps:?}");
        let mut db = app.store().reader().await.unwrap();
        assert_eq!(people::count_of_role(&mut db, list.no, Role::Member).await.unwrap(), 1, "{steps:?}");
    }
}

/// A moderator cannot approve what this version does not know, which changes nothing; but can refuse it.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_unknown_steps_is_only_refused() {
    let (app, list, _folder) = site_with(PLAIN, "walks@lists.example").await;
    set(&app, &list, "subscription_policy", "moderate").await;
    let answer = ask(&app).await;
    send(&app, &answer).await;
    let asked = waiting(&app).await.remove(0);
    assert_eq!(asked.question, "approval");
    rewrite(&app, &asked, &["do-it", "moon-checks", "moderation-checks"]).await;
    let shown =
        &app.as_operator().at(day(0)).requests().of(&list.name, &ANNE.parse().unwrap()).await.unwrap()[0];
    assert_eq!(shown.unknown_steps, ["moon-checks"]);
    let events = async || app.as_operator().events().newest(None, 99).await.unwrap();
    let before = events().await.len();
    let halted = waiting(&app).await.remove(0);
    let refused = app.as_operator().at(day(0)).requests().approve(halted.no).await.unwrap_err();
    assert!(refused.to_string().contains("not-known-yet"), "{refused}");
    assert_eq!((waiting(&app).await.len(), events().await.len()), (1, before));
    app.as_operator().at(day(0)).requests().reject(halted.no, "").await.unwrap();
    assert_eq!((waiting(&app).await.len(), events().await.len()), (0, before + 1));
    assert_eq!(events().await[0].event, "request-refused");
    assert_eq!(deliver(&app, day(0)).await.len(), 1, "the person hears of it");
}

/// Whatever a setting names: whoever asks hears it once, no mail is tried again, and the other settings can
/// be changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_nobody_defines_stops_only_what_it_is_for() {
    const NAME: &str = "walks@lists.example";
    let member: [(&str, &str); 3] = [
        ("subscription_policy", "walks-join@lists.example"),
        ("unsubscription_policy", "walks-leave@lists.example"),
        ("command_workflow", "walks-request@lists.example"),
    ];
    for (setting, to) in member {
        let (app, list, _folder) = site_with(PLAIN, NAME).await;
        set(&app, &list, "confirmed_commands", "[\"help\"]").await;
        let written = app.store().write(transaction!(|db| {
            testing::write_setting(db, list.no, setting, "\"policy-of-the-future\"").await
        }));
        written.await.unwrap();
        let message = format!("From: {ANNE}\r\nTo: {to}\r\nSubject: help\r\n\r\nhelp\r\n");
        receive_from(&app, ANNE, to, message.as_bytes(), day(0)).await;
        let mail = deliver(&app, day(0)).await;
        let told: Vec<_> =
            mail.iter().map(|one| String::from_utf8_lossy(&one.message).into_owned()).collect();
        assert!(told.len() == 1 && told[0].contains("write to the owners"), "{setting}: {told:?}");
        assert_eq!(app.as_operator().messages().page(PageRange::ALL).await.unwrap().total, 0, "{setting}");
        let kind = NotKnownKind::Workflow { setting, name: "policy-of-the-future".to_owned() };
        let expected = NotKnown { list: NAME.to_owned(), kind };
        assert_eq!(app.as_operator().lists().not_known().await.unwrap(), [expected]);
        let mut list = list;
        set_setting(&app, &mut list, "footer", "x", day(0)).await.unwrap();
        set_setting(&app, &mut list, setting, "policy-of-the-future-2", day(0)).await.unwrap_err();
        set_setting(&app, &mut list, setting, "moderate", day(0)).await.unwrap();
        assert_eq!(app.as_operator().lists().not_known().await.unwrap(), []);
    }
}
