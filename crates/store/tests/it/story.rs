//! The store on a real file: commits, failures among others, rosters, claims, replays.

use std::collections::BTreeMap;

use crate::common::{
    Archived, NODE, NOW, Site, claim_copies, claim_entries, claimant, join, message, post, post_to, push,
    sent,
};
use sealist_lists::draft::Recipients;
use sealist_lists::model::{Channel, DeliveryNo, ListSettings, NodeNo, Role, SendingNo};
use sealist_lists::rules::Reason;
use sealist_lists::texts::Language;
use sealist_mail::Timestamp;
use sealist_store::bodies::StoredBody;
use sealist_store::coming::{self, PartialBody};
use sealist_store::copies::{self, CopySelection};
use sealist_store::deliveries::{self, DeliveryResult, DeliveryState};
use sealist_store::nodes::{self, Claimant, Deployment};
use sealist_store::queue::{self, QueueName};
use sealist_store::sendings::{self, Carries, NewSending};
use sealist_store::tokens::{self, TokenSubject};
use sealist_store::traces::MessageFate;
use sealist_store::transaction;
use sealist_store::turns::Turns;
use sealist_store::{StoreError, bodies, clock, lists, people};

on_both! {
    simultaneous_changes_share_commits_and_fail_alone,
    a_roster_is_covered_once_whatever_the_chunks_are,
    an_entry_is_claimed_by_one_and_held_with_its_reasons,
    what_a_dead_node_had_is_free,
    large_bodies_come_back_whole,
    what_comes_in_pieces_is_whole_or_nothing,
    a_deleted_list_takes_its_bodies_along,
    what_is_delivered_and_not_archived_goes,
    a_held_list_takes_mail_in_and_lets_none_go,
    copies_are_held_let_go_and_given_up,
    what_another_node_has_is_not_given_back,
    a_clock_that_is_set_back_makes_nothing_wait,
    of_those_that_were_not_judged_the_least_tried_comes_first,
    a_language_belongs_to_an_address,
}

