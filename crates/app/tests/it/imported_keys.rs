//! The keys of an import: which key a person has afterwards, and what the admin is told. The folder of keys
//! may contain anything, such as a certificate to which its holder added the address of somebody else.

use crate::moved_clock::{OPENPGP, PLAIN, day, join, key_row, make_list, set, site_with};
use sealist_app::{App, ImportedKeys};
use sealist_lists::model::Role;
use sealist_lists::roster_file::read_roster;
use sealist_mail::Address;
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person, Revoked};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::people;

const ANNE: &str = "anne@example.org";
const MALLORY: &str = "mallory@x.example";

struct Case<'a> {
    name: &'static str,
    /// The key that Anne has before.
    known: Option<&'a Person>,
    folder: Vec<&'a Certificate>,
    people: &'static str,
    /// The key that Anne has afterwards.
    after: Option<&'a Person>,
    /// Whether that key can be used.
    usable: bool,
    /// Words of the sentence that names why Anne's key was refused.
    refused: Option<&'static str>,
}

async fn key_of(app: &App, address: &str) -> Option<CertificateRow> {
    let address: Address = address.parse().unwrap();
    let mut db = app.store().reader().await.unwrap();
    let no = people::find_address(&mut db, &address).await.unwrap()?;
    keys::certificate_of(&mut db, no).await.unwrap()
}

async fn check(style: &str, needs_approval: bool, mallory: &Person, case: &Case<'_>) {
    let (app, list, _folder) = site_with(style, "team@lists.example").await;
    let list = if needs_approval { set(&app, &list, "own_key_approval", "true").await } else { list };
    // Mallory is a member already, with a key; Anne has her key from another list.
    let elsewhere = make_list(&app, "walks@lists.example").await;
    join(&app, &list, MALLORY, Role::Member, Some(key_row(&app, mallory, MALLORY, day(-5)))).await;
    if let Some(known) = case.known {
        join(&app, &elsewhere, ANNE, Role::Member, Some(key_row(&app, known, ANNE, day(-5)))).await;
    }
    let (before, of_mallory) = (key_of(&app, ANNE).await, key_of(&app, MALLORY).await);
    let mut keys = ImportedKeys::default();
    for certificate in &case.folder {
        keys.add(&certificate.to_bytes(), day(0)).unwrap();
    }
    let people = read_roster(case.people).unwrap();
    let report =
        app.as_operator().members(&list.name).import(&people, Role::Member, &keys, |_| {}).await.unwrap();

    let about = format!("{} on {style}: {:?}", case.name, report.refused_keys);
    assert!(report.added.contains(&ANNE.to_owned()), "a key keeps nobody from the list: {about}");
    let after = key_of(&app, ANNE).await;
    let fingerprint = after.as_ref().map(|row| row.fingerprint.clone());
    assert_eq!(fingerprint, case.after.map(|key| key.certificate().fingerprint().to_string()), "{about}");
    assert_eq!(after.as_ref().is_some_and(|row| row.unusable.is_none()), case.usable, "{about}");
    let told = report.refused_keys.iter().find(|(address, _)| address == ANNE).map(|(_, why)| &why[..]);
    assert_eq!(told.is_some(), case.refused.is_some(), "{about}");
    assert!(case.refused.is_none_or(|words| told.unwrap_or_default().contains(words)), "{about}");
    if case.refused.is_some() {
        assert_eq!(after, before, "a refused key changes nothing: {about}");
    }
    assert_eq!(key_of(&app, MALLORY).await, of_mallory, "{about}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_key_replaces_no_other() {
    let [anne, newer] = [0, 1].map(|_| Person::new(ANNE, Kind::Curve25519, day(-20)));
    let mallory =
        Person::new(MALLORY, Kind::Curve25519, day(-20)).with_user_id("Anne <Anne@Example.org>", day(-9));
    let eve = Person::new("eve@x.example", Kind::Curve25519, day(-20))
        .with_user_id("Anne <anne@example.org>", day(-9));
    let [a, n, m, e] = [&anne, &newer, &mallory, &eve].map(Person::certificate);
    let [revoked, nameless] =
        [Revoked::Compromised, Revoked::UserId].map(|what| a.merge(&anne.revocation(what, day(0))).unwrap());
    let both = "anne@example.org\nmallory@x.example\n";
    let refused = |name, known, folder, people, words| Case {
        name,
        known,
        folder,
        people,
        after: known,
        usable: known.is_some(),
        refused: Some(words),
    };
    let taken = |name, known, folder, after, usable| Case {
        name,
        known,
        folder,
        people: ANNE,
        after: Some(after),
        usable,
        refused: None,
    };
    for case in [
        taken("the first key", None, vec![&a], &anne, true),
        taken("one key twice", None, vec![&a, &a], &anne, true),
        taken("the same key", Some(&anne), vec![&a], &anne, true),
        taken("no key", Some(&anne), vec![], &anne, true),
        taken("the same key and a revoked copy", Some(&anne), vec![&a, &revoked], &anne, false),
        taken("a revoked copy and the same key", Some(&anne), vec![&revoked, &a], &anne, false),
        taken("a revoked copy alone", Some(&anne), vec![&revoked], &anne, false),
        // The only person of the file whom the key names is meant.
        taken("a key with more user ids", None, vec![&e], &eve, true),
        refused("the key of another member", None, vec![&m], ANNE, "the key is that of mallory@x.example"),
        refused("another key", Some(&anne), vec![&n], ANNE, "another key"),
        refused(
            "the other key of a stranger",
            Some(&anne),
            vec![&m],
            ANNE,
            "`sealist keys import anne@example.org",
        ),
        refused("a key of two people", None, vec![&m], both, "also names mallory@x.example"),
        refused("a key of two people, and one is known", Some(&anne), vec![&m], both, "another key"),
        refused("two other keys", Some(&anne), vec![&n, &m], ANNE, "another key"),
        refused("two keys", None, vec![&a, &m], both, "2 keys name the address"),
        taken("two keys, and one is known", Some(&anne), vec![&a, &m], &anne, true),
        taken("two keys, and one has a revoked copy", Some(&anne), vec![&a, &m, &revoked], &anne, false),
        taken("a copy that does not name the address", Some(&anne), vec![&nameless], &anne, false),
        refused("a first key and a revoked copy", None, vec![&a, &revoked], ANNE, "revoked"),
        refused("a first key, revoked", None, vec![&revoked, &a], ANNE, "revoked"),
        refused("a user id that is revoked in a copy", None, vec![&a, &nameless], ANNE, "does not name"),
    ] {
        for (style, needs_approval) in [(PLAIN, false), (OPENPGP, false), (OPENPGP, true)] {
            check(style, needs_approval, &mallory, &case).await;
        }
    }
}
