//! Consumers of events: each gets every committed event once, in one order, whatever other nodes write at the
//! same time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sealist_lists::events::{Actor, Event, EventKind, ServerCause};
use sealist_lists::model::ListNo;
use sealist_mail::Timestamp;
use sealist_store::events::consumers::{self, Acknowledgement, StartAt};
use sealist_store::events::{self, Occasion};
use sealist_store::transaction;
use sealist_store::{Conn, Store, StoreError};
use tokio::sync::oneshot;

use crate::common::{NOW, Site, on_postgres};

on_both! {
    a_consumer_gets_the_same_until_it_acknowledges,
    only_what_was_given_is_acknowledged,
    consumers_begin_where_they_want,
    rows_that_count_are_for_people_only,
}

async fn record(db: &mut Conn, list: ListNo, number: u64) -> Result<(), StoreError> {
    let occasion = Occasion { actor: Actor::Server(ServerCause::Expiry), now: NOW };
    events::record(db, &occasion, &Event::of_list(list, EventKind::CopiesHeld { copies: number })).await
}

async fn write(store: &Store, list: ListNo, number: u64) {
    store.write(transaction!(|db| record(db, list, number).await)).await.unwrap();
}

async fn add_consumer(
    store: &Store,
    name: &'static str,
    kind: &'static str,
    start: StartAt,
    now: Timestamp,
) -> Result<(), StoreError> {
    if start == StartAt::Next {
        store.give_all_positions().await.unwrap();
    }
    store.write(transaction!(|db| consumers::add(db, name, kind, start, now).await)).await
}

/// Number and position of the next events.
async fn next(store: &Store, consumer: &str, most: u32) -> Vec<(u64, i64)> {
    let found = store.next_events(consumer, most).await.unwrap().unwrap();
    let number = |kind: &EventKind| match kind {
        EventKind::CopiesHeld { copies } => *copies,
        other => panic!("{other:?}"),
    };
    found.iter().map(|one| (number(&one.event.kind), one.position.unwrap())).collect()
}

async fn a_consumer_gets_the_same_until_it_acknowledges(site: Site) {
    add_consumer(&site.store, "a", "test", StartAt::Oldest, NOW).await.unwrap();
    assert!(matches!(
        add_consumer(&site.store, "a", "test", StartAt::Oldest, NOW).await,
        Err(StoreError::Duplicate)
    ));
    for number in 1..=5 {
        write(&site.store, site.list, number).await;
    }
    for _ in 0..2 {
        assert_eq!(next(&site.store, "a", 2).await, [(1, 1), (2, 2)]);
    }
    site.store.acknowledge("a", 2).await.unwrap();
    site.store.acknowledge("a", 1).await.unwrap();
    assert_eq!(next(&site.store, "a", 9).await, [(3, 3), (4, 4), (5, 5)]);
    site.store.acknowledge("a", 5).await.unwrap();
    assert_eq!(next(&site.store, "a", 9).await, []);
    assert!(site.store.next_events("nobody", 9).await.unwrap().is_none());
    let removed = site.store.write(transaction!(|db| consumers::remove(db, "a").await)).await.unwrap();
    assert!(removed && site.store.next_events("a", 9).await.unwrap().is_none());
}

async fn only_what_was_given_is_acknowledged(site: Site) {
    use Acknowledgement::{NoConsumer, NotGiven, Recorded};
    add_consumer(&site.store, "a", "test", StartAt::Oldest, NOW).await.unwrap();
    for number in 1..=3 {
        write(&site.store, site.list, number).await;
    }
    assert_eq!(site.store.acknowledge("a", 1).await.unwrap(), NotGiven { last: 0 });
    next(&site.store, "a", 9).await;
    for (consumer, position, expected) in [
        ("a", 4, NotGiven { last: 3 }),
        ("a", i64::MAX, NotGiven { last: 3 }),
        ("a", -1, NotGiven { last: 3 }),
        ("a", i64::MIN, NotGiven { last: 3 }),
        ("b", 1, NoConsumer),
        ("b", 4, NoConsumer),
    ] {
        assert_eq!(
            site.store.acknowledge(consumer, position).await.unwrap(),
            expected,
            "{consumer} {position}"
        );
        assert_eq!(next(&site.store, "a", 9).await.len(), 3, "nothing is skipped: {consumer} {position}");
    }
    for position in [0, 3, 3, 1] {
        assert_eq!(site.store.acknowledge("a", position).await.unwrap(), Recorded, "{position}");
    }
    write(&site.store, site.list, 4).await;
    assert_eq!(next(&site.store, "a", 9).await, [(4, 4)]);
}

async fn consumers_begin_where_they_want(site: Site) {
    write(&site.store, site.list, 1).await;
    add_consumer(&site.store, "old", "test", StartAt::Oldest, NOW).await.unwrap();
    add_consumer(&site.store, "new", "test", StartAt::Next, NOW).await.unwrap();
    write(&site.store, site.list, 2).await;
    assert_eq!(next(&site.store, "old", 9).await, [(1, 1), (2, 2)]);
    assert_eq!(next(&site.store, "new", 9).await, [(2, 2)]);
    // Positions go on when all events were deleted.
    let forget = site.store.write(transaction!(|db| events::forget(db, NOW.plus_ms(1)).await));
    forget.await.unwrap();
    write(&site.store, site.list, 3).await;
    assert_eq!(next(&site.store, "old", 9).await, [(3, 3)]);
}

