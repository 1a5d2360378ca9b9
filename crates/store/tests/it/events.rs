//! Events: what is recorded, what is counted, and whom they name.

use sealist_lists::events::{Actor, Event, EventKind, MailProof, ServerCause, StoredActor};
use sealist_lists::model::{ListNo, Role};
use sealist_mail::{Address, HOUR_MS, Timestamp};
use sealist_store::events::{self, Occasion, RecordedEvent, Trier};
use sealist_store::transaction;
use sealist_store::{Conn, StoreError};
use serde_json::json;

use crate::common::{NOW, Site};

on_both! {
    the_newest_come_first,
    noise_is_bounded_and_no_change_is_lost,
    what_lasts_is_recorded_each_time_but_names_few,
    each_actor_and_kind_is_read_as_it_was_written,
    deleting_a_person_is_one_update,
}

fn by(actor: Actor, now: Timestamp) -> Occasion {
    Occasion { actor, now }
}

fn anne() -> Address {
    "anne@example.org".parse().unwrap()
}

fn done(action: &str) -> EventKind {
    EventKind::RequestDone { action: action.to_owned() }
}

async fn newest(site: &Site) -> Vec<RecordedEvent> {
    events::newest(&mut site.store.reader().await.unwrap(), None, 10_000).await.unwrap()
}

async fn the_newest_come_first(site: Site) {
    let list = site.list;
    let write = site.store.write(transaction!(|db| {
        for (action, at) in [("one", 1), ("two", 2), ("three", 3)] {
            let occasion = by(Actor::Server(ServerCause::Expiry), Timestamp(at));
            events::record(&mut *db, &occasion, &Event::about(list, &anne(), done(action))).await?;
        }
        let names = |found: Vec<RecordedEvent>| {
            found.into_iter().map(|one| events_in_words(&one)).collect::<Vec<_>>()
        };
        assert_eq!(names(events::newest(&mut *db, Some(list), 2).await?), ["three", "two"]);
        events::forget(&mut *db, Timestamp(3)).await?;
        assert_eq!(names(events::newest(&mut *db, Some(list), 9).await?), ["three"]);
        assert_eq!(names(events::newest(&mut *db, Some(ListNo(99)), 9).await?), [""; 0]);
        Ok::<_, StoreError>(())
    }));
    write.await.unwrap();
}

fn events_in_words(event: &RecordedEvent) -> String {
    sealist_lists::events::in_words(&event.data)
}

async fn try_once(
    db: &mut Conn,
    list: ListNo,
    (address, proof): (&str, MailProof),
    question: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let address = address.parse().unwrap();
    let kind = EventKind::RequestAsked { action: "subscribe".to_owned(), question: question.to_owned() };
    let trier = if proof == MailProof::Nothing { Trier::Anybody } else { Trier::Proven };
    let occasion = by(Actor::mail(&address, proof), now);
    events::attempt(db, &occasion, trier, &Event::about(list, &address, kind)).await
}

/// Of what anybody can cause, the first of a day are events of their own and the others are counted in one
/// row. A change is recorded each time, and so is what people tried themselves, however much is forged in
/// their names.
async fn noise_is_bounded_and_no_change_is_lost(site: Site) {
    let list = site.list;
    let write = site.store.write(transaction!(|db| {
        for number in 0..2000 {
            let victim = format!("v{}@example.com", number % 700);
            try_once(&mut *db, list, (&victim, MailProof::Nothing), &number.to_string(), NOW).await?;
            if number % 40 == 0 {
                let victim = victim.parse().unwrap();
                let occasion = by(Actor::mail(&victim, MailProof::Token), NOW);
                events::record(&mut *db, &occasion, &Event::about(list, &victim, done("subscribe"))).await?;
            }
        }
        try_once(&mut *db, list, ("v0@example.com", MailProof::Token), "mine", NOW).await?;
        let found = events::newest(&mut *db, Some(list), 10_000).await?;
        let of = |name: &str| found.iter().filter(|one| one.event.kind.name() == name).count();
        assert_eq!((of("request-done"), of("request-asked")), (50, 22));
        assert_eq!(found.iter().map(|one| one.times).sum::<u64>(), 2051, "nothing is lost");
        assert!(found.iter().any(|one| events_in_words(one).contains("mine")));
        let counts = found.iter().find(|one| one.times > 1).unwrap();
        assert_eq!((counts.actor.to_string().as_str(), &counts.event.subject), ("(anybody)", &None));
        let tomorrow = NOW.plus_ms(25 * HOUR_MS);
        try_once(&mut *db, list, ("anne@example.org", MailProof::Nothing), "new", tomorrow).await?;
        let newest = &events::newest(&mut *db, Some(list), 1).await?[0];
        assert!(events_in_words(newest).contains("new"), "another day");
        let counted = events::counted(&mut *db, "request-asked", NOW).await?;
        assert_eq!(counted.iter().map(|(_, times)| *times).collect::<Vec<_>>(), [1980]);
        Ok::<_, StoreError>(())
    }));
    write.await.unwrap();
}

