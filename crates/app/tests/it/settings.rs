//! Settings are changed by name: nothing is lost between two who do it at once, and owners hear of what
//! weakens their list.

use std::collections::BTreeMap;

use crate::moved_clock::{
    OPENPGP, PLAIN, day, deliver, join, make_plain_list, site_with, two_nodes_on_postgres,
};
use sealist_app::{App, SettingRefused, SettingsChanged};
use sealist_lists::events::Actor;
use sealist_lists::model::attributes::{
    Attribute, AttributeKind, NewValue, SettingChange, Weakening, attribute, attributes,
};
use sealist_lists::model::{ListSettings, MailingList, Role};
use sealist_lists::registry::Registry;
use sealist_lists::workflows::WORKFLOWS;
use sealist_mail::{Entity, first_text};
use sealist_store::transaction;
use sealist_store::{list_settings, testing};

const OLGA: &str = "olga@example.org";
const OSKAR: &str = "oskar@example.org";
const WHO: &str = "olga (command line)";

fn wish(name: &str, written: &str) -> SettingChange {
    SettingChange { name: name.to_owned(), to: NewValue::Written(written.to_owned()) }
}

async fn change(
    app: &App,
    list: &MailingList,
    wishes: &[(&str, &str)],
    expected: Option<i64>,
) -> Result<SettingsChanged, SettingRefused> {
    let actor = Actor::CommandLine { uid: 7, name: WHO.to_owned() };
    let wishes = wishes.iter().map(|(name, value)| wish(name, value)).collect();
    app.act_as(actor).at(day(0)).settings(&list.name).change(expected, wishes).await
}

async fn reset(app: &App, list: &MailingList, names: &[&str]) -> Result<SettingsChanged, SettingRefused> {
    let actor = Actor::CommandLine { uid: 7, name: WHO.to_owned() };
    let wish = |name: &&str| SettingChange { name: (*name).to_owned(), to: NewValue::Default };
    app.act_as(actor).at(day(0)).settings(&list.name).change(None, names.iter().map(wish).collect()).await
}

