//! What an admin is shown of a message by its number, whatever became of it, and of the mail of an address.

use std::collections::BTreeMap;

use crate::moved_clock::{
    OPENPGP, PLAIN, claimed, day, join, judge_due, key_row, make_list, make_plain_list, receive_from, set,
    site_in, site_on_postgres,
};
use sealist_app::{
    AddressTrace, App, AppError, BatchReport, CopyState, ErrorKind, MessageDecision, MessageTrace, PageRange,
    record_results, send_due_summaries, upkeep,
};
use sealist_lists::model::{EntryNo, MailingList, Role};
use sealist_mail::{SmtpStage, Timestamp};
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::deliveries::{DeliveryResult, DeliveryState};
use tempfile::TempDir;

/// Stories that are the same on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                let folder = super::TempDir::new().unwrap();
                super::$story(super::site_in(folder.path()).await).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story(super::site_on_postgres().await).await;
            })+
        }
    };
}

on_both! { every_fate_is_found, copies_are_found_in_each_state, an_address_has_its_mail }

const LIST: &str = "team@lists.example";
const REQUEST: &str = "team-request@lists.example";
const ANNE: &str = "anne@x.example";
const STRANGER: &str = "s@far.example";

/// A list with Olga, its owner, and the member Anne.
async fn list(app: &App, style: &str) -> MailingList {
    let list = match style {
        PLAIN => make_plain_list(app, LIST).await,
        _ => make_list(app, LIST).await,
    };
    join(app, &list, "olga@x.example", Role::Owner, None).await;
    if style == PLAIN {
        join(app, &list, ANNE, Role::Member, None).await;
    }
    list
}

async fn mail(app: &App, from: &str, to: &str, text: &str, now: Timestamp) -> EntryNo {
    let message = format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {text}\r\nMessage-ID: <{}@x>\r\nDate: Thu, 28 May 2026 20:26:40 +0000\r\n\r\n{text}\r\n",
        text.len()
    );
    receive_from(app, from, to, message.as_bytes(), now).await
}

/// What the next hop does with copies, by their recipients.
fn answer(email: &str) -> (DeliveryState, &'static str, Option<SmtpStage>) {
    match email.split('@').next().unwrap() {
        "cris" => (DeliveryState::Due(day(1)), "451 4.3.0 later\r\nmuch later", Some(SmtpStage::Content)),
        "dora" => (DeliveryState::Failed, "550 5.7.1 not here", Some(SmtpStage::Content)),
        "emil" => (DeliveryState::Failed, "450 4.2.1 never", Some(SmtpStage::Content)),
        _ => (DeliveryState::Sent, "250 2.0.0 Ok: queued as 4XyZ12", None),
    }
}

async fn send_all(app: &App, now: Timestamp) {
    loop {
        while let Some((batch, ready)) = claimed(app, now).await {
            let mut results = ready.held.clone();
            for one in ready.copies.iter().flat_map(|copy| &copy.recipients) {
                let (state, reply, refused_at) = answer(&one.email);
                let (no, email) = (one.no, one.email.clone());
                results.push(DeliveryResult { no, email, state, reply: reply.into(), refused_at });
            }
            record_results(app, vec![BatchReport { results, ..batch }], now).await.unwrap();
        }
        if !send_due_summaries(app, now).await.unwrap() && claimed_nothing(app, now).await {
            return;
        }
    }
}

/// Whether nothing is due any more.
async fn claimed_nothing(app: &App, now: Timestamp) -> bool {
    let claimant = app.claimant();
    let mut db = app.store().reader().await.unwrap();
    !sealist_store::deliveries::is_due(&mut db, &claimant, now).await.unwrap()
}

async fn trace(app: &App, entry: EntryNo) -> MessageTrace {
    app.as_operator().traces().message(entry, PageRange::ALL).await.unwrap()
}

async fn decide(app: &App, entry: EntryNo, decision: MessageDecision, now: Timestamp) {
    app.as_operator().at(now).messages().decide(entry, decision).await.unwrap();
    judge_due(app, now).await;
}

/// What a trace must say.
struct Expected<'e> {
    state: &'e str,
    reason: Option<&'e str>,
    events: &'e [&'e str],
    sent: &'e [&'e str],
}

/// The trace says so now, after everything is sent, and after the upkeep packed it.
async fn check(app: &App, entry: EntryNo, now: Timestamp, expected: Expected<'_>) {
    send_all(app, now).await;
    for round in ["before the upkeep", "behind it"] {
        let found = trace(app, entry).await;
        let what = format!("{} {round}: {found:?}", expected.state);
        assert_eq!(found.state, expected.state, "{what}");
        assert_eq!(found.done_at.is_some(), expected.state != "hold", "{what}");
        assert_eq!(found.reasons.first().map(|reason| reason.name()), expected.reason, "{what}");
        let events: Vec<&str> = found.events.iter().map(|event| event.event.as_str()).collect();
        assert_eq!(events, expected.events, "{what}");
        let sent: Vec<&str> = found.sendings.iter().map(|sending| sending.kind.as_str()).collect();
        assert_eq!(sent, expected.sent, "{what}");
        for sending in &found.sendings {
            assert_eq!(sending.copies.entries[0].queue_id.as_deref(), Some("4XyZ12"), "{what}");
        }
        upkeep(app, now).await.unwrap();
    }
}