/// What anybody can cause and what lasts is recorded each time. Only the first of a day name somebody.
async fn what_lasts_is_recorded_each_time_but_names_few(site: Site) {
    let list = site.list;
    let write = site.store.write(transaction!(|db| {
        for number in 0..60 {
            let victim = format!("v{number}@example.com").parse().unwrap();
            let occasion = by(Actor::Server(ServerCause::Rules), NOW);
            let event = Event::about(list, &victim, done(&number.to_string()));
            events::record_unproven(&mut *db, &occasion, &event).await?;
        }
        let found = events::newest(&mut *db, Some(list), 100).await?;
        let words: Vec<String> = found.iter().rev().map(events_in_words).collect();
        assert_eq!(words, (0..60).map(|number| number.to_string()).collect::<Vec<_>>());
        let named = found.iter().rev().map(|one| one.event.subject.is_some());
        assert_eq!(named.collect::<Vec<_>>(), (0..60).map(|number| number < 20).collect::<Vec<_>>());
        Ok::<_, StoreError>(())
    }));
    write.await.unwrap();
}

async fn each_actor_and_kind_is_read_as_it_was_written(site: Site) {
    let anne = anne();
    let newer = StoredActor { kind: "robot".to_owned(), detail: "5".to_owned(), address: Some(anne.clone()) };
    let actors = [
        Actor::mail(&anne, MailProof::Signature),
        Actor::CommandLine { uid: 7, name: "anne as root (command line)".to_owned() },
        Actor::Plugin("spam".to_owned()),
        Actor::Server(ServerCause::Bounces),
        Actor::Other(newer),
    ];
    let kinds = [
        EventKind::MemberJoined { role: Role::Owner },
        EventKind::AddressVerified {},
        EventKind::from_stored("moon-rose", json!({ "phase": "new" })),
        EventKind::from_stored("member-joined", json!({ "role": "prophet", "by": [1, 2] })),
    ];
    let mut written = Vec::new();
    for actor in actors {
        for kind in &kinds {
            for event in
                [Event::of_list(site.list, kind.clone()), Event::about(site.list, &anne, kind.clone())]
            {
                written.push((actor.clone(), event));
            }
        }
    }
    let all = written.clone();
    let write = site.store.write(transaction!(|db| {
        for (actor, event) in all {
            events::record(&mut *db, &by(actor, NOW), &event).await?;
        }
        Ok::<_, StoreError>(())
    }));
    write.await.unwrap();
    let mut found = newest(&site).await;
    found.reverse();
    assert_eq!(found.len(), written.len());
    for (found, (actor, event)) in found.iter().zip(&written) {
        assert_eq!((&found.actor, &found.event, &found.data), (actor, event, &event.kind.stored().1));
    }
}

async fn deleting_a_person_is_one_update(site: Site) {
    let list = site.list;
    let write = site.store.write(transaction!(|db| {
        let bart: Address = "bart@example.org".parse().unwrap();
        for (actor, subject) in [(anne(), anne()), (anne(), bart.clone()), (bart.clone(), anne())] {
            let occasion = by(Actor::mail(&actor, MailProof::Token), NOW);
            events::record(&mut *db, &occasion, &Event::about(list, &subject, done("x"))).await?;
        }
        events::forget_person(&mut *db, &"ANNE@example.org".parse().unwrap()).await?;
        let found = events::newest(&mut *db, Some(list), 9).await?;
        assert_eq!(found.len(), 3);
        let named = |one: &RecordedEvent| format!("{:?} {:?}", one.actor.address(), one.event.subject);
        let named: Vec<String> = found.iter().map(named).collect();
        assert!(!named.concat().to_lowercase().contains("anne"), "{named:?}");
        assert_eq!(named.concat().matches("bart").count(), 2, "{named:?}");
        // The same address later is another person.
        let occasion = by(Actor::mail(&anne(), MailProof::Token), NOW);
        events::record(&mut *db, &occasion, &Event::about(list, &anne(), done("x"))).await?;
        let found = events::newest(&mut *db, Some(list), 9).await?;
        let of_anne = |one: &&RecordedEvent| one.event.subject == Some(anne());
        assert_eq!(found.iter().filter(of_anne).count(), 1);
        Ok::<_, StoreError>(())
    }));
    write.await.unwrap();
}