async fn simultaneous_changes_share_commits_and_fail_alone(site: Site) {
    let before = site.store.commits();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..256 {
        let (store, list) = (site.store.clone(), site.list);
        tasks.spawn(async move {
            // Every eighth address is the same: all but one of those fail.
            let address = format!("m{}@x.example", if number % 8 == 0 { 0 } else { number });
            store.write(transaction!(|db| join(db, list, &address).await)).await
        });
    }
    let mut failed = 0;
    while let Some(result) = tasks.join_next().await {
        match result.unwrap() {
            Ok(()) => {}
            Err(StoreError::Duplicate) => failed += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(failed, 31);
    let mut db = site.store.reader().await.unwrap();
    let members = people::roster(&mut db, site.list, Role::Member, sealist_lists::model::MemberNo(0), 1000)
        .await
        .unwrap();
    assert_eq!(members.len(), 225);
    let commits = site.store.commits() - before;
    assert!(commits < 128, "{commits} commits for 256 changes");
}

async fn a_roster_is_covered_once_whatever_the_chunks_are(site: Site) {
    let list = site.list;
    let joined = site.store.write(transaction!(|db| {
        for number in 0..20 {
            join(&mut *db, list, &format!("m{number}@x.example")).await?;
        }
        Ok::<_, StoreError>(())
    }));
    joined.await.unwrap();
    for chunk in [1, 2, 7, 19, 100] {
        let except = site
            .store
            .write(transaction!(|db| {
                let body = bodies::insert(&mut *db, &message("post")).await?;
                let author = people::roles_of(&mut *db, list, &"m3@x.example".parse().unwrap()).await?;
                let recipients = Recipients { roles: vec![Role::Member], except: vec![author[0].no] };
                let post = NewSending {
                    list,
                    carries: Carries::OwnerMail,
                    channel: Channel::Open,
                    body,
                    envelope_from: "b@x.example",
                    recipients: &recipients,
                    entry: None,
                };
                sendings::insert(&mut *db, &post, NOW).await?;
                Ok::<_, StoreError>(author[0].no)
            }))
            .await
            .unwrap();
        let mut pages = Vec::new();
        while let Some(made) =
            site.store.write(transaction!(|db| sendings::fan_out(db, chunk, NOW).await)).await.unwrap()
        {
            pages.push(made);
        }
        assert_eq!(pages.iter().sum::<u64>(), 19, "chunks of {chunk}: {pages:?}");
        assert_eq!(pages.len(), 19_usize.div_ceil(chunk as usize), "none in vain: {pages:?}");
        let mut seen = BTreeMap::new();
        while let Some(batch) = site.store.write(transaction!(|db| claim_copies(db, 6).await)).await.unwrap()
        {
            for row in &batch.rows {
                *seen.entry(row.email.clone()).or_insert(0) += 1;
                assert_ne!(row.member, Some(except));
            }
            let results: Vec<_> = batch.rows.iter().map(sent).collect();
            site.store.write(transaction!(|db| deliveries::record(db, NODE, &results).await)).await.unwrap();
        }
        assert_eq!(seen.len(), 19, "chunks of {chunk}");
        assert!(seen.values().all(|times| *times == 1), "chunks of {chunk}: {seen:?}");
    }
}

async fn an_entry_is_claimed_by_one_and_held_with_its_reasons(site: Site) {
    let list = site.list;
    for _ in 0..3 {
        site.store.write(transaction!(|db| push(db, list).await)).await.unwrap();
    }
    let claim = |at: i64| site.store.write(transaction!(|db| claim_entries(db, 10, NOW.plus_ms(at)).await));
    let first = claim(0).await.unwrap();
    assert_eq!(first.len(), 3);
    assert!(claim(1_000_000).await.unwrap().is_empty(), "however long it takes");
    let lost: Vec<_> = first.clone();
    let put_off = site.store.write(transaction!(|db| {
        for entry in &lost {
            queue::put_off(&mut *db, entry, NOW.plus_ms(1000)).await?;
        }
        Ok::<_, StoreError>(())
    }));
    put_off.await.unwrap();
    assert!(claim(999).await.unwrap().is_empty(), "not yet");
    let mut second = Vec::new();
    for _ in 0..3 {
        let one = claim(1000).await.unwrap();
        assert_eq!(one.len(), 1, "what was not judged comes alone");
        second.extend(one);
    }

    let late = first[0].clone();
    let finished = site
        .store
        .write(transaction!(|db| queue::finish(db, &late, MessageFate::Accepted, &[], NOW).await))
        .await;
    assert!(
        matches!(finished, Err(StoreError::Lost)),
        "what another has taken over is not ours: {finished:?}"
    );
    let (set_aside, done) = (second[0].clone(), second[1].clone());
    let held = set_aside.no;
    site.store
        .write(transaction!(|db| {
            queue::set_aside(&mut *db, &set_aside, QueueName::Hold, &[Reason::Nonmember]).await?;
            let (who, until) = ("olga@example.org".parse().unwrap(), NOW.plus_ms(9000));
            tokens::add(&mut *db, TokenSubject::Entry(held), &[7; 32], &who, until).await?;
            queue::finish(db, &done, MessageFate::Accepted, &[], NOW).await
        }))
        .await
        .unwrap();
    let mut db = site.store.reader().await.unwrap();
    let waiting = queue::listed(&mut db, QueueName::Hold).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].reasons.as_slice()), (1, &[Reason::Nonmember][..]));
    assert!(bodies::load(&mut db, second[1].body).await.is_err(), "the body went with its entry");
    drop(db);

    site.store.write(transaction!(|db| queue::resume(db, held, NOW.plus_ms(5000)).await)).await.unwrap();
    let again = claim(5000).await.unwrap();
    assert!(again.iter().any(|entry| entry.no == held && entry.approved));
    let (mut db, who) = (site.store.reader().await.unwrap(), "olga@example.org".parse().unwrap());
    let token = tokens::subject_of(&mut db, &[7; 32], &who, NOW).await.unwrap();
    assert_eq!(token, None, "an answer counts once, also when it is held again");
}

async fn what_a_dead_node_had_is_free(site: Site) {
    let list = site.list;
    let claimed = site.store.write(transaction!(|db| {
        push(&mut *db, list).await?;
        let (dead, alive) = (nodes::register(&mut *db).await?, nodes::register(&mut *db).await?);
        let by = |node| Claimant { node, lacking: Vec::new() };
        let first = queue::claim(&mut *db, &by(dead), 1, 0, &mut Turns::default(), NOW).await?;
        assert_eq!(
            nodes::release_expired(&mut *db, alive, Deployment::Cluster).await?,
            0,
            "it was seen just now"
        );
        assert!(queue::claim(&mut *db, &by(alive), 1, 0, &mut Turns::default(), NOW).await?.is_empty());
        assert_eq!(nodes::release_expired(&mut *db, alive, Deployment::SingleProcess).await?, 1);
        assert!(!nodes::heartbeat(&mut *db, dead).await?, "it is told when it comes back");
        let second = queue::claim(&mut *db, &by(alive), 1, 0, &mut Turns::default(), NOW).await?;
        Ok::<_, StoreError>((first, second))
    }));
    let (first, second) = claimed.await.unwrap();
    assert_eq!(first[0].no, second[0].no);
    // A node leaves to others what it has no keys for.
    let without = Claimant { node: NODE, lacking: vec![list] };
    let none = site.store.write(transaction!(|db| {
        queue::claim(db, &without, 1, 0, &mut Turns::default(), NOW.plus_ms(100_000)).await
    }));
    assert!(none.await.unwrap().is_empty());
}

