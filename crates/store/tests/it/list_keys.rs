//! Keys of a list over time, on both databases.

use crate::common::{NOW, Site, on_postgres};
use sealist_lists::model::{ListKeyNo, ListNo, NodeNo};
use sealist_mail::Timestamp;
use sealist_store::list_keys::{self, ListKeyPurpose, ListKeyState, NewListKey};
use sealist_store::nodes::{self, Deployment};
use sealist_store::site_key::{self, SiteKeyRow};
use sealist_store::transaction;
use sealist_store::{Conn, Store, StoreError, lists, rotation};

on_both! {
    a_new_key_is_used_when_every_node_has_it,
    a_key_that_waited_is_given_up_for_another,
    there_is_one_key_in_use_and_one_of_a_generation,
    a_key_that_was_replaced_is_retired_in_time,
    a_wrapped_key_comes_and_goes_with_its_row,
    the_first_key_of_the_site_is_the_key,
}

/// The list has its first keys.
async fn with_keys(site: Site) -> Site {
    let list = site.list;
    let made = site.store.write(transaction!(|db| {
        list_keys::insert(&mut *db, list, &key(ListKeyPurpose::Storage, 1, ListKeyState::Used), NOW).await?;
        list_keys::insert(db, list, &key(ListKeyPurpose::Posting, 1, ListKeyState::Used), NOW).await
    }));
    made.await.unwrap();
    site
}

fn key(purpose: ListKeyPurpose, generation: u32, state: ListKeyState) -> NewListKey {
    let fingerprint = format!("{}{generation}", purpose.name());
    let certificate = fingerprint.as_bytes().to_vec();
    NewListKey { purpose, fingerprint, certificate, generation, state, wrapped: None }
}

impl Site {
    async fn add(&self, new: NewListKey) -> Result<ListKeyNo, StoreError> {
        let list = self.list;
        self.store.write(transaction!(|db| list_keys::insert(db, list, &new, NOW).await)).await
    }

    async fn add_waiting(&self, generation: u32) -> ListKeyNo {
        self.add(key(ListKeyPurpose::Posting, generation, ListKeyState::Waiting)).await.unwrap()
    }

    async fn join(&self) -> NodeNo {
        self.store.write(transaction!(|db| nodes::register(db).await)).await.unwrap()
    }

    async fn report(&self, node: NodeNo, keys: Vec<ListKeyNo>) {
        let report = self.store.write(transaction!(|db| rotation::report(db, node, &keys).await));
        report.await.unwrap();
    }

    async fn switch(&self) -> Vec<ListNo> {
        let alone = self.store.alone();
        let switched = self.store.write(transaction!(|db| rotation::switch(db, alone, NOW).await));
        switched.await.unwrap().into_iter().map(|(list, _)| list).collect()
    }

    /// The generations of the posting keys by state.
    async fn posting(&self, state: ListKeyState) -> Vec<u32> {
        let all = list_keys::all(&mut self.store.reader().await.unwrap()).await.unwrap();
        let keys = all.iter().filter(|key| key.purpose == ListKeyPurpose::Posting && key.state == state);
        keys.map(|key| key.generation).collect()
    }

    async fn used(&self) -> String {
        let mut db = self.store.reader().await.unwrap();
        let used =
            list_keys::certificate(&mut db, self.list, ListKeyPurpose::Posting).await.unwrap().unwrap();
        String::from_utf8(used).unwrap()
    }
}

async fn a_new_key_is_used_when_every_node_has_it(site: Site) {
    let site = with_keys(site).await;
    let (first, second, third) = (site.join().await, site.join().await, site.join().await);
    let new = site.add_waiting(2).await;
    assert!(site.switch().await.is_empty());
    site.report(first, vec![new, ListKeyNo(4711)]).await;
    site.report(first, vec![new]).await;
    let lacking = async || {
        let mut db = site.store.reader().await.unwrap();
        rotation::lacking(&mut db, new, site.store.alone()).await.unwrap()
    };
    assert_eq!(lacking().await, [second, third]);
    assert!(site.switch().await.is_empty());
    assert_eq!(site.used().await, "posting1");
    site.report(second, vec![new]).await;
    assert!(site.switch().await.is_empty(), "one lives and has not said so");
    // Who has left is not waited for.
    site.store.write(transaction!(|db| nodes::deregister(db, third).await)).await.unwrap();
    assert_eq!(site.switch().await, [site.list]);
    assert_eq!(site.used().await, "posting2");
    assert_eq!(site.posting(ListKeyState::Replaced).await, [1]);
    assert!(site.switch().await.is_empty(), "once");
    let states = list_keys::states(&mut site.store.reader().await.unwrap(), site.list).await.unwrap();
    let states: Vec<ListKeyState> = states.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, [ListKeyState::Used, ListKeyState::Replaced, ListKeyState::Used]);
}

async fn a_key_that_waited_is_given_up_for_another(site: Site) {
    let site = with_keys(site).await;
    let node = site.join().await;
    let given_up = site.add_waiting(2).await;
    site.report(node, vec![given_up]).await;
    let list = site.list;
    site.store.write(transaction!(|db| rotation::give_up_waiting(db, list, NOW).await)).await.unwrap();
    let new = site.add_waiting(3).await;
    assert!(site.switch().await.is_empty());
    site.report(node, vec![given_up, new]).await;
    assert_eq!(site.switch().await, [site.list]);
    assert_eq!(site.used().await, "posting3");
    assert_eq!(site.posting(ListKeyState::Retired).await, [2]);
    assert_eq!(
        rotation::superseded(&mut site.store.reader().await.unwrap(), list).await.unwrap(),
        None,
        "nobody knows it"
    );
    let mut db = site.store.reader().await.unwrap();
    assert_eq!(list_keys::generation(&mut db, list, ListKeyPurpose::Posting).await.unwrap(), 3);
}

