//! Keys that are asked for elsewhere: what an answer may change, and who hears of it.

use crate::key_server::Says;
use crate::moved_clock::{OPENPGP, check, day, deliver, join, key_row, post, site_with, taken_from};
use crate::readers::read_copy;
use sealist_app::{App, Refreshed};
use sealist_lists::model::Role;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::testing::{Ends, Kind, Person, Revoked, stale_card};
use sealist_openpgp::{Certificate, CertificateChange};
use sealist_store::key_changes::{self, Authority};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::transaction;
use sealist_store::{deliveries, people};

async fn known(app: &App, address: &str) -> CertificateRow {
    let mut db = app.store().reader().await.unwrap();
    let no = people::find_address(&mut db, &address.parse().unwrap()).await.unwrap().unwrap();
    keys::certificate_of(&mut db, no).await.unwrap().unwrap()
}

fn sealed(message: &[u8]) -> bool {
    matches!(classify(message), Shape::Encrypted(_))
}

async fn authorities(app: &App, address: &str) -> Vec<Authority> {
    let mut db = app.store().reader().await.unwrap();
    let no = people::find_address(&mut db, &address.parse().unwrap()).await.unwrap().unwrap();
    key_changes::of(&mut db, no).await.unwrap().into_iter().map(|change| change.authority).collect()
}

fn in_words(changes: &[CertificateChange]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

const ANNE: &str = "anne@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_updates_the_known_key_and_nothing_else() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    let ends = Ends { primary: Some(8), ..Ends::default() };
    let anne = Person::ending(ANNE, ends, day(-6));
    let olga = Person::new("olga@example.org", Kind::Curve25519, day(-6));
    join(&app, &list, ANNE, Role::Member, Some(key_row(&app, &anne, ANNE, day(-5)))).await;
    join(
        &app,
        &list,
        "olga@example.org",
        Role::Owner,
        Some(key_row(&app, &olga, "olga@example.org", day(-5))),
    )
    .await;
    let before = known(&app, ANNE).await;
    let ask = async |answers: Vec<Result<Option<Vec<u8>>, String>>, now: Timestamp| -> Refreshed {
        app.as_operator()
            .at(now)
            .keys()
            .refresh(&Says(answers), &ANNE.parse().unwrap())
            .await
            .unwrap()
            .unwrap()
    };

    // Nothing of this is an update of Anne's key.
    let eve = Person::new(ANNE, Kind::Curve25519, day(-6)).certificate();
    for (answer, words) in [
        (Ok(Some(eve.to_bytes())), "it has another key"),
        (Ok(Some(b"words".to_vec())), "no OpenPGP public key"),
        (Ok(Some(anne.armored_secret())), "a secret key"),
        (Ok(Some(anne.revocation(Revoked::Compromised, day(0)))), "no OpenPGP public key"),
        (Err("it answers 500".to_owned()), "500"),
    ] {
        let refreshed = ask(vec![answer], day(0)).await;
        assert!(refreshed.changes.is_empty());
        assert!(refreshed.failures[0].contains(words), "{:?}", refreshed.failures);
    }
    assert_eq!(ask(vec![Ok(None), Ok(Some(before.certificate.clone()))], day(0)).await.failures.len(), 0);
    assert_eq!(known(&app, ANNE).await, before);

    // It has expired, and a post waits; then a longer validity is found, among others' keys.
    check(&app, day(3)).await.unwrap();
    post(&app, &list, "Words.", day(3)).await;
    let mail = deliver(&app, day(3)).await;
    assert!(!mail.iter().any(|mail| mail.to == ANNE && sealed(&mail.message)), "the post waits");
    let renewed = anne.renewed(day(100), day(3)).certificate();
    let bundle = [eve.to_bytes(), renewed.to_bytes()].concat();
    let refreshed = ask(vec![Err("silence".into()), Ok(Some(bundle))], day(4)).await;
    assert_eq!(
        refreshed.changes,
        in_words(&[CertificateChange::Usable, CertificateChange::Until(Some(day(100)))])
    );
    let after = known(&app, ANNE).await;
    assert_eq!(
        (after.fingerprint, after.confirmed_at),
        (before.fingerprint, before.confirmed_at),
        "no new trust"
    );
    assert!(after.card.is_some());
    let mail = deliver(&app, day(4)).await;
    let Shape::Encrypted(armor) = classify(&mail[0].message) else { panic!("not encrypted") };
    let of_list: Certificate = app.keys_of(&list).await.unwrap().posting.certificate();
    assert!(read_copy(&anne, &armor, &of_list).unwrap().1);

    // The owner hears of it with the next check.
    check(&app, day(4)).await.unwrap();
    let mail = deliver(&app, day(4)).await;
    let [digest] = &mail[..] else { panic!("{} notices", mail.len()) };
    let Shape::Encrypted(armor) = classify(&digest.message) else { panic!("not encrypted") };
    let text = String::from_utf8(read_copy(&olga, &armor, &of_list).unwrap().0).unwrap().replace("=\r\n", "");
    assert!(text.contains("changed: can be used again, ends on"), "{text}");

    // A revocation has its consequences at once, and is never taken back.
    let revoked = anne.certificate().merge(&anne.revocation(Revoked::Compromised, day(5))).unwrap();
    let refreshed = ask(vec![Ok(Some(revoked.to_bytes()))], day(6)).await;
    assert_eq!(refreshed.changes, in_words(&[CertificateChange::Unusable("the key is revoked".into())]));
    let gone = known(&app, ANNE).await;
    assert_eq!((gone.card, gone.unusable.as_deref()), (None, Some("the key is revoked")));
    assert!(ask(vec![Ok(Some(renewed.to_bytes()))], day(7)).await.changes.is_empty());

    assert_eq!(authorities(&app, ANNE).await, [Authority::Update, Authority::Revocation]);

    // Who has no key gets none.
    join(&app, &list, "cris@example.org", Role::Member, None).await;
    let cris = "cris@example.org".parse().unwrap();
    let answer = Says::knows(&eve);
    assert!(app.as_operator().at(day(7)).keys().refresh(&answer, &cris).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_key_has_its_turn_once_in_a_period() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    let shared = Person::new("shared@keys.example", Kind::Curve25519, day(-6));
    for name in ["a", "b", "c"] {
        let address = format!("{name}@example.org");
        join(&app, &list, &address, Role::Member, Some(key_row(&app, &shared, &address, day(-5)))).await;
    }
    let turns = async |now: Timestamp| {
        let mut asked = Vec::new();
        while let Some(one) =
            app.as_operator().at(now).keys().refresh_next(&Says(Vec::new()), now.plus_ms(-1)).await.unwrap()
        {
            asked.push(one.address.to_string());
        }
        asked
    };
    let all = ["a@example.org", "b@example.org", "c@example.org"];
    assert_eq!(turns(day(0)).await, all);
    assert!(turns(day(0)).await.is_empty());
    assert_eq!(turns(day(7)).await, all);
    assert_eq!(turns(day(1)).await, all, "the clock was set back");
}

/// Anne's key was given by the word of one that is compromised: nothing but a person's word gives it a card
/// again.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_doubt_waits_for_a_person() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    let old = Person::new(ANNE, Kind::Curve25519, day(-9));
    let anne = Person::ending(ANNE, Ends { primary: Some(40), ..Ends::default() }, day(-6));
    join(&app, &list, ANNE, Role::Member, Some(key_row(&app, &anne, ANNE, day(-5)))).await;
    join(&app, &list, "olga@example.org", Role::Owner, None).await;
    taken_from(&app, &list, ANNE, &old, &anne).await;
    let anne_at: Address = ANNE.parse().unwrap();
    let ask = async |answer: Vec<u8>, now: Timestamp| {
        let refreshed =
            app.as_operator().at(now).keys().refresh(&Says(vec![Ok(Some(answer))]), &anne_at).await;
        refreshed.unwrap().unwrap()
    };
    let stands = async |confirmed: bool, when: &str| {
        let known = known(&app, ANNE).await;
        assert_eq!((known.card.is_some(), known.confirmed_at.is_some()), (confirmed, confirmed), "{when}");
    };

    ask(old.certificate().merge(&old.revocation(Revoked::Retired, day(0))).unwrap().to_bytes(), day(0)).await;
    stands(true, "a key that is retired was not lost").await;
    let revoked = old.certificate().merge(&old.revocation(Revoked::Compromised, day(0))).unwrap();
    ask(revoked.to_bytes(), day(0)).await;
    stands(false, "the old key is compromised").await;
    let [notice] = &deliver(&app, day(0)).await[..] else { panic!("one notice") };
    let words = String::from_utf8_lossy(&notice.message).replace("=\r\n", "");
    assert!(notice.to == "olga@example.org" && words.contains("sealist keys approve"), "{words}");

    post(&app, &list, "Words.", day(1)).await;
    check(&app, day(1)).await.unwrap();
    stands(false, "checked").await;
    let renewed = anne.renewed(day(100), day(1)).certificate();
    assert_eq!(
        ask(renewed.to_bytes(), day(2)).await.changes,
        in_words(&[CertificateChange::Until(Some(day(100)))])
    );
    stands(false, "refreshed").await;
    let longer = anne.renewed(day(200), day(2)).certificate();
    app.as_operator().at(day(2)).keys().import(&anne_at, &longer.to_bytes()).await.unwrap();
    stands(false, "updated").await;
    assert!(!deliver(&app, day(2)).await.iter().any(|mail| mail.to == ANNE && sealed(&mail.message)));
    assert_eq!(
        authorities(&app, ANNE).await,
        [Authority::OldKey, Authority::Revocation, Authority::Update, Authority::Update]
    );

    app.as_operator().at(day(3)).keys().approve(&anne_at, &longer.fingerprint()).await.unwrap();
    stands(true, "approved").await;
    ask(revoked.to_bytes(), day(3)).await;
    stands(true, "by a person's word").await;
    assert!(deliver(&app, day(3)).await.iter().any(|mail| mail.to == ANNE && sealed(&mail.message)));
}

