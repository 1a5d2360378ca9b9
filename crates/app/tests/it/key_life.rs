//! The life of keys under a moved clock: who is warned when, what waits, and what goes out when a key is
//! renewed.

use std::collections::BTreeMap;

use crate::moved_clock::{
    Mail, OPENPGP, check, day, deliver, join, key_row, make_list, post, site_in, site_on_postgres, site_with,
    two_nodes_on_postgres,
};
use crate::readers::read_copy;
use sealist_app::{App, KeyCheck, Stages, upkeep};
use sealist_lists::model::Role;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Ends, Kind, Person, Revoked, stale_card};
use sealist_store::deliveries;
use sealist_store::keys::CertificateRow;
use tempfile::TempDir;

const MARKER: &str = "QuaggaMarker7142";
const LISTS: [&str; 2] = ["team@lists.example", "work@lists.example"];

/// Until a post that waits for a key is given up: `key_wait_days` must be over at the upkeep of a day, and
/// the next day brings the notice.
const WAIT_DAYS: i64 = 9;

/// The twelve states in which members' keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Usable,
    EndsIn(u64),
    Expired,
    EncryptionExpired,
    Hard,
    Soft,
    None,
    OlderEpoch,
}

const STATES: [Key; 12] = [
    Key::Usable,
    Key::EndsIn(60),
    Key::EndsIn(30),
    Key::EndsIn(14),
    Key::EndsIn(7),
    Key::EndsIn(1),
    Key::Expired,
    Key::EncryptionExpired,
    Key::Hard,
    Key::Soft,
    Key::None,
    Key::OlderEpoch,
];

impl Key {
    /// Made six days ago.
    fn person(self) -> Person {
        let ends = match self {
            Self::EndsIn(days) => Ends { primary: Some(days + 6), ..Ends::default() },
            Self::Expired => Ends { primary: Some(2), ..Ends::default() },
            Self::EncryptionExpired => Ends { encryption: Some(2), ..Ends::default() },
            _ => Ends::default(),
        };
        Person::ending("shared@keys.example", ends, day(-6))
    }

    /// As it was set five days ago, when it could be used; many share one, so that the test is quick.
    fn row(self, person: &Person, app: &App, address: &str) -> Option<CertificateRow> {
        let certificate = match self {
            Self::None => return None,
            Self::Hard => {
                person.certificate().merge(&person.revocation(Revoked::Compromised, day(-2))).unwrap()
            }
            Self::Soft => person.certificate().merge(&person.revocation(Revoked::Retired, day(-2))).unwrap(),
            _ => person.certificate(),
        };
        let (mac, when) = (app.vault.mac(), day(-5));
        let card = match self {
            Self::OlderEpoch => stale_card(&certificate, mac, address, when),
            _ => person.certificate().usable(when).unwrap().to_bytes(mac, address),
        };
        let (certificate, card) = (certificate.to_bytes(), Some(card));
        Some(CertificateRow { certificate, card, ..key_row(app, person, address, when) })
    }

    /// The days of warnings, by the days that are left; 0: it cannot be used.
    fn warnings(self) -> Vec<(i64, &'static str)> {
        match self {
            Self::EndsIn(60) => {
                vec![(0, "ends"), (30, "ends"), (46, "ends"), (53, "ends"), (59, "ends"), (60, "unusable")]
            }
            Self::EndsIn(30) => vec![(0, "ends"), (16, "ends"), (23, "ends"), (29, "ends"), (30, "unusable")],
            Self::EndsIn(14) => vec![(0, "ends"), (7, "ends"), (13, "ends"), (14, "unusable")],
            Self::EndsIn(7) => vec![(0, "ends"), (6, "ends"), (7, "unusable")],
            Self::EndsIn(_) => vec![(0, "ends"), (1, "unusable")],
            Self::Expired | Self::EncryptionExpired | Self::Hard | Self::Soft => vec![(0, "unusable")],
            Self::Usable | Self::None | Self::OlderEpoch => Vec::new(),
        }
    }

    /// Whether a post of that day can be encrypted to it.
    fn reads(self, on: i64) -> bool {
        match self {
            Self::Usable | Self::OlderEpoch => true,
            Self::EndsIn(days) => on < days as i64,
            _ => false,
        }
    }

    /// The days on which a post that waited is given up, of posts on those days.
    fn deleted(self, posts: &[i64], renewed_on: i64) -> impl Iterator<Item = i64> {
        let waits = move |day: &i64| !self.reads(*day);
        let kept = move |day: &i64| self.is_renewed() && (*day..*day + WAIT_DAYS).contains(&renewed_on);
        posts.iter().copied().filter(move |day| waits(day) && !kept(day)).map(|day| day + WAIT_DAYS)
    }