async fn every_fate_is_found(app: App) {
    let mut list = list(&app, PLAIN).await;
    const HELD: [&str; 1] = ["hold-begun"];
    let none = || Expected { state: "accepted", reason: None, events: &[], sent: &["posting"] };

    let entry = mail(&app, ANNE, LIST, "a", day(0)).await;
    check(&app, entry, day(0), none()).await;
    assert_eq!(trace(&app, entry).await.sendings[0].post_number, Some(1));

    let reason = Some("nonmember");
    let entry = mail(&app, STRANGER, LIST, "to be accepted", day(0)).await;
    check(
        &app,
        entry,
        day(0),
        Expected { state: "hold", reason, events: &HELD, sent: &["notice", "notice"] },
    )
    .await;
    decide(&app, entry, MessageDecision::Accept, day(0)).await;
    let (events, sent) = (["hold-begun", "hold-accepted"], ["notice", "notice", "posting"]);
    let state = "accepted-by-moderator";
    check(&app, entry, day(0), Expected { state, reason, events: &events, sent: &sent }).await;

    let entry = mail(&app, STRANGER, LIST, "to be rejected by Olga", day(0)).await;
    decide(&app, entry, MessageDecision::Reject("No.".to_owned()), day(0)).await;
    let state = "rejected-by-moderator";
    let events = ["hold-begun", "hold-rejected"];
    let found = trace(&app, entry).await;
    assert_eq!(found.sendings.len(), 1, "the author is told: {found:?}");
    send_all(&app, day(0)).await;
    let found = trace(&app, entry).await;
    let names: Vec<&str> = found.events.iter().map(|event| event.event.as_str()).collect();
    assert_eq!((found.state.as_str(), &names[..]), (state, &events[..]));

    let entry = mail(&app, STRANGER, LIST, "to be discarded", day(0)).await;
    decide(&app, entry, MessageDecision::Discard, day(0)).await;
    assert_eq!(trace(&app, entry).await.state, "discarded-by-moderator");

    let entry = mail(&app, ANNE, REQUEST, "help", day(0)).await;
    check(&app, entry, day(0), Expected { state: "answered", sent: &["notice"], ..none() }).await;

    let message =
        format!("From: x@mx.example\r\nTo: {LIST}\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n");
    let entry =
        receive_from(&app, "x@mx.example", "team-bounces@lists.example", message.as_bytes(), day(0)).await;
    let reason = Some("auto-reply");
    check(&app, entry, day(0), Expected { state: "bounce", reason, events: &[], sent: &[] }).await;

    list = set(&app, &list, "default_member_action", "reject").await;
    let entry = mail(&app, ANNE, LIST, "rejected by the rules", day(0)).await;
    let found = trace(&app, entry).await;
    assert_eq!((found.state.as_str(), found.sendings.len()), ("rejected", 1), "{found:?}");

    list = set(&app, &list, "default_nonmember_action", "discard").await;
    let entry = mail(&app, STRANGER, LIST, "discarded by the rules", day(0)).await;
    let found = trace(&app, entry).await;
    assert_eq!((found.state.as_str(), found.sendings.len()), ("discarded", 0), "{found:?}");

    list = set(&app, &list, "default_nonmember_action", "hold").await;
    list = set(&app, &list, "max_held_messages", "1").await;
    let dropped = mail(&app, STRANGER, LIST, "gives way", day(0)).await;
    let expired = mail(&app, STRANGER, LIST, "the one that stays", day(0)).await;
    assert_eq!(trace(&app, dropped).await.state, "hold-dropped");
    set(&app, &list, "max_days_to_hold", "3").await;
    upkeep(&app, day(4)).await.unwrap();
    assert_eq!(trace(&app, expired).await.state, "hold-expired");

    let unknown = app.as_operator().traces().message(EntryNo(4711), PageRange::ALL).await.unwrap_err();
    assert_eq!((unknown.kind(), unknown.to_string().contains("4711")), (ErrorKind::NotFound, true));
    send_all(&app, day(4)).await;
    upkeep(&app, day(4)).await.unwrap();
    assert_eq!(trace(&app, dropped).await.state, "hold-dropped", "four days are not seven");
    upkeep(&app, day(12)).await.unwrap();
    for number in 1..=expired.0 {
        let gone = app.as_operator().traces().message(EntryNo(number), PageRange::ALL).await;
        assert!(matches!(gone, Err(AppError::NoTrace { .. })), "message {number} stays");
    }
    assert_eq!(of(&app, ANNE).await.len() + of(&app, STRANGER).await.len(), 0, "no copy stays");
}