async fn large_bodies_come_back_whole(site: Site) {
    for octets in [0, 1, 256 * 1024, 256 * 1024 + 1, 1_000_000] {
        let text = "x".repeat(octets);
        let body =
            site.store.write(transaction!(|db| bodies::insert(db, &message(&text)).await)).await.unwrap();
        let loaded = bodies::load(&mut site.store.reader().await.unwrap(), body).await.unwrap();
        assert!(matches!(loaded, StoredBody::Plain { payload, .. } if payload.len() == octets));
    }
}

async fn what_comes_in_pieces_is_whole_or_nothing(site: Site) {
    let whole = site.store.write(transaction!(|db| {
        let (dead, alive) = (nodes::register(&mut *db).await?, nodes::register(&mut *db).await?);
        let first = "a".repeat(bodies::ROW_OCTETS);
        let rest = message(&[&first, "d"].concat());
        let mut all = Vec::new();
        for node in [dead, alive, alive, alive] {
            all.push(PartialBody::begin(&mut *db, node).await?.append(&mut *db, b"bc").await?);
        }
        let [of_dead, whole, broken_off, of_leaver] = all[..] else { panic!("four") };
        let whole = whole.complete(&mut *db, &rest).await?;
        broken_off.remove(&mut *db).await?;
        all[1].remove(&mut *db).await?;
        assert!(!coming::is_left(&mut *db).await?);
        assert_eq!(coming::drop_left(&mut *db, 10).await?, 0);
        assert!(of_dead.append(&mut *db, b"").await.is_ok(), "it was seen just now");
        assert_eq!(nodes::release_expired(&mut *db, alive, Deployment::SingleProcess).await?, 1);
        assert!(coming::is_left(&mut *db).await?);
        assert_eq!(coming::drop_left(&mut *db, 10).await?, 1);
        assert!(matches!(of_dead.complete(&mut *db, &message("")).await, Err(StoreError::Lost)));
        nodes::deregister(&mut *db, alive).await?;
        assert_eq!(coming::drop_left(&mut *db, 10).await?, 1);
        assert!(matches!(of_leaver.complete(&mut *db, &message("")).await, Err(StoreError::Lost)));
        Ok::<_, StoreError>(whole)
    }));
    let whole = whole.await.unwrap();
    let mut db = site.store.reader().await.unwrap();
    assert_eq!(bodies::octets(&mut db, whole).await.unwrap(), bodies::ROW_OCTETS as u64 + 3);
    let StoredBody::Plain { payload, .. } = bodies::load(&mut db, whole).await.unwrap() else {
        panic!("plain")
    };
    assert!(payload.starts_with(b"aa") && payload.ends_with(b"abcd"));
}

async fn a_deleted_list_takes_its_bodies_along(site: Site) {
    let list = site.list;
    site.store.write(transaction!(|db| push(db, list).await)).await.unwrap();
    let entry = site.store.write(transaction!(|db| claim_entries(db, 1, NOW).await)).await.unwrap().remove(0);
    site.store.write(transaction!(|db| lists::delete(db, list).await)).await.unwrap();
    let mut db = site.store.reader().await.unwrap();
    assert!(lists::all(&mut db).await.unwrap().is_empty());
    assert!(bodies::load(&mut db, entry.body).await.is_err());
}

