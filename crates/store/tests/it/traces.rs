//! What is kept of messages and copies that are done, and for how long.

use std::collections::BTreeMap;

use crate::common::{NODE, NOW, Site, claim_copies, claim_entries, join, message, push, sent};
use sealist_lists::budgets::NoticeBudget;
use sealist_lists::draft::Recipients;
use sealist_lists::model::{Channel, EntryNo, ListNo, Role, SendingNo, SubAddress};
use sealist_lists::rules::Reason;
use sealist_mail::{Address, DAY_MS, Timestamp};
use sealist_store::deliveries::{self, DeliveryResult, DeliveryState};
use sealist_store::notices::{self, NewNotice};
use sealist_store::queue::{self, EntryOrigin, NewEntry};
use sealist_store::sendings::{self, Carries, NewSending};
use sealist_store::traces::{self, Forgotten, MessageFate, TraceLimits, TracedCopy};
use sealist_store::transaction;
use sealist_store::{Conn, Store, StoreError, bodies, events, lists, posts};

on_both! {
    a_message_and_its_copies_stay_in_few_rows,
    what_is_old_or_too_much_goes,
    nodes_that_pack_at_once_lose_nothing,
    a_deleted_list_and_a_deleted_person_take_their_traces_along,
}

const MEMBERS: usize = 1200;
const STRANGER: &str = "Gast@far.example";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// A message of that sender, which is accepted: its number.
async fn accepted(db: &mut Conn, list: ListNo, sender: &str, now: Timestamp) -> Result<EntryNo, StoreError> {
    let body = bodies::insert(&mut *db, &message("mail")).await?;
    let new = NewEntry {
        list,
        sub_address: SubAddress::Posting,
        detail: "",
        body,
        arrival: b"t",
        sender,
        source: 0,
        origin: EntryOrigin::Inject,
    };
    queue::enter(&mut *db, &new, now).await?;
    let entry = claim_entries(&mut *db, 1, now).await?.remove(0);
    queue::finish(&mut *db, &entry, MessageFate::Accepted, &[Reason::Unsigned], now).await?;
    Ok(entry.no)
}

/// A post to all members, which that message caused.
async fn posted(db: &mut Conn, list: ListNo, entry: EntryNo) -> Result<SendingNo, StoreError> {
    let body = bodies::insert(&mut *db, &message("words")).await?;
    let post = posts::insert(&mut *db, list, body, NOW).await?;
    let recipients = Recipients { roles: vec![Role::Member], except: Vec::new() };
    let row = NewSending {
        list,
        carries: Carries::Post(post),
        channel: Channel::Open,
        body,
        envelope_from: "team-bounces@lists.example",
        recipients: &recipients,
        entry: Some(entry),
    };
    sendings::insert(db, &row, NOW).await
}

/// A notice to a stranger, which that message caused.
async fn told(db: &mut Conn, list: ListNo, entry: EntryNo) -> Result<(), StoreError> {
    let (to, body) = (address(STRANGER), message("notice"));
    let (kind, budget, channel) = ("x", NoticeBudget::DAILY, Channel::Open);
    let notice =
        NewNotice { list, to: &to, kind, budget, channel, body: &body, probe: None, entry: Some(entry) };
    notices::insert(db, &notice, NOW).await.map(|_| ())
}

