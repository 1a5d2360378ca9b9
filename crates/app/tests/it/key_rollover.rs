//! A list gets a new key: who hears of it, and what becomes of the old one.

use crate::moved_clock::{OPENPGP, day, deliver, join, key_row, site_with};
use crate::readers::read_copy;
use sealist_app::upkeep;
use sealist_lists::model::Role;
use sealist_lists::texts::Language;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_openpgp::testing::{Kind, Person};
use sealist_openpgp::{Certificate, Revocation, Unusable};
use sealist_store::people;
use sealist_store::transaction;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_announced_by_the_old_one() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    let anne = Person::new("anne@example.org", Kind::Curve25519, day(-6));
    let row = key_row(&app, &anne, "anne@example.org", day(-5));
    join(&app, &list, "anne@example.org", Role::Member, Some(row)).await;
    join(&app, &list, "cris@example.org", Role::Member, None).await;
    let old = app.as_operator().lists().published_keys(&list.name).await.unwrap().remove(0);

    // The node lives, and says with its next beat that it has the new key.
    app.as_operator().at(day(0)).lists().rotate_key(&list.name).await.unwrap();
    assert!(deliver(&app, day(0)).await.is_empty(), "it is not used yet");
    app.heartbeat(day(0)).await.unwrap();
    let new = app.as_operator().lists().published_keys(&list.name).await.unwrap();
    assert_eq!(new.len(), 1, "the old one is still good, and not handed out");
    let notices = deliver(&app, day(0)).await;
    assert_eq!(notices.iter().map(|notice| notice.to.as_str()).collect::<Vec<_>>(), ["anne@example.org"]);
    let Shape::Encrypted(armor) = classify(&notices[0].message) else { panic!("not encrypted") };
    let (text, signed) = read_copy(&anne, &armor, &old).unwrap();
    assert!(signed, "by the old key");
    let text = String::from_utf8(text).unwrap().replace("=\r\n", "");
    for key in [&old, &new[0]] {
        assert!(text.contains(&key.fingerprint().spaced()), "{text}");
    }
    assert!(text.contains("application/pgp-keys"), "{text}");

    app.heartbeat(day(1)).await.unwrap();
    upkeep(&app, day(1)).await.unwrap();
    assert!(deliver(&app, day(1)).await.is_empty(), "once");

    // The overlap of 90 days is over.
    assert_eq!(upkeep(&app, day(89)).await.unwrap().keys_retired, 0);
    assert_eq!(upkeep(&app, day(91)).await.unwrap().keys_retired, 1);
    let now: Vec<Certificate> = app.as_operator().lists().published_keys(&list.name).await.unwrap();
    assert_eq!(now[0].fingerprint(), new[0].fingerprint());
    assert_eq!(now[1].fingerprint(), old.fingerprint());
    assert_eq!(now[1].usable(day(92)).map(|_| ()), Err(Unusable::Revoked(Revocation::Soft)));
    assert!(app.keys_of(&list).await.unwrap().others.is_empty(), "it opens nothing any more");
}

/// Each reader once, in their own language; who chose none reads that of the list.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_announced_in_the_language_of_each() {
    const WORDS: [(Language, &str); 3] = [
        (Language::En, "From now on the mailing list"),
        (Language::De, "einem neuen OpenPGP"),
        (Language::Fr, "une nouvelle"),
    ];
    for &of_list in Language::ALL {
        let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
        let list = crate::moved_clock::set(&app, &list, "preferred_language", of_list.name()).await;
        let mut people = Vec::new();
        let roles = [Role::Member, Role::Owner, Role::Moderator, Role::Member];
        let chosen = [None].into_iter().chain(Language::ALL.iter().copied().map(Some));
        for (role, chosen) in roles.into_iter().zip(chosen) {
            let email = format!("{}@example.org", chosen.map_or("none", Language::name));
            let person = Person::new(&email, Kind::Curve25519, day(-6));
            let row = key_row(&app, &person, &email, day(-5));
            join(&app, &list, &email, role, Some(row)).await;
            if let Some(language) = chosen {
                let address = email.parse().unwrap();
                let set =
                    app.store()
                        .write(transaction!(|db| people::set_language(db, &address, Some(language)).await));
                set.await.unwrap();
            }
            people.push((email, person, chosen.unwrap_or(of_list)));
        }
        join(&app, &list, "de@example.org", Role::Member, None).await;
        let old = app.as_operator().lists().published_keys(&list.name).await.unwrap().remove(0);
        app.as_operator().at(day(0)).lists().rotate_key(&list.name).await.unwrap();
        app.heartbeat(day(0)).await.unwrap();
        let notices = deliver(&app, day(0)).await;
        assert_eq!(
            notices.len(),
            people.len(),
            "{of_list:?}: {:?}",
            notices.iter().map(|one| &one.to).collect::<Vec<_>>()
        );
        for (email, person, expected) in people {
            let notice = notices.iter().find(|notice| notice.to == email).unwrap();
            let Shape::Encrypted(armor) = classify(&notice.message) else { panic!("not encrypted") };
            let (text, _) = read_copy(&person, &armor, &old).unwrap();
            let text = String::from_utf8(text).unwrap().replace("=\r\n", "").replace("\r\n", " ");
            for (language, words) in WORDS {
                assert_eq!(text.contains(words), language == expected, "{email} {language:?}: {text}");
            }
        }
    }
}