async fn what_is_delivered_and_not_archived_goes(site: Site) {
    let list = site.list;
    let post = |archived| {
        let store = site.store.clone();
        async move {
            let made = store.write(transaction!(|db| {
                let (_, body) = post(&mut *db, list, archived).await?;
                sendings::fan_out(db, 100, NOW).await?;
                Ok::<_, StoreError>(body)
            }));
            made.await.unwrap()
        }
    };
    let joined = site.store.write(transaction!(|db| join(db, list, "anne@x.example").await));
    joined.await.unwrap();
    let (gone, kept) = (post(Archived::No).await, post(Archived::Yes).await);
    let settle = |state: DeliveryState| {
        let store = site.store.clone();
        async move {
            store
                .write(transaction!(|db| {
                    while let Some(batch) = claim_copies(&mut *db, 10).await? {
                        let results: Vec<_> =
                            batch.rows.iter().map(|row| DeliveryResult { state, ..sent(row) }).collect();
                        deliveries::record(&mut *db, NODE, &results).await?;
                    }
                    let (mut bodies, mut after) = (0, SendingNo(0));
                    while let Some(next) = sendings::delete_finished(&mut *db, after, 1, NOW).await? {
                        bodies += 1;
                        after = next;
                    }
                    Ok::<_, StoreError>(bodies)
                }))
                .await
                .unwrap()
        }
    };
    assert_eq!(settle(DeliveryState::HeldForKey).await, 0, "a copy still waits");
    let wait = |before: Timestamp| {
        let store = site.store.clone();
        async move {
            let over = store.write(transaction!(|db| deliveries::give_up_waiting(db, list, before).await));
            over.await.unwrap()
        }
    };
    assert_eq!(wait(NOW).await.len(), 0, "not yet");
    assert_eq!(wait(NOW.plus_ms(1)).await.len(), 2);
    assert_eq!(settle(DeliveryState::Sent).await, 4, "of each its recipient, then the sending");
    let mut db = site.store.reader().await.unwrap();
    assert!(bodies::load(&mut db, gone).await.is_err(), "its body went with it");
    assert!(bodies::load(&mut db, kept).await.is_ok());
}

async fn a_held_list_takes_mail_in_and_lets_none_go(site: Site) {
    let list = site.list;
    let held = site.store.write(transaction!(|db| {
        post_to(&mut *db, list, 2).await?;
        sendings::fan_out(&mut *db, 100, NOW).await?;
        push(&mut *db, list).await?;
        lists::hold(&mut *db, list, NOW).await?;
        push(&mut *db, list).await?;
        assert_eq!(queue::waiting(&mut *db).await?, 2, "both count");
        assert!(claim_entries(&mut *db, 9, NOW).await?.is_empty());
        assert!(claim_copies(&mut *db, 9).await?.is_none());
        assert!(!queue::is_due(&mut *db, &claimant(), NOW).await?);
        assert!(!deliveries::is_due(&mut *db, &claimant(), NOW).await?);
        let held = lists::held(&mut *db).await?;
        assert_eq!((held.len(), held[0].1), (1, NOW));
        assert!(lists::release(&mut *db, list).await?);
        assert!(!lists::release(&mut *db, list).await?, "it was");
        assert!(queue::is_due(&mut *db, &claimant(), NOW).await?);
        assert!(deliveries::is_due(&mut *db, &claimant(), NOW).await?);
        assert_eq!(claim_entries(&mut *db, 9, NOW).await?.len(), 2);
        Ok::<_, StoreError>(claim_copies(db, 9).await?.map(|batch| batch.rows.len()))
    }));
    assert_eq!(held.await.unwrap(), Some(2));
}

async fn copies_are_held_let_go_and_given_up(site: Site) {
    let list = site.list;
    let told = site.store.write(transaction!(|db| {
        let post = post_to(&mut *db, list, 3).await?;
        sendings::fan_out(&mut *db, 100, NOW).await?;
        assert_eq!(copies::hold(&mut *db, CopySelection::Of(post)).await?, 3);
        assert!(claim_copies(&mut *db, 9).await?.is_none());
        let waiting = copies::unsent(&mut *db, DeliveryNo(0), 9).await?;
        assert!(waiting.iter().all(|copy| copy.state == "held"));
        assert_eq!(copies::give_up(&mut *db, CopySelection::One(waiting[0].no)).await?, 1);
        assert_eq!(copies::retry(&mut *db, CopySelection::One(waiting[1].no), NOW).await?, 1);
        let on_their_way = copies::on_their_way(&mut *db).await?;
        let states: Vec<(&str, i64)> =
            on_their_way[0].copies.iter().map(|(state, count)| (state.as_str(), *count)).collect();
        assert_eq!(states, [("due", 1), ("failed", 1), ("held", 1)]);
        let claimed = claim_copies(&mut *db, 9).await?.map(|batch| batch.rows.len());
        assert_eq!(claimed, Some(1));
        assert_eq!(copies::hold(&mut *db, CopySelection::Of(post)).await?, 0, "what is on its way goes");
        copies::retry(&mut *db, CopySelection::Of(post), NOW).await
    }));
    assert_eq!(told.await.unwrap(), 2, "the held one, and the one given up");
}