async fn there_is_one_key_in_use_and_one_of_a_generation(site: Site) {
    let site = with_keys(site).await;
    let used = site.add(key(ListKeyPurpose::Posting, 2, ListKeyState::Used)).await;
    assert!(matches!(used, Err(StoreError::Duplicate)), "{used:?}");
    site.add_waiting(2).await;
    let mut again = key(ListKeyPurpose::Posting, 2, ListKeyState::Waiting);
    again.fingerprint = "another".into();
    let again = site.add(again).await;
    assert!(matches!(again, Err(StoreError::Duplicate)), "{again:?}");
    assert_eq!(site.posting(ListKeyState::Waiting).await, [2]);
}

async fn a_key_that_was_replaced_is_retired_in_time(site: Site) {
    let site = with_keys(site).await;
    site.add_waiting(2).await;
    assert_eq!(site.switch().await, [site.list], "without a node nobody is waited for");
    let list = site.list;
    let pairs = async || rotation::to_announce(&mut site.store.reader().await.unwrap()).await.unwrap();
    let (new, old) = pairs().await.remove(0);
    assert_eq!((new.generation, old.generation), (2, 1));
    let announce = async || {
        site.store.write(transaction!(|db| rotation::announced(db, new.no, NOW).await)).await.unwrap()
    };
    assert!(announce().await && !announce().await, "once");
    assert!(pairs().await.is_empty());
    let over = async |before: Timestamp| {
        let over =
            rotation::replaced_before(&mut site.store.reader().await.unwrap(), list, before).await.unwrap();
        over.iter().map(|key| key.no).collect::<Vec<_>>()
    };
    let superseded =
        async || rotation::superseded(&mut site.store.reader().await.unwrap(), list).await.unwrap();
    assert_eq!(over(NOW).await, [], "not yet");
    assert_eq!(over(NOW.plus_ms(1)).await, [old.no]);
    assert_eq!(superseded().await, None);
    let retire = async || {
        let retired =
            site.store.write(transaction!(|db| rotation::retire(db, old.no, b"revoked", NOW).await));
        retired.await.unwrap()
    };
    assert!(retire().await && !retire().await, "once");
    assert_eq!(superseded().await.as_deref(), Some(&b"revoked"[..]));
    assert_eq!(site.posting(ListKeyState::Retired).await, [1]);
    let mut db = site.store.reader().await.unwrap();
    let opening = list_keys::of_list(&mut db, list).await.unwrap();
    assert_eq!(opening.len(), 2, "the storage key and the new one");
}

async fn a_wrapped_key_comes_and_goes_with_its_row(site: Site) {
    let site = with_keys(site).await;
    let list = site.list;
    let new =
        NewListKey { wrapped: Some(vec![1, 2, 3]), ..key(ListKeyPurpose::Posting, 2, ListKeyState::Waiting) };
    let failed = new.clone();
    let written = site.store.write(move |db: &mut Conn| {
        Box::pin(async move {
            list_keys::insert(&mut *db, list, &failed, NOW).await?;
            Err::<(), _>(StoreError::Lost)
        })
    });
    assert!(written.await.is_err());
    assert!(site.posting(ListKeyState::Waiting).await.is_empty(), "with the row or not at all");
    let no = site.add(new).await.unwrap();
    let kept = async || list_keys::wrapped(&mut site.store.reader().await.unwrap(), no).await.unwrap();
    assert_eq!(kept().await, Some(vec![1, 2, 3]));
    let again = site.store.write(transaction!(|db| list_keys::keep_wrapped(db, no, &[4]).await));
    again.await.unwrap();
    assert_eq!(kept().await, Some(vec![4]));
    site.store.write(transaction!(|db| lists::delete(db, list).await)).await.unwrap();
    assert_eq!(kept().await, None);
}

async fn the_first_key_of_the_site_is_the_key(site: Site) {
    let site = with_keys(site).await;
    let known = async || site_key::known(&mut site.store.reader().await.unwrap()).await.unwrap();
    assert_eq!(known().await, None);
    let enter = async |mark: u8| {
        let row = SiteKeyRow { mark: vec![mark], wrapped: None };
        let entered = site.store.write(transaction!(|db| site_key::enter(db, &row).await));
        entered.await.unwrap()
    };
    assert_eq!(enter(1).await.mark, [1]);
    assert_eq!(enter(2).await.mark, [1]);
    site.store.write(transaction!(|db| site_key::keep_wrapped(db, &[9]).await)).await.unwrap();
    assert_eq!(known().await, Some(SiteKeyRow { mark: vec![1], wrapped: Some(vec![9]) }));
}

/// Nodes look at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_nodes_switches() {
    let site = with_keys(on_postgres().await).await;
    let url = site.url.clone();
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(Store::open_url(&url).await.unwrap());
    }
    for generation in 2..30 {
        site.add_waiting(generation).await;
        let mut tasks = tokio::task::JoinSet::new();
        for store in &stores {
            let store = store.clone();
            tasks.spawn(async move {
                store.write(transaction!(|db| rotation::switch(db, Deployment::Cluster, NOW).await)).await
            });
        }
        let all = tasks.join_all().await;
        let switched = all
            .iter()
            .filter(|done| matches!(done, Ok(lists) if lists.len() == 1 && lists[0].0 == site.list))
            .count();
        assert_eq!(switched, 1, "{all:?}");
        assert!(all.iter().all(|done| matches!(done, Ok(_) | Err(StoreError::Lost))), "{all:?}");
        assert_eq!(site.used().await, format!("posting{generation}"));
    }
    assert_eq!(site.posting(ListKeyState::Used).await, [29]);
}
