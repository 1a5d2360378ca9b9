//! Whose turn it is in the queue.

use crate::common::{NOW, Site, claimant, message};
use sealist_lists::model::{ListName, ListNo, ListSettings, SubAddress};
use sealist_store::transaction;
use sealist_store::turns::Turns;
use sealist_store::{StoreError, bodies, lists, queue};

on_both! {
    a_flood_at_one_list_delays_no_other,
    a_flood_of_one_source_delays_no_other,
    one_that_broke_the_runner_waits_until_nothing_is_judged,
}

async fn another_list(site: &Site) -> ListNo {
    let name: ListName = "other@lists.example".parse().unwrap();
    let made = site.store.write(transaction!(|db| async move {
        lists::create(db, &name, "legacy-default", &ListSettings::default(), NOW).await
    }
    .await));
    made.await.unwrap()
}

/// Stores one message after the other: for which list, from which source.
async fn fill(site: &Site, entries: Vec<(ListNo, u16)>) {
    let stored = site.store.write(transaction!(|db| {
        for (list, source) in entries {
            let body = bodies::insert(&mut *db, &message("mail")).await?;
            queue::enter(
                &mut *db,
                &queue::NewEntry {
                    list,
                    sub_address: SubAddress::Posting,
                    detail: "",
                    body,
                    arrival: b"t",
                    sender: "",
                    source,
                    origin: queue::EntryOrigin::Lmtp,
                },
                NOW,
            )
            .await?;
        }
        Ok::<_, StoreError>(())
    }));
    stored.await.unwrap();
}

/// Claims so many, by who was last.
async fn next(site: &Site, limit: u32, judged: usize, turns: &mut Turns) -> Vec<queue::QueueEntry> {
    let (claimant, mut next) = (claimant(), turns.clone());
    let claimed = site.store.write(transaction!(|db| {
        let entries = queue::claim(db, &claimant, limit, judged, &mut next, NOW).await?;
        Ok::<_, StoreError>((entries, next))
    }));
    let (entries, next) = claimed.await.unwrap();
    *turns = next;
    entries
}

async fn a_flood_at_one_list_delays_no_other(site: Site) {
    let (flooded, other) = (site.list, another_list(&site).await);
    let mut entries = vec![(flooded, 7); 40];
    entries.extend([(other, 8), (other, 8)]);
    fill(&site, entries).await;
    let mut turns = Turns::default();
    for _ in 0..2 {
        let two = next(&site, 2, 0, &mut turns).await;
        let mut lists: Vec<_> = two.iter().map(|entry| entry.list).collect();
        lists.sort();
        assert_eq!(lists, [flooded, other], "one of each");
    }
    assert_eq!(next(&site, 100, 0, &mut turns).await.len(), 38, "then all that is left");
}

async fn a_flood_of_one_source_delays_no_other(site: Site) {
    let list = site.list;
    let mut entries = vec![(list, 7); 40];
    entries.extend([(list, 3), (list, 65_535)]);
    fill(&site, entries).await;
    let mut turns = Turns::default();
    let mut first = Vec::new();
    for _ in 0..3 {
        first.extend(next(&site, 1, 0, &mut turns).await);
    }
    let of_flood = first.iter().filter(|entry| entry.no.0 <= 40).count();
    assert_eq!((first.len(), of_flood), (3, 1));
    assert_eq!(next(&site, 100, 0, &mut turns).await.len(), 39);
    assert!(next(&site, 100, 0, &mut turns).await.is_empty());
}

async fn one_that_broke_the_runner_waits_until_nothing_is_judged(site: Site) {
    fill(&site, vec![(site.list, 7); 2]).await;
    let mut turns = Turns::default();
    let broke = next(&site, 1, 0, &mut turns).await.remove(0);
    let no = broke.no;
    let back = site.store.write(transaction!(|db| queue::put_off(db, &broke, NOW).await));
    back.await.unwrap();
    let beside = next(&site, 9, 1, &mut turns).await;
    assert!(beside.iter().all(|entry| entry.no != no));
    let alone = loop {
        let found = next(&site, 9, 0, &mut turns).await;
        if found.iter().any(|entry| entry.no == no) {
            break found;
        }
        assert!(!found.is_empty(), "it comes at last");
    };
    assert_eq!(alone.len(), 1);
}