async fn of(app: &App, address: &str) -> Vec<AddressTrace> {
    let page = app.as_operator().traces().address(&address.parse().unwrap(), PageRange::ALL).await.unwrap();
    assert_eq!(page.total, page.entries.len());
    page.entries
}

async fn copies_are_found_in_each_state(app: App) {
    let list = list(&app, OPENPGP).await;
    let list = set(&app, &list, "missing_key_action", "notify").await;
    let anne = Person::new(ANNE, Kind::Curve25519, day(-5));
    for name in ["anne", "bart", "cris", "dora", "emil"] {
        let address = format!("{name}@x.example");
        let person = if name == "anne" { &anne } else { &Person::new(&address, Kind::Curve25519, day(-5)) };
        join(&app, &list, &address, Role::Member, Some(key_row(&app, person, &address, day(-5)))).await;
    }
    join(&app, &list, "fred@x.example", Role::Member, None).await;
    let certificate = app.keys_of(&list).await.unwrap().posting.certificate();
    let message = anne.mail(&certificate, b"Content-Type: text/plain\r\n\r\nWords.\r\n", day(0));
    let entry = receive_from(&app, ANNE, LIST, &message, day(0)).await;
    let waiting = trace(&app, entry).await;
    assert_eq!((waiting.state.as_str(), waiting.sendings[0].whole_roster), ("accepted", false));
    send_all(&app, day(0)).await;

    let found = trace(&app, entry).await;
    let posting = found.sendings.iter().find(|sending| sending.kind == "posting").unwrap();
    use CopyState::{Deferred, Failed, GivenUp, NoKey, Sent};
    let counts = [(Deferred, 1), (NoKey, 1), (GivenUp, 1), (Failed, 1), (Sent, 2)];
    assert_eq!(posting.counts, BTreeMap::from(counts), "{posting:?}");
    let deferred = &posting.copies.entries[0];
    assert_eq!((deferred.recipient.as_str(), deferred.reply.as_str()), ("cris@x.example", "451 4.3.0 later"));
    assert_eq!((deferred.next_at.clone(), deferred.attempts), (Some(day(1).rfc3339()), Some(1)));
    let key_needed = found.sendings.iter().filter(|sending| sending.kind == "notice").count();
    assert!(key_needed > 0, "who lacks a key is told because of this message: {found:?}");

    // What is asked for page by page is the same as at once.
    let (all, mut pages) = (posting.copies.entries.clone(), Vec::new());
    for start in [0, 2, 4] {
        let page = PageRange { start, count: 2 };
        let part = app.as_operator().traces().message(entry, page).await.unwrap();
        pages.extend(part.sendings.into_iter().find(|one| one.kind == "posting").unwrap().copies.entries);
    }
    let who = |copies: &[sealist_app::CopyTrace]| -> Vec<String> {
        copies.iter().map(|copy| copy.recipient.clone()).collect()
    };
    assert_eq!((who(&pages), pages.len()), (who(&all), 6));
}

async fn an_address_has_its_mail(app: App) {
    let list = list(&app, PLAIN).await;
    join(&app, &list, "bart@x.example", Role::Member, None).await;
    let first = mail(&app, ANNE, LIST, "one", day(0)).await;
    let held = mail(&app, STRANGER, LIST, "two", day(1)).await;
    let second = mail(&app, "ANNE@x.example", LIST, "three!", day(2)).await;
    send_all(&app, day(2)).await;
    for round in ["before the upkeep", "behind it"] {
        let anne: Vec<_> =
            of(&app, ANNE).await.into_iter().map(|one| (one.direction, one.entry, one.state)).collect();
        let expected = [second, first].map(|entry| {
            [("to", Some(entry), "sent".to_owned()), ("from", Some(entry), "accepted".to_owned())]
        });
        assert_eq!(anne, expected.concat(), "{round}");
        let bart = of(&app, "Bart@X.example").await;
        assert_eq!(
            bart.iter().map(|one| one.entry).collect::<Vec<_>>(),
            [Some(second), Some(first)],
            "{round}"
        );
        assert!(bart.iter().all(|one| one.queue_id.as_deref() == Some("4XyZ12")), "{bart:?}");
        let stranger: Vec<_> = of(&app, STRANGER).await.into_iter().map(|one| one.entry).collect();
        assert!(stranger.contains(&Some(held)), "{round}: {stranger:?}");
        assert!(of(&app, "nobody@x.example").await.is_empty());
        upkeep(&app, day(2)).await.unwrap();
    }
    let page = PageRange { start: 1, count: 1 };
    let one = app.as_operator().traces().address(&ANNE.parse().unwrap(), page).await.unwrap();
    assert_eq!((one.total, one.entries.len(), one.entries[0].direction), (4, 1, "from"));
}