    fn is_renewed(self) -> bool {
        matches!(self, Self::EndsIn(_) | Self::Expired | Self::EncryptionExpired)
    }
}

/// What a notice is about, whoever carries it.
fn about(mail: &Mail, holder: &Person, list: &Certificate) -> &'static str {
    let text = match classify(&mail.message) {
        Shape::Encrypted(armor) => {
            let (text, signed) = read_copy(holder, &armor, list).unwrap();
            assert!(signed, "signed by the list");
            text
        }
        _ => mail.message.clone(),
    };
    let text = String::from_utf8_lossy(&text).replace("=\r\n", "");
    let kinds = [
        ("From then on messages", "ends"),
        ("cannot be used any more", "unusable"),
        ("It waits for you, encrypted", "waits"),
        ("wait, encrypted,", "members wait"),
        ("your copy is deleted", "deleted"),
        ("copies for them are deleted", "members' deleted"),
        ("to look at", "digest"),
    ];
    kinds.iter().find(|(words, _)| text.contains(words)).unwrap_or_else(|| panic!("{text}")).1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_members_in_twelve_states_over_seventy_days() {
    let folder = TempDir::new().unwrap();
    seventy_days(&site_in(folder.path()).await, 1000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_postgresql() {
    seventy_days(&site_on_postgres().await, 96).await;
}

async fn seventy_days(app: &App, members: usize) {
    const POSTS: [i64; 3] = [2, 4, 65];
    const RENEWED_ON: i64 = 66;
    let lists = [make_list(app, LISTS[0]).await, make_list(app, LISTS[1]).await];
    let keys = [app.keys_of(&lists[0]).await.unwrap(), app.keys_of(&lists[1]).await.unwrap()];
    let certificate = keys[0].posting.certificate();
    let people: BTreeMap<Key, Person> = STATES.map(|state| (state, state.person())).into();
    let olga = Person::new("olga@example.org", Kind::Curve25519, day(-6));
    let state_of: BTreeMap<String, Key> =
        (0..members).map(|n| (format!("m{n}@example.org"), STATES[n % STATES.len()])).collect();
    for list in &lists {
        let row = Key::Usable.row(&olga, app, "olga@example.org");
        join(app, list, "olga@example.org", Role::Owner, row).await;
    }
    for (address, state) in &state_of {
        join(app, &lists[0], address, Role::Member, state.row(&people[state], app, address)).await;
        join(app, &lists[1], address, Role::Member, None).await;
    }

    let mut notices: BTreeMap<&str, Vec<(i64, &str)>> = BTreeMap::new();
    let mut posts: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut to_olga = Vec::new();
    for today in 0..=74 {
        let found = check(app, day(today)).await.unwrap();
        assert_eq!(found.checked, 1 + state_of.values().filter(|state| **state != Key::None).count() as u64);
        assert_eq!(check(app, day(today)).await, None, "once a day");
        if POSTS.contains(&today) {
            post(app, &lists[0], MARKER, day(today)).await;
        }
        if today == RENEWED_ON {
            for (address, state) in state_of.iter().filter(|(_, state)| state.is_renewed()) {
                let update = people[state].renewed(day(500), day(today)).certificate().to_bytes();
                app.as_operator()
                    .at(day(today))
                    .keys()
                    .import(&address.parse().unwrap(), &update)
                    .await
                    .unwrap();
            }
        }
        for mail in deliver(app, day(today)).await {
            let clear = String::from_utf8_lossy(&mail.message);
            assert!(!clear.contains(MARKER), "clear text to {}", mail.to);
            if mail.to == "olga@example.org" {
                to_olga.push((today, about(&mail, &olga, &certificate)));
                continue;
            }
            let (address, state) = state_of.get_key_value(&mail.to).unwrap();
            match mail.kind {
                deliveries::Kind::Posting => posts.entry(address).or_default().push(today),
                deliveries::Kind::Notice => {
                    let about = about(&mail, &people[state], &certificate);
                    notices.entry(address).or_default().push((today, about));
                }
                deliveries::Kind::Probe => panic!("nothing bounced"),
            }
        }
        upkeep(app, day(today)).await.unwrap();
    }

    for (address, state) in &state_of {
        let mut expected = state.warnings();
        // The post of day 4 finds a reader who waits already.
        expected.extend([2, 65].into_iter().filter(|day| !state.reads(*day)).map(|day| (day, "waits")));
        expected.extend(state.deleted(&POSTS, RENEWED_ON).map(|day| (day, "deleted")));
        expected.sort_unstable();
        let mut heard = notices.remove(address.as_str()).unwrap_or_default();
        heard.sort_unstable();
        assert_eq!(heard, expected, "{address}: {state:?}");

        let mut expected: Vec<i64> = POSTS.into_iter().filter(|day| state.reads(*day)).collect();
        if state.is_renewed() && !state.reads(65) {
            expected.push(RENEWED_ON);
        }
        assert_eq!(posts.remove(address.as_str()).unwrap_or_default(), expected, "{address}: {state:?}");
    }
    let digests = [0, 1, 6, 7, 13, 14, 16, 23, 29, 30, 46, 53, 59, 60].map(|day| (day, "digest"));
    let waits = POSTS.map(|day| (day, "members wait"));
    let deleted = POSTS.map(|day| (day + WAIT_DAYS, "members' deleted"));
    let mut expected = [&digests[..], &waits, &deleted].concat();
    expected.sort_unstable();
    to_olga.sort_unstable();
    assert_eq!(to_olga, expected);
    let counts = deliveries::counts(&mut app.store().reader().await.unwrap(), lists[0].no).await.unwrap();
    assert!(counts.iter().all(|(state, _)| state != "held_for_key"), "{counts:?}");
}

/// Until the check that runs since an update has made a card anew, its reader waits and hears nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_older_rules_is_waited_for() {
    let (app, list, _folder) = site_with(OPENPGP, LISTS[0]).await;
    let anne = Person::new("anne@example.org", Kind::Curve25519, day(-6));
    let row = Key::OlderEpoch.row(&anne, &app, "anne@example.org");
    join(&app, &list, "anne@example.org", Role::Member, row).await;
    post(&app, &list, MARKER, day(0)).await;
    assert!(deliver(&app, day(0)).await.is_empty());
    check(&app, day(0)).await.unwrap();
    let came = deliver(&app, day(0).plus_ms(60_000)).await;
    assert_eq!(
        came.iter().map(|mail| (mail.to.as_str(), mail.kind)).collect::<Vec<_>>(),
        [("anne@example.org", deliveries::Kind::Posting)]
    );
}

/// A plain list uses no keys.
#[tokio::test(flavor = "multi_thread")]
async fn a_warning_is_written_when_a_list_uses_the_key() {
    let (app, list, _folder) = site_with(OPENPGP, LISTS[0]).await;
    let plain = "plain@lists.example".parse().unwrap();
    let plain = app.as_operator().at(day(-10)).lists().create(&plain, "legacy-default").await.unwrap();
    let ending = Key::EndsIn(7).person();
    let row = Key::EndsIn(7).row(&ending, &app, "anne@example.org");
    join(&app, &plain, "anne@example.org", Role::Member, row).await;
    assert_eq!(check(&app, day(0)).await.unwrap().warned, 0, "no list uses it");
    join(&app, &list, "anne@example.org", Role::Member, None).await;
    assert_eq!(check(&app, day(1)).await.unwrap().warned, 1);
    assert_eq!(check(&app, day(2)).await.unwrap().warned, 0, "once");
}

/// One node froze in its work and another took over; now both are at it.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_write_no_notice_twice() {
    let (first, second) = two_nodes_on_postgres().await;
    let list = make_list(&first, LISTS[0]).await;
    let olga = Person::new("olga@example.org", Kind::Curve25519, day(-6));
    let row = Key::Usable.row(&olga, &first, "olga@example.org");
    join(&first, &list, "olga@example.org", Role::Owner, row).await;
    let ending = Key::EndsIn(7).person();
    for n in 0..60 {
        let address = format!("m{n}@example.org");
        join(&first, &list, &address, Role::Member, Key::EndsIn(7).row(&ending, &first, &address)).await;
    }
    let later = day(0).plus_ms(11 * 60_000);
    let stages = Stages::default();
    let mut frozen = KeyCheck::begin(&first, &stages, day(0)).await.unwrap().unwrap();
    assert!(KeyCheck::begin(&second, &stages, day(0)).await.unwrap().is_none());
    let mut other = KeyCheck::begin(&second, &stages, later).await.unwrap().unwrap();
    tokio::join!(async { while frozen.step(&first, later).await.unwrap() {} }, async {
        while other.step(&second, later).await.unwrap() {}
    },);
    assert_eq!(frozen.found.warned + other.found.warned, 60);
    assert_eq!(frozen.found.told + other.found.told, 1);
    assert_eq!(deliver(&first, later).await.len(), 61);
    assert!(KeyCheck::begin(&first, &stages, later).await.unwrap().is_none(), "it is done");
}