/// Sends everything that is due. The next hop has a number for every fifty copies, and refuses one of them.
async fn send_all(db: &mut Conn) -> Result<(), StoreError> {
    while sendings::fan_out(&mut *db, 500, NOW).await?.is_some() {}
    while let Some(batch) = claim_copies(&mut *db, 500).await? {
        let results = batch.rows.iter().map(|row| {
            let reply = format!("250 2.0.0 Ok: queued as {:X}\nand\u{1b}[2Jmore", row.no.0 / 50);
            match row.email == "m7@x.example" {
                true => {
                    DeliveryResult { state: DeliveryState::Failed, reply: "550 no".to_owned(), ..sent(row) }
                }
                false => DeliveryResult { reply, ..sent(row) },
            }
        });
        deliveries::record(&mut *db, NODE, &results.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

async fn clear_away(db: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
    let mut after = SendingNo(0);
    while let Some(next) = sendings::delete_finished(&mut *db, after, 500, now).await? {
        after = next;
    }
    Ok(())
}

fn by_recipient(copies: Vec<TracedCopy>) -> BTreeMap<Option<String>, (String, String)> {
    copies.into_iter().map(|copy| (copy.recipient, (copy.state, copy.reply))).collect()
}

async fn a_message_and_its_copies_stay_in_few_rows(site: Site) {
    let list = site.list;
    let told = site.store.write(transaction!(|db| {
        for number in 0..MEMBERS {
            join(&mut *db, list, &format!("m{number}@x.example")).await?;
        }
        let entry = accepted(&mut *db, list, "Anne@X.example", NOW).await?;
        let sending = posted(&mut *db, list, entry).await?;
        told(&mut *db, list, entry).await?;
        send_all(&mut *db).await?;
        let before = by_recipient(traces::copies_of(&mut *db, sending).await?);
        clear_away(&mut *db, NOW).await?;
        // Events have a time of their own: whom only a trace names keeps the name.
        events::forget(&mut *db, NOW).await?;
        Ok::<_, StoreError>((entry, sending, before))
    }));
    let (entry, sending, before) = told.await.unwrap();
    let mut db = site.store.reader().await.unwrap();
    let message = traces::message(&mut db, entry).await.unwrap().unwrap();
    assert_eq!((message.state.as_str(), message.origin.as_str()), ("accepted", "inject"));
    assert_eq!((message.sender.as_deref(), message.done_at), (Some("anne@x.example"), Some(NOW)));
    assert_eq!(message.reasons, [Reason::Unsigned]);
    let all = traces::sendings_of(&mut db, entry).await.unwrap();
    let all: Vec<_> = all.iter().map(|one| (one.kind.as_str(), one.post_number)).collect();
    assert_eq!(all, [("posting", Some(1)), ("notice", None)]);
    let copies = by_recipient(traces::copies_of(&mut db, sending).await.unwrap());
    assert_eq!(copies.len(), MEMBERS);
    assert_eq!(copies, before, "packed copies say the same");
    assert_eq!(copies[&Some("m7@x.example".to_owned())], ("failed".to_owned(), "550 no".to_owned()));
    let (_, reply) = &copies[&Some("m8@x.example".to_owned())];
    assert!(reply.starts_with("250 2.0.0 Ok: queued as ") && !reply.contains('\u{1b}'), "{reply}");
    assert!(!reply.contains("more"), "of several lines the first one: {reply}");
    for (who, kind) in [("M8@x.example", "posting"), (STRANGER, "notice")] {
        let to = traces::receipts_of(&mut db, &address(who)).await.unwrap();
        let [one] = &to[..] else { panic!("{to:?}") };
        assert_eq!((one.entry, one.sending.kind.as_str(), one.list), (Some(entry), kind, list), "{who}");
        assert_eq!(one.copy.recipient.as_deref().map(Address::key_of), Some(address(who).key()));
    }
    assert!(traces::receipts_of(&mut db, &address("none@x.example")).await.unwrap().is_empty());
    assert_eq!(traces::messages_from(&mut db, &address("anne@x.example")).await.unwrap(), [entry]);
}

/// The upkeep runs on every node, and two of them may come to the same sending.
async fn nodes_that_pack_at_once_lose_nothing(site: Site) {
    let list = site.list;
    let sent = site.store.write(transaction!(|db| {
        for number in 0..MEMBERS {
            join(&mut *db, list, &format!("m{number}@x.example")).await?;
        }
        let entry = accepted(&mut *db, list, "anne@x.example", NOW).await?;
        let sending = posted(&mut *db, list, entry).await?;
        send_all(&mut *db).await?;
        Ok::<_, StoreError>((entry, sending))
    }));
    let (entry, sending) = sent.await.unwrap();
    let mut nodes = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let store = match site.url.as_str() {
            "" => site.store.clone(),
            url => Store::open_url(url).await.unwrap(),
        };
        nodes.spawn(async move {
            let mut after = SendingNo(0);
            let pack =
                |after| store.write(transaction!(|db| sendings::delete_finished(db, after, 20, NOW).await));
            while let Some(next) = pack(after).await? {
                after = next;
            }
            Ok::<_, StoreError>(())
        });
    }
    while let Some(ended) = nodes.join_next().await {
        ended.unwrap().unwrap();
    }
    let mut db = site.store.reader().await.unwrap();
    let copies = by_recipient(traces::copies_of(&mut db, sending).await.unwrap());
    assert_eq!(copies.len(), MEMBERS);
    assert_eq!(traces::sendings_of(&mut db, entry).await.unwrap().len(), 1);
}

async fn what_is_old_or_too_much_goes(site: Site) {
    let list = site.list;
    let kept = site.store.write(transaction!(|db| {
        let mut entries = Vec::new();
        for number in 0..5 {
            entries.push(accepted(&mut *db, list, "anne@x.example", NOW.plus_ms(number * 1000)).await?);
        }
        told(&mut *db, list, entries[0]).await?;
        send_all(&mut *db).await?;
        clear_away(&mut *db, NOW).await?;
        let old = NOW.plus_ms(-DAY_MS);
        let nothing = TraceLimits { messages: old, sendings: old };
        assert_eq!(traces::limits(&mut *db, old, 5).await?, nothing, "five are allowed");
        let beyond = traces::limits(&mut *db, old, 3).await?;
        assert_eq!(beyond.messages, NOW.plus_ms(1001), "the second one and what is older");
        assert_eq!(beyond.sendings, old, "many messages are not many sendings");
        assert_eq!(traces::forget(&mut *db, beyond, 1).await?, Forgotten::Some);
        assert_eq!(traces::forget(&mut *db, beyond, 9).await?, Forgotten::All);
        assert_eq!(
            traces::sendings_of(&mut *db, entries[0]).await?.len(),
            1,
            "a flood of mail takes no notice away"
        );
        let of_sendings = TraceLimits { messages: old, ..traces::limits(&mut *db, old, 0).await? };
        assert_eq!(traces::forget(&mut *db, of_sendings, 9).await?, Forgotten::All);
        let mut left = Vec::new();
        for entry in &entries {
            left.push(traces::message(&mut *db, *entry).await?.is_some());
        }
        let sendings = traces::sendings_of(&mut *db, entries[0]).await?.len();
        let to = traces::receipts_of(&mut *db, &address(STRANGER)).await?.len();
        Ok::<_, StoreError>((left, sendings, to))
    }));
    assert_eq!(kept.await.unwrap(), (vec![false, false, true, true, true], 0, 0));
}

async fn a_deleted_list_and_a_deleted_person_take_their_traces_along(site: Site) {
    let list = site.list;
    let left = site.store.write(transaction!(|db| {
        let entry = accepted(&mut *db, list, "anne@x.example", NOW).await?;
        told(&mut *db, list, entry).await?;
        send_all(&mut *db).await?;
        clear_away(&mut *db, NOW).await?;
        for who in ["anne@x.example", STRANGER] {
            events::forget_person(&mut *db, &address(who)).await?;
        }
        let message = traces::message(&mut *db, entry).await?.unwrap();
        let sending = traces::sendings_of(&mut *db, entry).await?.remove(0);
        let copies = traces::copies_of(&mut *db, sending.no).await?;
        assert_eq!((message.sender, copies[0].recipient.clone()), (None, None), "they name nobody");
        assert!(traces::receipts_of(&mut *db, &address(STRANGER)).await?.is_empty());
        let waits = push(&mut *db, list).await?;
        assert_eq!(traces::message(&mut *db, waits).await?.unwrap().state, "in");
        lists::delete(&mut *db, list).await?;
        let mut found = Vec::new();
        for gone in [entry, waits] {
            found.push(traces::message(&mut *db, gone).await?);
        }
        Ok::<_, StoreError>((found, traces::sendings_of(&mut *db, entry).await?))
    }));
    assert_eq!(left.await.unwrap(), (vec![None, None], Vec::new()));
}
