//! Held messages with reasons that a newer version wrote, on both databases: they are kept, listed and
//! accepted.

use crate::common::{NOW, Site, push};
use sealist_lists::rules::Reason;
use sealist_store::holds::{self, Hold};
use sealist_store::nodes::{self, Claimant};
use sealist_store::queue::{self, QueueName};
use sealist_store::transaction;
use sealist_store::turns::Turns;
use sealist_store::{Conn, StoreError, put_aside};

on_both! { a_reason_of_a_newer_version_is_kept }

async fn a_reason_of_a_newer_version_is_kept(site: Site) {
    let list = site.list;
    let held = site.store.write(transaction!(|db| story(db, list).await));
    held.await.unwrap();
    let counted = put_aside::counts(&mut site.store.reader().await.unwrap(), list, NOW).await.unwrap();
    assert_eq!(counted, [("smells-of-fish".to_owned(), 1)]);
}

async fn story(db: &mut Conn, list: sealist_lists::model::ListNo) -> Result<(), StoreError> {
    let reasons = vec![Reason::TooLarge, Reason::read("smells-of-fish")];
    push(&mut *db, list).await?;
    let node = nodes::register(&mut *db).await?;
    let claimant = Claimant { node, lacking: Vec::new() };
    let entry = queue::claim(&mut *db, &claimant, 1, 0, &mut Turns::default(), NOW).await?.remove(0);
    let hold = Hold { reasons: &reasons, member: None, told: None, summary: None };
    holds::hold(&mut *db, &entry, hold, NOW).await?;
    let listed = queue::listed(&mut *db, QueueName::Hold).await?;
    assert_eq!((listed.len(), &listed[0].reasons), (1, &reasons));
    assert_eq!(holds::of_list(&mut *db, list).await?.len(), 1);
    assert!(queue::resume(&mut *db, entry.no, NOW).await?);
    let again = queue::claim(&mut *db, &claimant, 1, 0, &mut Turns::default(), NOW).await?.remove(0);
    assert_eq!((again.approved, again.reasons), (true, reasons));
    put_aside::count(db, list, Reason::read("smells-of-fish"), NOW).await
}