async fn rows_that_count_are_for_people_only(site: Site) {
    let list = site.list;
    add_consumer(&site.store, "a", "test", StartAt::Oldest, NOW).await.unwrap();
    let count =
        site.store
            .write(transaction!(|db| events::count(db, list, &EventKind::RequestDisplaced {}, NOW).await));
    count.await.unwrap();
    write(&site.store, list, 7).await;
    assert_eq!(next(&site.store, "a", 9).await, [(7, 1)]);
}

/// A transaction that stays open keeps nobody from reading what others committed; its own events come later.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_an_open_transaction() {
    let site = on_postgres().await;
    let list = site.list;
    let (other, reader) =
        (Store::open_url(&site.url).await.unwrap(), Store::open_url(&site.url).await.unwrap());
    add_consumer(&reader, "a", "test", StartAt::Oldest, NOW).await.unwrap();
    let (is_open, opened) = oneshot::channel();
    let (close, closed) = oneshot::channel::<()>();
    let slow = tokio::spawn(async move {
        let write = site.store.write(transaction!(|db| {
            record(&mut *db, list, 1).await?;
            is_open.send(()).unwrap();
            closed.await.unwrap();
            Ok::<_, StoreError>(())
        }));
        write.await.unwrap();
    });
    opened.await.unwrap();
    write(&other, list, 2).await;
    assert_eq!(next(&reader, "a", 9).await, [(2, 1)]);
    write(&other, list, 3).await;
    close.send(()).unwrap();
    slow.await.unwrap();
    let both = next(&reader, "a", 9).await;
    assert_eq!(both.iter().map(|(_, position)| *position).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(both[0].0, 2, "what was read stays where it was");
}

/// How many events there are; `make long` sets more.
fn how_many() -> u64 {
    std::env::var("SEALIST_EVENTS").map_or(3000, |number| number.parse().unwrap())
}

/// What became of the events of one writer.
#[derive(Default)]
struct Written {
    committed: BTreeSet<u64>,
    rolled_back: BTreeSet<u64>,
}

/// Writes events in transactions that overlap with those of other writers. Some fail alone, some take their
/// whole transaction along, and some keep it open for a while.
async fn write_many(
    store: Store,
    list: ListNo,
    numbers: std::ops::Range<u64>,
    open_for: Duration,
) -> Written {
    let mut written = Written::default();
    let all: Vec<u64> = numbers.collect();
    for (round, together) in all.chunks(40).enumerate() {
        let mut jobs = Vec::new();
        for (at, few) in together.chunks(5).enumerate() {
            let (few, store) = (few.to_vec(), store.clone());
            jobs.push(tokio::spawn(async move {
                let numbers = few.clone();
                let job = store.write(transaction!(|db| {
                    for number in numbers {
                        record(&mut *db, list, number).await?;
                    }
                    match (round % 10, at) {
                        (3, 1) => Err(StoreError::Lost),
                        (5, 6) if round == 5 => panic!("the transaction is lost"),
                        (7, 0) if round == 7 => {
                            tokio::time::sleep(open_for).await;
                            Ok(())
                        }
                        _ => Ok(()),
                    }
                }));
                (few, job.await)
            }));
        }
        for job in jobs {
            match job.await.unwrap() {
                (numbers, Ok(())) => written.committed.extend(numbers),
                (numbers, Err(StoreError::Lost)) => written.rolled_back.extend(numbers),
                // Nobody knows.
                _ => {}
            }
        }
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_beside_four_writers_misses_none_and_sees_none_twice() {
    let site = on_postgres().await;
    let (list, all) = (site.list, how_many());
    let open_for = Duration::from_millis(if all > 10_000 { 2000 } else { 200 });
    for consumer in ["a", "b"] {
        add_consumer(&site.store, consumer, "test", StartAt::Oldest, NOW).await.unwrap();
    }
    let mut writers = Vec::new();
    for number in 0..4 {
        let store = Store::open_url(&site.url).await.unwrap();
        writers.push(tokio::spawn(write_many(
            store,
            list,
            all / 4 * number..all / 4 * (number + 1),
            open_for,
        )));
    }
    // Both give positions.
    let mut readers = Vec::new();
    for consumer in ["a", "b"] {
        let store = Store::open_url(&site.url).await.unwrap();
        readers.push(tokio::spawn(follow(store, consumer)));
    }
    let mut written = Written::default();
    for writer in writers {
        let Written { committed, rolled_back } = writer.await.unwrap();
        written.committed.extend(committed);
        written.rolled_back.extend(rolled_back);
    }
    write(&site.store, list, LAST).await;
    assert!(written.committed.len() as u64 > all * 8 / 10, "{}", written.committed.len());
    assert!(!written.rolled_back.is_empty());
    for reader in readers {
        let seen = reader.await.unwrap();
        let missed: Vec<_> = written.committed.iter().filter(|number| !seen.contains_key(number)).collect();
        assert_eq!(missed, [] as [&u64; 0], "missed");
        let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
        assert_eq!(twice, [], "seen twice");
        assert!(written.rolled_back.iter().all(|number| !seen.contains_key(number)), "never committed");
    }
}

/// The event that is written when all others are.
const LAST: u64 = u64::MAX;

/// Reads until the last event has come: how often each number came.
async fn follow(store: Store, consumer: &'static str) -> BTreeMap<u64, u32> {
    let (mut seen, mut last) = (BTreeMap::<u64, u32>::new(), 0);
    while !seen.contains_key(&LAST) {
        for (number, position) in next(&store, consumer, 300).await {
            assert_eq!(position, last + 1, "positions have no gaps");
            last = position;
            *seen.entry(number).or_default() += 1;
        }
        store.acknowledge(consumer, last).await.unwrap();
    }
    seen
}