/// Changes the same settings again and again; each time all of them have the values that this owner gave
/// last.
async fn insist(app: App, list: MailingList, names: [&'static str; 4], times: usize) {
    let mut last: BTreeMap<&str, String> = BTreeMap::new();
    for number in 0..times {
        let name = names[number % names.len()];
        let value = format!("{}", number + 1);
        let done = change(&app, &list, &[(name, &value)], None).await.unwrap();
        last.insert(name, value);
        for (name, value) in &last {
            let found = attribute(name).unwrap().get(&done.list.settings).unwrap().to_string();
            assert_eq!(&found.trim_matches('"'), value, "{name} after {number} changes");
        }
    }
}

async fn two_owners(first: App, second: App, list: MailingList) {
    const TIMES: usize = 500;
    let one = ["max_message_kib", "max_held_mib", "moderation_life_d", "description"];
    let other = ["request_life_h", "max_held_messages", "footer", "subject_prefix"];
    let owners = [
        tokio::spawn(insist(first.clone(), list.clone(), one, TIMES)),
        tokio::spawn(insist(second, list.clone(), other, TIMES)),
    ];
    for owner in owners {
        owner.await.unwrap();
    }
    let view = first.as_operator().settings(&list.name).show().await.unwrap();
    assert_eq!(view.generation, 2 * i64::try_from(TIMES).unwrap(), "each change is one generation");
    let differ: Vec<&str> =
        view.settings.iter().filter(|one| one.differs).map(|setting| setting.name).collect();
    assert_eq!(differ.len(), one.len() + other.len(), "{differ:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_at_once_lose_nothing_on_sqlite() {
    let (app, list, _folder) = site_with(PLAIN, "team@lists.example").await;
    two_owners(app.clone(), app, list).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_at_once_lose_nothing_on_postgres() {
    let (first, second) = two_nodes_on_postgres().await;
    let list = make_plain_list(&first, "team@lists.example").await;
    two_owners(first, second, list).await;
}

/// Of two who saw the same settings one is told to look again; then nothing of the wish is done.
#[tokio::test(flavor = "multi_thread")]
async fn who_saw_older_settings_looks_again() {
    let (app, list, _folder) = site_with(PLAIN, "team@lists.example").await;
    let seen = app.as_operator().settings(&list.name).show().await.unwrap().generation;
    let done = change(&app, &list, &[("description", "first"), ("verp", "true")], Some(seen)).await.unwrap();
    assert_eq!((done.generation, done.changes.len()), (seen + 1, 2));
    let late = change(&app, &list, &[("footer", "late"), ("verp", "false")], Some(seen)).await.unwrap_err();
    let SettingRefused::Conflict { generation } = late else { panic!("{late}") };
    let again = change(&app, &list, &[("footer", "late")], Some(generation)).await.unwrap();
    assert_eq!((again.list.settings.footer.as_str(), again.list.settings.verp), ("late", true));
    // What changes nothing is no change, and what is refused in part is not done at all.
    let same = change(&app, &list, &[("footer", "late")], None).await.unwrap();
    assert_eq!((same.generation, same.changes.len()), (again.generation, 0));
    assert!(change(&app, &list, &[("footer", "new"), ("no_such", "x")], None).await.is_err());
    assert!(change(&app, &list, &[("footer", "new"), ("footer", "{nope}")], None).await.is_err());
    let view = app.as_operator().settings(&list.name).show().await.unwrap();
    assert_eq!(view.generation, again.generation);
    assert!(view.settings.iter().any(|one| one.name == "footer" && one.value == "late"));
}

/// A setting that is as the style says needs no row: it follows the style.
#[tokio::test(flavor = "multi_thread")]
async fn a_setting_goes_back_to_its_default() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    change(&app, &list, &[("max_message_kib", "7"), ("hide_subject", "false")], None).await.unwrap();
    let done = reset(&app, &list, &["max_message_kib", "hide_subject"]).await.unwrap();
    assert_eq!(done.list.settings, list.settings);
    let differ = app
        .as_operator()
        .settings(&list.name)
        .show()
        .await
        .unwrap()
        .settings
        .into_iter()
        .filter(|one| one.differs);
    assert_eq!(differ.count(), 0);
    let unknown = reset(&app, &list, &["no_such"]).await;
    assert!(unknown.unwrap_err().to_string().contains("there is no setting"));
}

/// A workflow that the list has for itself.
const OWN: &str = r#"{"own": ["pubkey-checks", "pubkey-confirmation", "moderation-checks", "do-it"]}"#;

/// Values that might weaken a list, or make it stronger.
fn candidates(attribute: &Attribute) -> Vec<String> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match attribute.kind {
        AttributeKind::Bool => owned(&["true", "false"]),
        AttributeKind::Int { .. } | AttributeKind::Duration { .. } => owned(&["1", "2"]),
        AttributeKind::OneOf(names) => owned(names),
        AttributeKind::Set(names) => vec![format!("[{:?}]", names[0]), "[]".to_owned()],
        AttributeKind::Workflow => WORKFLOWS.iter().map(|(name, ..)| (*name).to_owned()).collect(),
        AttributeKind::Workflows => {
            owned(&[OWN, r#"{"own": ["pubkey-checks", "pubkey-confirmation", "do-it"]}"#])
        }
        AttributeKind::Chain | AttributeKind::Pipeline => owned(&[
            "pgp-posting-chain",
            "default-posting-pipeline",
            "default-posting-chain",
            "owner-pipeline",
        ]),
        AttributeKind::Line { .. } | AttributeKind::Text { .. } | AttributeKind::Language => Vec::new(),
    }
}

/// Two values of which the second weakens a list that has the first.
fn weakening_steps(attribute: &Attribute, settings: &ListSettings) -> Vec<(String, String)> {
    let with = |value: &str| {
        let mut settings = settings.clone();
        attribute.set_written(&Registry::built_in(), &mut settings, value).ok().map(|()| settings)
    };
    let all = candidates(attribute);
    let pairs = all.iter().flat_map(|strong| all.iter().map(move |weak| (strong, weak)));
    let weakens = pairs.filter(|(strong, weak)| {
        with(strong).zip(with(weak)).is_some_and(|(strong, weak)| attribute.weakens(&strong, &weak))
    });
    weakens.map(|(strong, weak)| (strong.clone(), weak.clone())).collect()
}

/// No list takes these on any way: their chain is that of their style, and an encrypting list answers to
/// itself.
const REFUSED: [&str; 2] = ["posting_chain", "reply_goes_to"];

/// Every setting by which a list with OpenPGP can give something up: all its owners are told, with both
/// values and who it was.
#[tokio::test(flavor = "multi_thread")]
async fn owners_are_told_of_each_change_that_weakens_their_list() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    for owner in [OLGA, OSKAR] {
        join(&app, &list, owner, Role::Owner, None).await;
    }
    let own = [("workflows", OWN), ("subscription_policy", "own")];
    let list = change(&app, &list, &own, None).await.unwrap().list;
    let mut made: Vec<(&str, String, String)> = Vec::new();
    for attribute in attributes().filter(|attribute| attribute.weakening != Weakening::Never) {
        for (strong, weak) in weakening_steps(&attribute, &list.settings) {
            let stronger = change(&app, &list, &[(attribute.name, &strong)], None).await;
            let weaker = change(&app, &list, &[(attribute.name, &weak)], None).await;
            let (Ok(_), Ok(weaker)) = (stronger, weaker) else { continue };
            // Whoever sets it reads what the list gives up and how that ends, in the words of the event.
            let told: Vec<&str> = weaker.given_up.iter().map(|one| one.what.as_str()).collect();
            let recorded = weakens_of_newest(&app).await;
            assert!(!recorded.is_empty(), "{}", attribute.name);
            assert!(recorded.iter().all(|one| told.contains(&one.as_str())), "{told:?} {recorded:?}");
            assert!(weaker.given_up.iter().any(|one| one.mend.starts_with(&format!("{} ", attribute.name))));
            let shown = |written: &str| {
                let value = attribute.kind.read(&Registry::built_in(), written).unwrap();
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            };
            made.push((attribute.name, shown(&strong), shown(&weak)));
            // The next setting is looked at with this one as it was.
            let before = attribute.get(&list.settings).unwrap();
            let before = before.as_str().map_or_else(|| before.to_string(), str::to_owned);
            change(&app, &list, &[(attribute.name, &before)], None).await.unwrap();
            break;
        }
        let is_made = made.last().is_some_and(|(name, ..)| *name == attribute.name);
        assert_eq!(is_made, !REFUSED.contains(&attribute.name), "{}", attribute.name);
    }
    assert!(made.len() > 30, "{}", made.len());
    let told = notices(&app).await;
    for owner in [OLGA, OSKAR] {
        let own: Vec<&String> = told.iter().filter(|(to, _)| to == owner).map(|(_, text)| text).collect();
        assert!(own.len() < made.len(), "the later ones of a day are told together");
        for (name, strong, weak) in &made {
            let lines = format!(
                "    {name}\n        before: {strong}\n        now: {weak}\n        changed by: {WHO}\n"
            );
            let found = own.iter().filter(|text| text.replace("\r\n", "\n").contains(&lines)).count();
            assert_eq!(found, 1, "{owner}: {lines}{own:?}");
        }
    }
}

/// What the newest event of the site says that a list gives up.
async fn weakens_of_newest(app: &App) -> Vec<String> {
    let event = app.as_operator().events().newest(None, 1).await.unwrap().remove(0);
    serde_json::from_value(event.data["weakens"].clone()).unwrap()
}

/// Whoever chooses a value takes the place of a newer version's value, also with the value that counted
/// meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_a_newer_version_gives_way_to_a_choice() {
    async fn check(choose: impl AsyncFn(&App, &MailingList) -> SettingsChanged) {
        let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
        let no = list.no;
        let newer = app.store().write(transaction!(|db| testing::write_setting(
            db,
            no,
            "encrypt_outgoing",
            "\"sometimes\""
        )
        .await));
        newer.await.unwrap();
        let done = choose(&app, &list).await;
        assert_eq!((done.changes.len(), done.generation), (1, 1));
        assert_eq!(done.changes[0].before, "sometimes");
        let mut db = app.store().reader().await.unwrap();
        let stored = list_settings::stored(&mut db, no).await.unwrap().unwrap();
        assert_eq!((stored.unknown, stored.settings.encrypting()), (Vec::new(), true));
    }
    check(async |app, list| change(app, list, &[("encrypt_outgoing", "true")], None).await.unwrap()).await;
    check(async |app, list| reset(app, list, &["encrypt_outgoing"]).await.unwrap()).await;
}

/// A setting that this version does not know can be removed, and is not changed otherwise; what nobody wrote
/// is refused with the names that there are.
#[tokio::test(flavor = "multi_thread")]
async fn a_setting_of_a_newer_version_can_be_removed() {
    let (app, list, _folder) = site_with(PLAIN, "team@lists.example").await;
    let no = list.no;
    for (name, value) in [("colour", "{\"of\": \"the sky\"}"), ("encrypt_outgoing", "true")] {
        let newer = app.store().write(transaction!(|db| testing::write_setting(db, no, name, value).await));
        newer.await.unwrap();
    }
    let unknown = async || -> Vec<String> {
        let view = app.as_operator().settings(&list.name).show().await.unwrap();
        view.unknown.into_iter().map(|(name, _)| name).collect()
    };
    assert!(change(&app, &list, &[("colour", "blue")], None).await.is_err());
    for names in [&["color"][..], &["colour", "no_such"]] {
        let refused = reset(&app, &list, names).await.unwrap_err().to_string();
        assert!(refused.contains("subject_prefix, ") && refused.contains("archive, "), "{refused}");
    }
    assert_eq!(unknown().await, ["colour", "encrypt_outgoing"], "all or nothing");
    let done = reset(&app, &list, &["colour", "footer"]).await.unwrap();
    assert_eq!((done.generation, done.changes.len()), (1, 0));
    assert_eq!(done.forgotten, [("colour".to_owned(), "{\"of\": \"the sky\"}".to_owned())]);
    let event = app.as_operator().events().newest(None, 1).await.unwrap().remove(0);
    assert_eq!((event.event.as_str(), event.data["name"].as_str()), ("setting-changed", Some("colour")));
    // A setting that only lists with OpenPGP have is none that this list knows.
    assert_eq!(reset(&app, &list, &["encrypt_outgoing"]).await.unwrap().generation, 2);
    assert_eq!(unknown().await, [""; 0]);
    assert!(reset(&app, &list, &["colour"]).await.is_err(), "it is gone");
}

/// A list without OpenPGP promises nothing, and to make a list stronger is no news.
#[tokio::test(flavor = "multi_thread")]
async fn what_weakens_nothing_is_told_to_nobody() {
    for (style, name, value) in [
        (PLAIN, "archive", "true"),
        (PLAIN, "default_nonmember_action", "accept"),
        (OPENPGP, "anonymous", "true"),
    ] {
        let (app, list, _folder) = site_with(style, "team@lists.example").await;
        join(&app, &list, OLGA, Role::Owner, None).await;
        let done = change(&app, &list, &[(name, value)], None).await.unwrap();
        assert_eq!((done.changes.len(), done.given_up), (1, Vec::new()), "{style} {name}");
        assert_eq!(notices(&app).await, [], "{style} {name}");
    }
}

/// All that comes out on a day: to whom, and the text.
async fn notices(app: &App) -> Vec<(String, String)> {
    let mut all = deliver(app, day(0)).await;
    all.extend(deliver(app, day(0).plus_ms(5 * 3_600_000)).await);
    all.into_iter().map(|one| (one.to, first_text(&Entity::parse(&one.message)).to_string())).collect()
}
