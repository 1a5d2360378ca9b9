//! What goes wrong inside the database's sub-addresses: nobody is told that all is well when it is not, and
//! nobody waits for ever.

use std::time::Duration;

use crate::common::{NOW, Site, claim_copies, claim_entries, join, make_list, on_postgres, post_to, push};
use sealist_lists::model::{MemberNo, Role};
use sealist_store::copies::{self, CopySelection};
use sealist_store::nodes::{self, Claimant, Deployment};
use sealist_store::sendings;
use sealist_store::transaction;
use sealist_store::{Store, StoreError, deliveries, lists, people};

on_both! {
    a_change_that_goes_on_after_an_error_fails_alone,
    a_change_that_panics_takes_nobody_along_for_long,
    a_post_is_held_with_those_who_are_not_counted_yet,
}

async fn members(site: &Site) -> usize {
    let mut db = site.store.reader().await.unwrap();
    people::roster(&mut db, site.list, Role::Member, MemberNo(0), 100).await.unwrap().len()
}

/// Long enough for others to come into the same commit.
async fn wait_for_company() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}

async fn a_change_that_goes_on_after_an_error_fails_alone(site: Site) {
    let list = site.list;
    let first = site.store.write(transaction!(|db| {
        wait_for_company().await;
        join(db, list, "anne@x.example").await
    }));
    let second = site.store.write(transaction!(|db| {
        let _ = make_list(&mut *db).await;
        Ok::<_, StoreError>(())
    }));
    let (first, _) = tokio::join!(first, second);
    first.unwrap();
    assert_eq!(members(&site).await, 1, "who is told that it is done finds it done");
}

async fn a_change_that_panics_takes_nobody_along_for_long(site: Site) {
    let list = site.list;
    let first = site.store.write(transaction!(|db| {
        join(&mut *db, list, "anne@x.example").await?;
        wait_for_company().await;
        Ok::<_, StoreError>(())
    }));
    let second = site.store.write(move |_| {
        Box::pin(async move {
            assert_eq!(list.0, 0, "a bug");
            Ok::<_, StoreError>(())
        })
    });
    let (first, second) = tokio::join!(first, second);
    assert!(second.is_err());
    assert_eq!(members(&site).await, usize::from(first.is_ok()), "neither more nor less than was said");
    let third = site.store.write(transaction!(|db| join(db, list, "bart@x.example").await));
    third.await.expect("the writer goes on");
}

async fn a_post_is_held_with_those_who_are_not_counted_yet(site: Site) {
    let list = site.list;
    let held = site.store.write(transaction!(|db| {
        let post = post_to(&mut *db, list, 5).await?;
        sendings::fan_out(&mut *db, 2, NOW).await?;
        let held = copies::hold(&mut *db, CopySelection::Of(post)).await?;
        while sendings::fan_out(&mut *db, 2, NOW).await?.is_some() {}
        assert!(claim_copies(&mut *db, 9).await?.is_none(), "it is held");
        assert_eq!(copies::give_up(&mut *db, CopySelection::Of(post)).await?, 5);
        Ok::<_, StoreError>(held)
    }));
    assert_eq!(held.await.unwrap(), 5);
}

/// Mail that comes while a list is released is not left behind.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_a_list_is_released_does_not_stay() {
    let site = on_postgres().await;
    let url = site.url.clone();
    let other = Store::open_url(&url).await.unwrap();
    let list = site.list;
    site.store.write(transaction!(|db| lists::hold(db, list, NOW).await)).await.unwrap();
    let pushed = site.store.write(transaction!(|db| {
        push(&mut *db, list).await?;
        wait_for_company().await;
        Ok::<_, StoreError>(())
    }));
    let release = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        other.write(transaction!(|db| lists::release(db, list).await)).await
    };
    let (pushed, released) = tokio::join!(pushed, release);
    pushed.unwrap();
    assert!(released.unwrap());
    let entries = site.store.write(transaction!(|db| claim_entries(db, 9, NOW).await));
    assert_eq!(entries.await.unwrap().len(), 1, "the list goes on, and so does its mail");
}

/// A node that froze in the middle of a change holds rows that it had claimed.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_bury_lives_all_the_same() {
    let site = on_postgres().await;
    let url = site.url.clone();
    let frozen = Store::open_url(&url).await.unwrap();
    let list = site.list;
    let claimed = site.store.write(transaction!(|db| {
        post_to(&mut *db, list, 2).await?;
        sendings::fan_out(&mut *db, 9, NOW).await?;
        let (dead, alive) = (nodes::register(&mut *db).await?, nodes::register(&mut *db).await?);
        let by = Claimant { node: dead, lacking: Vec::new() };
        let batch = deliveries::claim(&mut *db, &by, 9, NOW).await?.unwrap();
        Ok::<_, StoreError>((dead, alive, batch.rows[0].no))
    }));
    let (dead, alive, row) = claimed.await.unwrap();
    let at_work = frozen.write(transaction!(|db| {
        deliveries::give_back(&mut *db, dead, &[row], NOW).await?;
        tokio::time::sleep(Duration::from_secs(12)).await;
        Err::<(), _>(StoreError::Lost)
    }));
    let beats = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let began = std::time::Instant::now();
        let buried = site.store.write(transaction!(|db| {
            assert!(nodes::heartbeat(&mut *db, alive).await?);
            nodes::release_expired(&mut *db, alive, Deployment::SingleProcess).await
        }));
        let buried = buried.await.expect("this node lives");
        assert!(began.elapsed() < Duration::from_secs(2), "nobody waits for the frozen one");
        buried
    };
    let (_, first) = tokio::join!(at_work, beats);
    let rest = site
        .store
        .write(transaction!(|db| nodes::release_expired(db, alive, Deployment::SingleProcess).await))
        .await
        .unwrap();
    assert_eq!((first, rest), (0, 1), "it is buried when its rows are free");
    let claimant = Claimant { node: alive, lacking: Vec::new() };
    let batch = site.store.write(transaction!(|db| deliveries::claim(db, &claimant, 9, NOW).await));
    assert_eq!(batch.await.unwrap().unwrap().rows.len(), 2, "all that it had is free");
}
