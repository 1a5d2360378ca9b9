//! Copies that are not to go out any more, those that are to, and posts that are kept no more.

use crate::common::{Archived, NODE, NOW, Site, claim_copies, join, post, sent};
use sealist_lists::model::{DeliveryMode, Preferences, Role};
use sealist_store::deliveries::{self, DeliveryResult, DeliveryState};
use sealist_store::transaction;
use sealist_store::{StoreError, lists, people, sendings};

on_both! {
    copies_to_who_left_are_gone,
    who_chose_digests_gets_each_post,
}

/// Due, claimed, held for a key and held; what is out stays recorded.
async fn copies_to_who_left_are_gone(site: Site) {
    let list = site.list;
    let told = site.store.write(transaction!(|db| {
        for name in ["anne", "bart"] {
            join(&mut *db, list, &format!("{name}@example.org")).await?;
        }
        post(&mut *db, list, Archived::No).await?;
        sendings::fan_out(&mut *db, 100, NOW).await?;
        let mut left = Vec::new();
        for state in [
            DeliveryState::Due(NOW),
            DeliveryState::HeldForKey,
            DeliveryState::Held,
            DeliveryState::Failed,
            DeliveryState::Sent,
        ] {
            let batch = claim_copies(&mut *db, 100).await?.unwrap();
            let rows: Vec<_> = batch.rows.iter().map(|row| row.no).collect();
            let bart = batch.rows.iter().find(|row| row.email.starts_with("bart")).unwrap();
            let member = bart.member.unwrap();
            if state != DeliveryState::Due(NOW) {
                let settled = DeliveryResult { state, ..sent(bart) };
                deliveries::record(&mut *db, NODE, &[settled]).await?;
            }
            assert!(deliveries::gone(&mut *db, &rows).await?.is_empty());
            people::remove_member(&mut *db, member).await?;
            left.push(deliveries::gone(&mut *db, &rows).await? == [bart.no]);
            // A result that comes late changes nothing.
            deliveries::record(&mut *db, NODE, &[sent(bart)]).await?;
            // The next round.
            let rest: Vec<_> = batch.rows.iter().map(sent).collect();
            deliveries::record(&mut *db, NODE, &rest).await?;
            join(&mut *db, list, "bart@example.org").await?;
            post(&mut *db, list, Archived::No).await?;
            sendings::fan_out(&mut *db, 100, NOW).await?;
        }
        let batch = claim_copies(&mut *db, 100).await?.unwrap();
        let rows: Vec<_> = batch.rows.iter().map(|row| row.no).collect();
        assert_eq!(rows.len(), 2);
        lists::delete(&mut *db, list).await?;
        assert_eq!(deliveries::gone(&mut *db, &rows).await?, rows, "with their list");
        Ok::<_, StoreError>(left)
    }));
    assert_eq!(told.await.unwrap(), [true, true, true, true, false]);
}

async fn who_chose_digests_gets_each_post(site: Site) {
    let list = site.list;
    let batch = site.store.write(transaction!(|db| {
        let anne = people::ensure_address(&mut *db, &"anne@example.org".parse().unwrap(), "", NOW).await?;
        let digests =
            Preferences { delivery_mode: Some(DeliveryMode::MimeDigests), ..Preferences::default() };
        people::add_member(&mut *db, list, anne, Role::Member, digests, NOW).await?;
        post(&mut *db, list, Archived::No).await?;
        sendings::fan_out(&mut *db, 100, NOW).await?;
        claim_copies(db, 100).await
    }));
    assert_eq!(batch.await.unwrap().unwrap().rows.len(), 1);
}