/// A list that has not approved the key of a member encrypts nothing to it, whatever the daily check finds.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_waits_for_a_list_gets_no_copies() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    let anne = Person::new(ANNE, Kind::Curve25519, day(-6));
    let stale = stale_card(&anne.certificate(), app.vault.mac(), ANNE, day(-5));
    let row = CertificateRow { card: Some(stale), ..key_row(&app, &anne, ANNE, day(-5)) };
    join(&app, &list, ANNE, Role::Member, Some(row)).await;
    let no = list.no;
    let waits = app.store().write(transaction!(|db| {
        people::mark_key_pending_approval(db, no, &ANNE.parse().unwrap()).await
    }));
    waits.await.unwrap();
    post(&app, &list, "Words.", day(0)).await;
    let copies = async |now: Timestamp| {
        deliver(&app, now).await.iter().filter(|mail| mail.kind == deliveries::Kind::Posting).count()
    };
    assert_eq!(copies(day(0)).await, 0);
    check(&app, day(1)).await.unwrap();
    assert_eq!(copies(day(1)).await, 0);
    let approved = app.store().write(transaction!(|db| {
        people::approve_key(db, Some(no), &ANNE.parse().unwrap(), day(1)).await
    }));
    approved.await.unwrap();
    assert_eq!(copies(day(1)).await, 1);
}