async fn what_another_node_has_is_not_given_back(site: Site) {
    let list = site.list;
    let told = site.store.write(transaction!(|db| {
        let post = post_to(&mut *db, list, 2).await?;
        sendings::fan_out(&mut *db, 100, NOW).await?;
        let batch = claim_copies(&mut *db, 9).await?.expect("two are due");
        let rows: Vec<DeliveryNo> = batch.rows.iter().map(|row| row.no).collect();
        deliveries::give_back(&mut *db, NodeNo(7), &rows, NOW).await?;
        assert!(claim_copies(&mut *db, 9).await?.is_none(), "node 7 does not have them");
        deliveries::give_back(&mut *db, NODE, &rows, NOW.plus_ms(1000)).await?;
        assert!(claim_copies(&mut *db, 9).await?.is_none(), "not yet");
        let again = deliveries::claim(&mut *db, &claimant(), 9, NOW.plus_ms(1000)).await?;
        let tries: Vec<u32> = again.iter().flat_map(|batch| &batch.rows).map(|row| row.attempts).collect();
        assert_eq!(tries, [1, 1], "as if they had not been claimed");
        for faults in 1..4 {
            assert_eq!(deliveries::count_fault(&mut *db, post).await?, faults);
        }
        Ok::<_, StoreError>(())
    }));
    told.await.unwrap();
}

async fn a_clock_that_is_set_back_makes_nothing_wait(site: Site) {
    let list = site.list;
    let told = site.store.write(transaction!(|db| {
        post_to(&mut *db, list, 2).await?;
        sendings::fan_out(&mut *db, 100, NOW).await?;
        let batch = claim_copies(&mut *db, 9).await?.expect("two are due");
        let due = |at: i64| -> Vec<DeliveryResult> {
            batch
                .rows
                .iter()
                .map(|row| DeliveryResult { state: DeliveryState::Due(NOW.plus_ms(at)), ..sent(row) })
                .collect()
        };
        deliveries::record(&mut *db, NODE, &due(1000)).await?;
        assert!(!clock::was_set_back(&mut *db, NOW.plus_ms(1000)).await?, "a pause like any other");
        let yesterday = NOW.plus_ms(-24 * 3_600_000);
        assert!(clock::was_set_back(&mut *db, yesterday.plus_ms(7_200_000)).await?);
        assert_eq!(clock::reset_future_timers(&mut *db, yesterday, yesterday.plus_ms(7_200_000)).await?, 2);
        Ok::<_, StoreError>(
            deliveries::claim(db, &claimant(), 9, yesterday).await?.map(|batch| batch.rows.len()),
        )
    }));
    assert_eq!(told.await.unwrap(), Some(2));
}

async fn of_those_that_were_not_judged_the_least_tried_comes_first(site: Site) {
    let list = site.list;
    let told = site.store.write(transaction!(|db| {
        for _ in 0..2 {
            push(&mut *db, list).await?;
        }
        let mut order = Vec::new();
        // Each time the process dies with what it has.
        for _ in 0..4 {
            let node = nodes::register(&mut *db).await?;
            let claimant = Claimant { node, lacking: Vec::new() };
            let claimed = queue::claim(&mut *db, &claimant, 9, 0, &mut Turns::default(), NOW).await?;
            order.push(claimed.iter().map(|entry| entry.no).collect::<Vec<_>>());
            nodes::deregister(&mut *db, node).await?;
        }
        Ok::<_, StoreError>(order)
    }));
    let order = told.await.unwrap();
    let [first, second] = order[0][..] else { panic!("both are new: {order:?}") };
    assert_eq!(order[1..], [vec![first], vec![second], vec![first]]);
}

async fn a_language_belongs_to_an_address(site: Site) {
    const BART: &str = "bart@example.org";
    let (list, bart) = (site.list, BART.parse().unwrap());
    let joined = site.store.write(transaction!(|db| {
        join(&mut *db, list, BART).await?;
        people::set_language(&mut *db, &BART.parse().unwrap(), Some(Language::De)).await?;
        let other = "other@lists.example".parse().unwrap();
        let other = lists::create(&mut *db, &other, "legacy-default", &ListSettings::default(), NOW).await?;
        join(db, other, BART).await?;
        Ok::<_, StoreError>(other)
    }));
    let other = joined.await.unwrap();
    let mut db = site.store.reader().await.unwrap();
    let member = people::roles_of(&mut db, other, &bart).await.unwrap().remove(0);
    assert_eq!(member.preferences.preferred_language, Some(Language::De));
    assert_eq!(people::language_of(&mut db, other, &bart).await.unwrap(), Some(Language::De));
    let nobody = "nobody@example.org".parse().unwrap();
    assert_eq!(people::language_of(&mut db, list, &nobody).await.unwrap(), None);
}
