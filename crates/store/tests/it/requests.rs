//! Requests, tokens, key changes, the record of who did what, and how often notices go out: on both
//! databases.

use crate::common::{NODE, NOW, Site, claim_copies, message};
use sealist_lists::budgets::{Budgets, NoticeBudget, NoticePurpose, RequesterTrust};
use sealist_lists::model::{Channel, ListNo, RequestNo};
use sealist_lists::workflows::{Goal, WorkflowRun, Workflows};
use sealist_mail::{Address, HOUR_MS, Timestamp};
use sealist_store::deliveries::{self, Delivery, DeliveryResult, DeliveryState};
use sealist_store::key_changes::{self, Authority, KeyChange};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::notices::{self, LimitReached, NewNotice};
use sealist_store::requests::{self, RequestState, RequestedBy};
use sealist_store::sendings;
use sealist_store::tokens::{self, TokenSubject};
use sealist_store::transaction;
use sealist_store::{Conn, StoreError, lists, people, testing};

on_both! {
    of_many_answers_at_once_one_counts,
    copies_wait_for_an_approval,
    a_token_is_bound_and_ends_with_its_request,
    what_nobody_answers_expires,
    what_a_newer_version_asked_is_kept,
    what_expired_is_in_nobodys_way,
    an_answer_is_for_the_key_that_was_asked_about,
    a_request_of_a_kind_is_there_once,
    the_word_of_a_compromised_key_is_taken_back,
    strangers_hear_little_and_others_enough,
    the_proven_displace_the_others,
    a_key_takes_the_place_of_the_one_that_was_seen,
}

/// Copies wait as long as those in charge have not decided on a key, and no longer when they refused it.
async fn copies_wait_for_an_approval(site: Site) {
    let list = site.list;
    let step = |ended: bool| {
        let store = site.store.clone();
        async move {
            let dropped = store.write(transaction!(|db| {
                let run = WorkflowRun::new(Workflows::default().named("confirm").unwrap(), Goal::ApproveKey);
                if ended {
                    let request = requests::of_address(&mut *db, list, &anne(), NOW).await?.remove(0);
                    assert!(requests::end(&mut *db, &request).await?);
                } else {
                    crate::common::join(&mut *db, list, "anne@example.org").await?;
                    crate::common::post(&mut *db, list, crate::common::Archived::No).await?;
                    sendings::fan_out(&mut *db, 100, NOW).await?;
                    let batch = claim_copies(&mut *db, 10).await?.unwrap();
                    let waits = |row: &Delivery| DeliveryResult {
                        no: row.no,
                        email: row.email.clone(),
                        state: DeliveryState::HeldForKey,
                        reply: String::new(),
                        refused_at: None,
                    };
                    let results: Vec<_> = batch.rows.iter().map(waits).collect();
                    deliveries::record(&mut *db, NODE, &results).await?;
                    people::mark_key_pending_approval(&mut *db, list, &anne()).await?;
                    requests::insert(&mut *db, list, &anne(), &stage(&run), NOW).await?;
                }
                deliveries::give_up_waiting(db, list, NOW.plus_ms(1000 * HOUR_MS)).await
            }));
            dropped.await.unwrap()
        }
    };
    assert!(step(false).await.is_empty(), "the approval is pending");
    assert_eq!(step(true).await, ["anne@example.org"], "it was refused");
}

fn anne() -> Address {
    "Anne@example.org".parse().unwrap()
}

fn run() -> WorkflowRun {
    WorkflowRun::new(Workflows::default().named("confirm").unwrap(), Goal::Subscribe)
}

fn stage(run: &WorkflowRun) -> RequestState<'_> {
    RequestState {
        run,
        certificate: None,
        question: "confirmation",
        expires_at: NOW.plus_ms(HOUR_MS),
        by: RequestedBy::Anybody,
    }
}

async fn begin(db: &mut Conn, list: ListNo, run: &WorkflowRun) -> Result<RequestNo, StoreError> {
    requests::insert(db, list, &anne(), &stage(run), NOW).await
}

async fn of_many_answers_at_once_one_counts(site: Site) {
    let list = site.list;
    let no = site.store.write(transaction!(|db| begin(db, list, &run()).await)).await.unwrap();
    let before = requests::by_no(&mut site.store.reader().await.unwrap(), no).await.unwrap().unwrap();
    let mut answers = tokio::task::JoinSet::new();
    for number in 0..100 {
        let (store, before) = (site.store.clone(), before.clone());
        answers.spawn(async move {
            store
                .write(transaction!(|db| {
                    if number % 2 == 0 {
                        return requests::end(db, &before).await;
                    }
                    let run = WorkflowRun { confirmed: true, ..run() };
                    requests::advance(db, &before, &stage(&run)).await
                }))
                .await
                .unwrap()
        });
    }
    let counted = answers.join_all().await.into_iter().filter(|counted| *counted).count();
    assert_eq!(counted, 1);
}

