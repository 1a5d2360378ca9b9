//! The daily check of certificates in the database, on both.

use crate::common::{NOW, Site};
use sealist_lists::model::{AddressNo, Preferences, Role};
use sealist_mail::{Address, Timestamp};
use sealist_store::key_checks::{self, KeyCheckResult, Pass, Warned, WatchedCertificate};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::list_keys::{self, ListKeyPurpose, ListKeyState, NewListKey};
use sealist_store::transaction;
use sealist_store::{key_news, people};

on_both! {
    one_node_does_the_work_of_a_day,
    of_two_that_judge_a_key_one_is_recorded,
    an_owner_hears_once_of_all_lists,
    a_plain_list_uses_no_keys,
    a_key_in_doubt_gets_no_card,
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn after(ms: i64) -> Timestamp {
    NOW.plus_ms(ms)
}

impl Site {
    async fn begin(&self, epoch: u32, now: Timestamp) -> Option<Pass> {
        let due = key_checks::is_due(&mut self.store.reader().await.unwrap(), epoch, now).await.unwrap();
        let begun =
            self.store.write(transaction!(|db| key_checks::begin(db, epoch, now).await)).await.unwrap();
        assert_eq!(due, begun.is_some());
        begun
    }

    async fn end(&self, pass: Pass, now: Timestamp) {
        self.store.write(transaction!(|db| key_checks::end(db, pass, now).await)).await.unwrap();
    }

    /// Somebody with a certificate and no card, in that role.
    async fn with_key(&self, address: &str, role: Role) -> AddressNo {
        let (list, address): (_, Address) = (self.list, address.parse().unwrap());
        let made = self.store.write(transaction!(|db| {
            let no = people::ensure_address(&mut *db, &address, "", NOW).await?;
            let row = CertificateRow {
                fingerprint: "F".into(),
                certificate: b"certificate".to_vec(),
                card: None,
                unusable: Some("it is not made".into()),
                confirmed_at: Some(NOW),
            };
            keys::set_certificate(&mut *db, no, &row, NOW).await?;
            people::add_member(&mut *db, list, no, role, Preferences::default(), NOW).await?;
            Ok::<_, sealist_store::StoreError>(no)
        }));
        made.await.unwrap()
    }

    async fn with_list_key(&self) {
        let list = self.list;
        let key = NewListKey {
            purpose: ListKeyPurpose::Posting,
            fingerprint: "L".into(),
            certificate: Vec::new(),
            generation: 1,
            state: ListKeyState::Used,
            wrapped: None,
        };
        let made = self.store.write(transaction!(|db| list_keys::insert(db, list, &key, NOW).await));
        made.await.unwrap();
    }

    async fn watched(&self, address: AddressNo) -> WatchedCertificate {
        key_checks::watched(&mut self.store.reader().await.unwrap(), address).await.unwrap().unwrap()
    }

    async fn record(&self, seen: &WatchedCertificate, found: KeyCheckResult, now: Timestamp) -> bool {
        let seen = seen.clone();
        let done = self.store.write(transaction!(|db| key_checks::record(db, &seen, &found, now).await));
        done.await.unwrap()
    }

    async fn due(&self, pass: Pass, now: Timestamp) -> Vec<AddressNo> {
        let mut db = self.store.reader().await.unwrap();
        key_checks::due(&mut db, pass, AddressNo(0), 500, now).await.unwrap()
    }
}

fn warned(stage: u32) -> Warned {
    Warned { fingerprint: "F".into(), until: Some(after(DAY)), stage }
}

async fn one_node_does_the_work_of_a_day(site: Site) {
    let first = site.begin(1, NOW).await.unwrap();
    assert_eq!(site.begin(1, after(9 * MINUTE)).await, None, "somebody is at it");
    let taken = site.begin(1, after(11 * MINUTE)).await.unwrap();
    assert_eq!(taken, first, "who went silent is replaced");
    site.end(taken, after(12 * MINUTE)).await;
    assert_eq!(site.begin(1, after(DAY - 1)).await, None);
    let newer = site.begin(2, after(DAY - 1)).await.unwrap();
    assert_ne!(newer, first, "new rules do not wait for tomorrow");
    site.end(newer, after(DAY)).await;
    assert_eq!(site.begin(2, after(DAY)).await, None);
    let next = site.begin(2, after(2 * DAY)).await.unwrap();
    site.end(next, after(2 * DAY)).await;
    assert!(site.begin(2, after(-2 * DAY)).await.is_some(), "the clock was set back");
}

async fn of_two_that_judge_a_key_one_is_recorded(site: Site) {
    let anne = site.with_key("anne@example.org", Role::Member).await;
    let pass = site.begin(1, after(1)).await.unwrap();
    assert_eq!(site.due(pass, after(1)).await, [anne]);
    let (here, there) = (site.watched(anne).await, site.watched(anne).await);
    let found = || KeyCheckResult { card: Ok(b"card".to_vec()), warned: Some(warned(7)) };
    assert!(site.record(&here, found(), after(2)).await);
    assert!(!site.record(&there, found(), after(3)).await);
    assert_eq!(site.due(pass, after(3)).await, [], "it had its turn");
    let now = site.watched(anne).await;
    assert_eq!((now.card.as_deref(), now.unusable.as_deref()), (Some(&b"card"[..]), None));
    assert_eq!(now.warned, Some(warned(7)));
    // A key that was set meanwhile is not overwritten by what was found of the old one.
    site.store
        .write(transaction!(|db| {
            let row = keys::certificate_of(&mut *db, anne).await?.unwrap();
            keys::set_certificate(db, anne, &row, after(4)).await
        }))
        .await
        .unwrap();
    assert!(!site.record(&now, KeyCheckResult { card: Err("old".into()), warned: None }, after(5)).await);
    let again = site.watched(anne).await;
    assert!(
        site.record(&again, KeyCheckResult { card: Err("expired".into()), warned: None }, after(6)).await
    );
    let now = site.watched(anne).await;
    assert_eq!((now.card, now.unusable.as_deref(), now.warned), (None, Some("expired"), None));
}

async fn an_owner_hears_once_of_all_lists(site: Site) {
    site.with_list_key().await;
    let olga = site.with_key("olga@example.org", Role::Owner).await;
    let anne = site.with_key("anne@example.org", Role::Member).await;
    let owners = async |before| {
        let mut db = site.store.reader().await.unwrap();
        key_news::owners(&mut db, before, AddressNo(0), 500).await.unwrap()
    };
    let news = async |owner: &key_news::OwnerOfList| {
        let mut db = site.store.reader().await.unwrap();
        key_news::for_owner(&mut db, owner, 500).await.unwrap()
    };
    let owner = owners(after(1)).await.remove(0);
    assert_eq!((owner.no, news(&owner).await.1), (olga, 0));
    let seen = site.watched(anne).await;
    assert!(
        site.record(&seen, KeyCheckResult { card: Ok(vec![1]), warned: Some(warned(7)) }, after(5)).await
    );
    let (lines, count) = news(&owner).await;
    assert_eq!((lines[0].email.as_str(), lines[0].until, count), ("anne@example.org", Some(after(DAY)), 1));
    let told = async |owner: key_news::OwnerOfList| {
        let told = site.store.write(transaction!(|db| key_news::mark_told(db, &owner, after(6)).await));
        told.await.unwrap()
    };
    assert!(told(owner.clone()).await);
    assert!(!told(owner).await, "another node was quicker");
    assert!(owners(after(6)).await.is_empty());
    let owner = owners(after(7)).await.remove(0);
    assert_eq!(news(&owner).await.1, 0);
    // The same state again is no news, another is.
    let seen = site.watched(anne).await;
    assert!(
        site.record(&seen, KeyCheckResult { card: Ok(vec![1]), warned: Some(warned(7)) }, after(8)).await
    );
    assert_eq!(news(&owner).await.1, 0);
    let seen = site.watched(anne).await;
    assert!(
        site.record(&seen, KeyCheckResult { card: Err("expired".into()), warned: Some(warned(0)) }, after(9))
            .await
    );
    assert_eq!(news(&owner).await.0[0].unusable.as_deref(), Some("expired"));
}

async fn a_plain_list_uses_no_keys(site: Site) {
    let anne = site.with_key("anne@example.org", Role::Member).await;
    let lists = async || {
        let mut db = site.store.reader().await.unwrap();
        (
            key_checks::openpgp_lists_of(&mut db, anne).await.unwrap(),
            key_checks::everybody(&mut db, AddressNo(0), 9).await.unwrap().len(),
        )
    };
    assert_eq!(lists().await, (vec![], 1));
    site.with_list_key().await;
    assert_eq!(lists().await, (vec![site.list], 1));
}

/// Whoever forgets to ask is refused by the database.
async fn a_key_in_doubt_gets_no_card(site: Site) {
    let address = site.with_key("anne@x.example", Role::Member).await;
    for (confirmed_at, stored) in [(None, false), (Some(NOW), true)] {
        let row = CertificateRow {
            fingerprint: "F".into(),
            certificate: b"certificate".to_vec(),
            card: Some(b"card".to_vec()),
            unusable: None,
            confirmed_at,
        };
        let set: Result<(), sealist_store::StoreError> =
            site.store.write(transaction!(|db| keys::set_certificate(db, address, &row, NOW).await)).await;
        assert_eq!(set.is_ok(), stored, "{confirmed_at:?}: {set:?}");
    }
}