async fn what_expired_is_in_nobodys_way(site: Site) {
    let list = site.list;
    site.store
        .write(transaction!(|db| {
            let run = run();
            begin(&mut *db, list, &run).await?;
            let later = NOW.plus_ms(HOUR_MS);
            let stage = RequestState { expires_at: later.plus_ms(HOUR_MS), ..stage(&run) };
            requests::insert(&mut *db, list, &anne(), &stage, later).await?;
            assert_eq!(requests::waiting(db, Some(list), RequestNo(0), 9).await?.len(), 1);
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}

async fn an_answer_is_for_the_key_that_was_asked_about(site: Site) {
    let list = site.list;
    let (run, until) = (run(), NOW.plus_ms(2 * HOUR_MS));
    site.store
        .write(transaction!(|db| {
            let no = begin(&mut *db, list, &run).await?;
            let before = requests::by_no(&mut *db, no).await?.unwrap();
            let again = RequestState { certificate: Some(b"another key"), expires_at: until, ..stage(&run) };
            assert!(requests::advance(&mut *db, &before, &again).await?);
            assert!(!requests::end(db, &before).await?);
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}

async fn a_token_is_bound_and_ends_with_its_request(site: Site) {
    let list = site.list;
    site.store
        .write(transaction!(|db| {
            let no = begin(&mut *db, list, &run()).await?;
            let (mine, other) = ([1; 32], [2; 32]);
            let until = NOW.plus_ms(HOUR_MS);
            tokens::add(&mut *db, TokenSubject::Request(no), &mine, &anne(), until).await?;
            let eve: Address = "eve@example.org".parse().unwrap();
            let me: Address = "anne@EXAMPLE.org".parse().unwrap();
            for (mark, who, at, expected) in [
                (&mine, &me, NOW, Some(TokenSubject::Request(no))),
                (&mine, &eve, NOW, None),
                (&other, &me, NOW, None),
                (&mine, &me, until, None),
            ] {
                assert_eq!(tokens::subject_of(&mut *db, mark, who, at).await?, expected);
            }
            let request = requests::by_no(&mut *db, no).await?.unwrap();
            assert!(requests::end(&mut *db, &request).await?);
            assert_eq!(tokens::subject_of(&mut *db, &mine, &me, NOW).await?, None);
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}

async fn what_nobody_answers_expires(site: Site) {
    let list = site.list;
    site.store
        .write(transaction!(|db| {
            assert_eq!(requests::counted(&mut *db, "confirmation").await?, None);
            begin(&mut *db, list, &run()).await?;
            assert_eq!(requests::counted(&mut *db, "confirmation").await?, Some((1, NOW)));
            assert_eq!(requests::of_address(&mut *db, list, &anne(), NOW).await?.len(), 1);
            assert_eq!(requests::expire(&mut *db, 10, NOW).await?.len(), 0);
            let later = NOW.plus_ms(HOUR_MS);
            assert_eq!(requests::of_address(&mut *db, list, &anne(), later).await?.len(), 0);
            let over = requests::expire(&mut *db, 10, later).await?;
            assert_eq!(over[0].run.goal, Goal::Subscribe);
            assert_eq!(requests::waiting(&mut *db, Some(list), RequestNo(0), 10).await?.len(), 0);
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}

/// A request that only a newer version knows is in nobody's way; one with more in it than this version knows
/// goes on.
async fn what_a_newer_version_asked_is_kept(site: Site) {
    let list = site.list;
    let known = serde_json::to_value(run()).unwrap();
    let with = |field: &str, value: serde_json::Value| {
        let mut run = known.clone();
        run[field] = value;
        run.to_string()
    };
    let later = NOW.plus_ms(2 * HOUR_MS);
    for (newer, is_known) in [
        (with("mood", "sunny".into()), true),
        (with("goal", "merge-lists".into()), false),
        (with("goal", serde_json::json!({"merge": "lists"})), false),
        ("[]".to_owned(), false),
    ] {
        let found = site.store.write(transaction!(|db| {
            let no = begin(&mut *db, list, &run()).await?;
            testing::write_run(&mut *db, no, &newer).await?;
            let unknown = requests::unknown(&mut *db, Some(list)).await?;
            let one = (requests::by_no(&mut *db, no).await?.is_some(), unknown.len());
            let waiting = requests::waiting(&mut *db, None, RequestNo(0), 10).await?.len();
            let of_anne = requests::of_address(&mut *db, list, &anne(), NOW).await?.len();
            let over = requests::expire(&mut *db, 10, later).await?.len();
            let left = requests::unknown(&mut *db, None).await?.len();
            testing::write_run(&mut *db, no, &serde_json::to_string(&run()).unwrap()).await?;
            requests::expire(&mut *db, 10, later).await?;
            Ok::<_, StoreError>((one, waiting, of_anne, over, left))
        }));
        let expected = if is_known { ((true, 0), 1, 1, 1, 0) } else { ((false, 1), 0, 0, 0, 1) };
        assert_eq!(found.await.unwrap(), expected);
    }
}

async fn a_request_of_a_kind_is_there_once(site: Site) {
    for first in [true, false] {
        let list = site.list;
        let done = site.store.write(transaction!(|db| begin(db, list, &run()).await)).await;
        assert_eq!(matches!(done, Err(StoreError::Duplicate)), !first);
    }
}

async fn the_word_of_a_compromised_key_is_taken_back(site: Site) {
    site.store
        .write(transaction!(|db| {
            let address = people::ensure_address(&mut *db, &anne(), "", NOW).await?;
            let change = |old: &str, new: &str, authority| KeyChange {
                old: old.to_owned(),
                old_certificate: (!old.is_empty()).then(|| vec![1, 2, 3]),
                new: new.to_owned(),
                authority,
                list: None,
                changed_at: NOW,
                suspended_at: None,
            };
            let chain = [
                change("", "A", Authority::Possession),
                change("A", "B", Authority::OldKey),
                change("B", "C", Authority::Moderator),
            ];
            for one in &chain {
                key_changes::add(&mut *db, address, one).await?;
            }
            assert_eq!(key_changes::of(&mut *db, address).await?, chain);
            assert_eq!(key_changes::revoke_authority(&mut *db, address, "A", NOW).await?, 1);
            assert_eq!(
                key_changes::revoke_authority(&mut *db, address, "B", NOW).await?,
                0,
                "a moderator's word"
            );
            let void: Vec<_> =
                key_changes::of(&mut *db, address).await?.iter().map(|one| one.suspended_at).collect();
            assert_eq!(void, [None, Some(NOW), None]);
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}

async fn write(
    db: &mut Conn,
    list: ListNo,
    to: &str,
    (kind, budget): (&str, NoticeBudget),
    now: Timestamp,
) -> Result<Option<LimitReached>, StoreError> {
    let (to, body): (Address, _) = (to.parse().unwrap(), message("words"));
    let ahead = notices::spent(&mut *db, list, &to, kind, budget, now).await?;
    let notice = NewNotice {
        list,
        to: &to,
        kind,
        budget,
        channel: Channel::Open,
        body: &body,
        probe: None,
        entry: None,
    };
    let spent = notices::insert(&mut *db, &notice, now).await?;
    assert_eq!(ahead, spent, "the look ahead and the decision agree");
    Ok(spent)
}

/// Of what strangers have in an hour mail of one source takes a tenth, or what nobody else needs; what it is
/// refused takes nothing from others.
async fn mail_of_one_source_takes_a_tenth(db: &mut Conn, list: ListNo) -> Result<(), StoreError> {
    let budget =
        Budgets { max_stranger_notices_per_hour: 50 }.of(RequesterTrust::Stranger, NoticePurpose::Question);
    let (at, mut went) = (NOW.plus_ms(20 * HOUR_MS), [0; 12]);
    for source in 0..12 {
        for number in 0..20_u16 {
            let to = format!("s{source}-{number}@example.org");
            // Messages are judged at the same time, and not in the order of their times.
            let now = at.plus_ms(-i64::from(number % 3));
            let spent = write(&mut *db, list, &to, ("q", budget.of_source(Some(source))), now).await?;
            went[usize::from(source)] += u32::from(spent.is_none());
            let hour = LimitReached::Hour { ends_at: Some(at.plus_ms(HOUR_MS)) };
            assert!(spent.is_none_or(|spent| spent == hour), "{spent:?}");
        }
    }
    assert_eq!(went, [12, 5, 5, 5, 5, 5, 5, 5, 3, 0, 0, 0], "a quarter is for whoever comes first");
    let (next, row) = (at.plus_ms(HOUR_MS), ("q", budget.of_source(Some(11))));
    assert_eq!(write(&mut *db, list, "s11-0@example.org", row, next).await?, None);
    Ok(())
}

/// What strangers are sent is limited by kind, by address and by the hour; what others are sent, by kind, and
/// nobody uses the budget of anybody else.
async fn strangers_hear_little_and_others_enough(site: Site) {
    site.store
        .write(transaction!(|db| {
            let mut own = Vec::new();
            for number in 0..9 {
                let name = format!("l{number}@lists.example").parse().unwrap();
                own.push(lists::create(&mut *db, &name, "x", &Default::default(), NOW).await?);
            }
            let budgets = Budgets { max_stranger_notices_per_hour: 12 };
            let purposes = [
                NoticePurpose::Question,
                NoticePurpose::Answer,
                NoticePurpose::PublicKey,
                NoticePurpose::Held,
            ];
            let mut sent = [0_u32; 4];
            for (number, purpose) in purposes.into_iter().enumerate() {
                let row = (["q", "a", "k", "h"][number], budgets.of(RequesterTrust::Stranger, purpose));
                for list in own.iter().chain(&own) {
                    let spent = write(&mut *db, *list, "anne@example.org", row, NOW).await?;
                    sent[number] += u32::from(spent.is_none());
                    let again = write(&mut *db, *list, "anne@example.org", row, NOW).await?;
                    assert!(again.is_some(), "{purpose:?}: one of a kind and list");
                }
            }
            assert_eq!(sent, [5, 3, 0, 0], "questions are apart, all else shares");
            // The same address, shown to be what it says; one that has a role; and what nobody asked for.
            let apart = [
                budgets.of(RequesterTrust::Proven, NoticePurpose::Question),
                budgets.of(RequesterTrust::Known, NoticePurpose::Answer),
                NoticeBudget::a_day(4),
            ];
            for budget in apart {
                let mut went = 0;
                for _ in 0..30 {
                    let row = ("q", budget);
                    went += u32::from(write(&mut *db, own[0], "anne@example.org", row, NOW).await?.is_none());
                }
                assert_eq!(went, budget.most_a_day);
            }
            // Others have their own pools, and the hour has an end.
            let row = ("q", budgets.of(RequesterTrust::Stranger, NoticePurpose::Question));
            let mut hour = Vec::new();
            for number in 0..9 {
                let to = format!("n{number}@example.org");
                hour.push(write(&mut *db, own[8], &to, row, NOW.plus_ms(HOUR_MS - 1)).await?);
            }
            assert_eq!(hour[..4], [None; 4], "eight went to anne");
            assert_eq!(hour[4..], [Some(LimitReached::Hour { ends_at: Some(NOW.plus_ms(HOUR_MS)) }); 5]);
            assert_eq!(write(&mut *db, own[8], "n8@example.org", row, NOW.plus_ms(HOUR_MS)).await?, None);
            let back = NOW.plus_ms(-HOUR_MS);
            assert_eq!(write(&mut *db, own[8], "n7@example.org", row, back).await?, None, "a clock set back");
            let none = Budgets { max_stranger_notices_per_hour: 0 };
            let none = ("q", none.of(RequesterTrust::Stranger, NoticePurpose::Question));
            let later = NOW.plus_ms(9 * HOUR_MS);
            assert_eq!(
                write(&mut *db, own[8], "x@example.org", none, later).await?,
                Some(LimitReached::Hour { ends_at: None })
            );
            mail_of_one_source_takes_a_tenth(&mut *db, own[8]).await?;
            // Whoever answers is written to again, and nobody else is.
            assert!(write(&mut *db, own[7], "anne@example.org", row, later).await?.is_some());
            notices::renew(&mut *db, &"n0@example.org".parse().unwrap()).await?;
            assert!(write(&mut *db, own[7], "anne@example.org", row, later).await?.is_some());
            notices::renew(&mut *db, &anne()).await?;
            assert_eq!(write(&mut *db, own[7], "anne@example.org", row, later).await?, None);
            let tomorrow = NOW.plus_ms(24 * HOUR_MS);
            let daily = ("d", NoticeBudget::a_day(1));
            for (now, spent) in [(NOW, None), (NOW, Some(LimitReached::Kind)), (tomorrow, None)] {
                assert_eq!(write(&mut *db, own[0], "anne@example.org", daily, now).await?, spent);
            }
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}

/// Who is asked where too many wait: whoever proved to be who they say displaces the oldest of those who did
/// not; nobody who proved nothing displaces anybody but their like.
async fn the_proven_displace_the_others(site: Site) {
    let list = site.list;
    site.store
        .write(transaction!(|db| {
            let place = |places: Vec<requests::RequestPlace>| {
                places.into_iter().find(|place| *place != requests::RequestPlace::Free)
            };
            let mut own = Vec::new();
            let kinds = [RequestedBy::Owner, RequestedBy::Anybody, RequestedBy::Anybody, RequestedBy::Owner];
            for number in 0..8_usize {
                let goal = Goal::Command(format!("set {number}"));
                let run = WorkflowRun::new(Workflows::default().named("confirm").unwrap(), goal);
                for by in [RequestedBy::Owner, RequestedBy::Anybody] {
                    let places = requests::places(&mut *db, list, &anne(), by, NOW).await?;
                    assert_eq!(place(places), None, "{number}");
                }
                let stage = RequestState { by: kinds[number % 4], ..stage(&run) };
                own.push(requests::insert(&mut *db, list, &anne(), &stage, NOW).await?);
            }
            for gone in [1, 2, 5, 6] {
                for by in [RequestedBy::Owner, RequestedBy::Anybody] {
                    let places = requests::places(&mut *db, list, &anne(), by, NOW).await?;
                    assert_eq!(place(places), Some(requests::RequestPlace::Of(own[gone])), "{by:?}");
                }
                requests::displace(&mut *db, own[gone]).await?;
                let goal = Goal::Command(format!("set again {gone}"));
                let run = WorkflowRun::new(Workflows::default().named("confirm").unwrap(), goal);
                let stage = RequestState { by: RequestedBy::Owner, ..stage(&run) };
                requests::insert(&mut *db, list, &anne(), &stage, NOW).await?;
            }
            let places = requests::places(&mut *db, list, &anne(), RequestedBy::Anybody, NOW).await?;
            assert_eq!(place(places), Some(requests::RequestPlace::None), "all eight are anne's own");
            let places = requests::places(&mut *db, list, &anne(), RequestedBy::Owner, NOW).await?;
            assert_eq!(place(places), Some(requests::RequestPlace::Of(own[0])), "the oldest");
            // A list and a site have their limits too.
            let run = WorkflowRun::new(Workflows::default().named("confirm").unwrap(), Goal::Subscribe);
            let name = "more@lists.example".parse().unwrap();
            let more = lists::create(&mut *db, &name, "x", &Default::default(), NOW).await?;
            let mut first = None;
            for number in 0..2000 {
                let who: Address = format!("v{number}@example.com").parse().unwrap();
                let there = if number % 4 == 0 { more } else { list };
                if number == 1200 {
                    let places = requests::places(&mut *db, there, &who, RequestedBy::Owner, NOW).await?;
                    assert_eq!(place(places), None, "300 wait there");
                    let places = requests::places(&mut *db, list, &who, RequestedBy::Anybody, NOW).await?;
                    assert_eq!(place(places), Some(requests::RequestPlace::Of(first.unwrap())));
                }
                let stage = RequestState { by: RequestedBy::Anybody, ..stage(&run) };
                let no = requests::insert(&mut *db, there, &who, &stage, NOW).await?;
                first = first.or((there == list).then_some(no));
            }
            let name = "third@lists.example".parse().unwrap();
            let third = lists::create(&mut *db, &name, "x", &Default::default(), NOW).await?;
            let places = requests::places(&mut *db, third, &anne(), RequestedBy::Owner, NOW).await?;
            assert!(matches!(place(places), Some(requests::RequestPlace::Of(_))), "the whole site");
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}

async fn a_key_takes_the_place_of_the_one_that_was_seen(site: Site) {
    site.store
        .write(transaction!(|db| {
            let address = people::ensure_address(&mut *db, &anne(), "", NOW).await?;
            let row = |octet: u8| CertificateRow {
                fingerprint: octet.to_string(),
                certificate: vec![octet],
                card: None,
                unusable: None,
                confirmed_at: Some(NOW),
            };
            // Of the same octets in another form: confirmed or not, for example.
            let steps = [
                (None, 1, true),
                (None, 2, false),
                (Some(9), 2, false),
                (Some(1), 1, true),
                (Some(1), 2, false),
                (Some(2), 2, true),
            ];
            for (before, after, expected) in steps {
                let done = keys::replace_certificate(&mut *db, address, before, &row(after), NOW).await?;
                assert_eq!(done, expected, "{before:?} by {after}");
            }
            assert_eq!(keys::certificate_of(&mut *db, address).await?, Some(row(2)));
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}
