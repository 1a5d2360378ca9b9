//! Workflows as they are seen from outside: which question follows which, what is skipped, what is kept while
//! it waits.

use crate::common::cast::{Player, flat};
use crate::common::site::{LIST, Site};
use crate::common::talk::Notice;
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind, Person};

/// What the person is asked for until they are a member, and whether a moderator is.
async fn steps_of(site: &Site, player: &Player, olga: &Player) -> Vec<&'static str> {
    let mut steps = Vec::new();
    let mut came = site.ask(player, player.plain("subscribe")).await;
    for _ in 0..8 {
        let asked = |word: &str| came.iter().find(|notice| notice.subject.starts_with(word));
        if site.has_member(&player.address) {
            return steps;
        }
        if let Some(notice) = asked("key set ") {
            steps.push("key");
            let message = player.with_keys(&format!("Re: {}", notice.subject), &[&player.key()]);
            came = site.ask(player, message).await;
        } else if let Some(notice) = asked("key confirm ") {
            steps.push("statement");
            came = site.ask(player, player.signed("", &notice.statement())).await;
        } else if let Some(notice) = asked("confirm ") {
            steps.push("confirmation");
            let message = player.signed("", &format!("confirm {}\n", notice.token()));
            came = site.ask(player, message).await;
        } else {
            let notice = site.came_to(olga).remove(0);
            steps.push("moderator");
            site.ask(olga, olga.signed("", &format!("approve {}\n", notice.after("approve ")))).await;
            came = site.came_to(player);
        }
    }
    panic!("{steps:?}: {came:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_ask_what_they_say() {
    let site = Site::new().await;
    let olga = site.enrolled("olga@example.org", "owner");
    let known = |address: &str| {
        site.server.cli(&["lists", "create", &format!("{address}-other@lists.example")]);
        let player = site.player(&format!("{address}@example.org"));
        let key = site.server.file("known.asc", &player.key());
        let other = format!("{address}-other@lists.example");
        site.server.cli(&["members", "add", &other, &player.address, "--key", &key]);
        player
    };
    for (policy, expected) in [
        ("pgp-policy-open", &["key", "statement"][..]),
        ("pgp-policy-confirm", &["key", "statement"]),
        ("pgp-policy-moderate", &["key", "statement", "moderator"]),
        ("pgp-policy-confirm_then_moderate", &["key", "statement", "moderator"]),
        ("pgp-policy-confirm-moderate", &["key", "statement", "moderator"]),
    ] {
        site.set("subscription_policy", policy).await;
        let name = policy.replace("pgp-policy-", "").replace('_', ".");
        let new = site.player(&format!("new-{name}@example.org"));
        assert_eq!(steps_of(&site, &new, &olga).await, expected, "{policy}");
        assert_eq!(site.key_of(&new.address), Some(new.fingerprint()));
        assert_eq!(site.server.cli(&["--json", "requests", "list"]).trim(), "[]", "{policy}");

        // Who has a key is not asked for one, and still signs.
        let old = known(&format!("known-{name}"));
        assert_eq!(steps_of(&site, &old, &olga).await, &expected[1..], "{policy}, with a key");
        site.notices().await;
    }
}

/// A key that can be used no more is as good as none; another takes a moderator even on an open list.
#[tokio::test(flavor = "multi_thread")]
async fn a_useless_key_is_asked_for_again() {
    let site = Site::new().await;
    let olga = site.enrolled("olga@example.org", "owner");
    site.set("subscription_policy", "pgp-policy-open").await;
    let anne = site.enrolled("anne@example.org", "nonmember");
    let certificate = anne.person.revocation(sealist_openpgp::testing::Revoked::Retired, Timestamp::now());
    site.server.cli(&["keys", "import", &anne.address, &site.server.file("revoked.asc", &certificate)]);
    let anew = anne.with(&anne.address, Person::new(&anne.address, Kind::Curve25519, Timestamp::now()));
    assert_eq!(steps_of(&site, &anew, &olga).await, ["key", "statement", "moderator"]);
    assert_eq!(site.key_of(&anne.address), Some(anew.fingerprint()));
}

/// What waits is kept whole, and goes on behind a restart; asking again begins nothing new.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_kept() {
    let mut site = Site::new().await;
    site.enrolled("olga@example.org", "owner");
    let anne = site.player("anne@example.org");
    let waiting = |site: &Site| -> Vec<serde_json::Value> {
        serde_json::from_str(&site.server.cli(&["--json", "requests", "show", LIST, "anne@example.org"]))
            .unwrap()
    };
    let asked = site.ask(&anne, anne.plain("subscribe")).await.remove(0);
    let [request] = &waiting(&site)[..] else { panic!("one request") };
    for (name, value) in [
        ("list", LIST),
        ("address", "anne@example.org"),
        ("asks_for", "subscribe"),
        ("workflow", "pgp-policy-moderate"),
        ("waits_for", "key"),
    ] {
        assert_eq!(request[name], value, "{request}");
    }
    assert!(request["fingerprint"].is_null() && request["since"].is_string() && request["until"].is_string());
    assert!(site.ask(&anne, anne.plain("join")).await.is_empty(), "one notice a day");
    assert_eq!(waiting(&site).len(), 1);

    site.server.kill();
    site.server.restart();
    let came = site.ask(&anne, anne.with_keys(&format!("key set {}", asked.token()), &[&anne.key()])).await;
    let statement = came.iter().find(|notice| notice.sealed).unwrap();
    let request = waiting(&site).remove(0);
    assert_eq!(request["waits_for"], "signature");
    assert_eq!(request["fingerprint"], anne.fingerprint());
    assert_eq!(site.key_of(&anne.address), None, "not before it is proven");

    site.server.kill();
    site.server.restart();
    site.ask(&anne, anne.signed("", &statement.statement())).await;
    let request = waiting(&site).remove(0);
    assert_eq!(
        (&request["waits_for"], &request["signed_by"][0]),
        (&"approval".into(), &anne.fingerprint().into())
    );
    assert_eq!(site.key_of(&anne.address), None, "not before it is approved");

    site.server.kill();
    site.server.restart();
    site.server.cli(&["requests", "reject", LIST, &anne.address, "--reason", "We do not know you."]);
    let refused = site.notices().await;
    assert!(refused.iter().any(|notice| notice.recipient == anne.address));
    assert_eq!(site.server.cli(&["--json", "requests", "list", LIST]).trim(), "[]");
    assert!(!site.has_member(&anne.address));
    assert_eq!(site.key_of(&anne.address), None);
}

/// A message takes a request one step, however often it says so.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_taken_one_step() {
    let site = Site::new().await;
    let olga = site.enrolled("olga@example.org", "owner");
    let anne = site.player("anne@example.org");
    let text = "join\nsubscribe\njoin digest=no\nJOIN\n";
    let came = site.ask(&anne, [&anne.plain("")[..], text.replace('\n', "\r\n").as_bytes()].concat()).await;
    let asked = came.iter().find(|notice| notice.subject.starts_with("key set ")).unwrap();
    let results: Vec<&Notice> = came.iter().filter(|notice| notice.subject.contains("results")).collect();
    assert!(results.is_empty(), "{came:#?}");

    let came = site.ask(&anne, anne.with_keys(&format!("key set {}", asked.token()), &[&anne.key()])).await;
    let statement = came.iter().find(|notice| notice.sealed).unwrap().statement();
    site.ask(&anne, anne.signed("", &statement)).await;
    let token = site.came_to(&olga).remove(0).after("approve ");
    let both = format!("reject {token}\napprove {token}\n");
    let came = site.ask(&olga, olga.signed("", &both)).await;
    let said = flat(&came[0].text);
    assert!(said.contains("Rejected.") && said.contains("Nothing to do."), "{said}");
    assert!(!site.has_member(&anne.address));
}

/// Every command that changes something takes a signed statement, also from who has a key here.
#[tokio::test(flavor = "multi_thread")]
async fn changes_are_signed_for() {
    let site = Site::new().await;
    for (command, action) in [("leave", "unsubscribe"), ("set own-posts off", "set own-posts off")] {
        let anne = site.enrolled(&format!("{}@example.org", action.replace(' ', "-")), "member");
        let before = site.state();
        // Also a signed command is only a wish: it names no nonce.
        let came = site.ask(&anne, anne.signed("", &format!("{command}\n"))).await;
        let [asked] = &came[..] else { panic!("{came:#?}") };
        assert!(asked.sealed && asked.subject.starts_with("key confirm "), "{asked:?}");
        let words = asked.statement();
        for line in
            ["List: team@lists.example", &format!("Action: {action}"), &format!("Address: {}", anne.address)]
        {
            assert!(words.lines().any(|one| one == line), "{words}");
        }
        assert!(asked.text.contains("24 hours"), "{}", asked.text);
        assert_eq!(site.state(), before);
        site.ask(&anne, anne.signed("", &words)).await;
        assert_ne!(site.state(), before);
    }
}

/// Who offered a key that cannot be used any more begins again with another.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_ends_while_it_waits() {
    let site = Site::new().await;
    site.enrolled("olga@example.org", "owner");
    let anne = site.player("anne@example.org");
    let asked = site.ask(&anne, anne.plain("subscribe")).await.remove(0);
    site.ask(&anne, anne.with_keys(&format!("key set {}", asked.token()), &[&anne.key()])).await;
    let revocation = anne.person.revocation(sealist_openpgp::testing::Revoked::Retired, Timestamp::now());
    let revoked = anne.person.certificate().merge(&revocation).unwrap().to_bytes();
    let db = rusqlite::Connection::open(site.server.folder.path().join("data/sealist.db")).unwrap();
    db.execute("UPDATE requests SET certificate = ?1", [&revoked]).unwrap();
    db.execute("DELETE FROM notices", []).unwrap();
    let came = site.ask(&anne, anne.plain("subscribe")).await;
    assert!(came.len() == 1 && came[0].subject.starts_with("key set "), "{came:#?}");
    let anew = anne.with(&anne.address, Person::new(&anne.address, Kind::Curve25519, Timestamp::now()));
    let came = site.ask(&anew, anew.with_keys(&came[0].subject, &[&anew.key()])).await;
    assert!(came.iter().any(|notice| notice.subject.starts_with("key confirm ")), "{came:#?}");
}

/// A list composes its own from the names of steps; none of them gives an address a key that did not sign for
/// itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_composes_its_own() {
    let site = Site::new().await;
    let olga = site.enrolled("olga@example.org", "owner");
    let own = r#"{"vouched": ["sanity-checks", "pubkey-checks", "moderation-checks", "pubkey-confirmation", "do-it"]}"#;
    site.set("workflows", own).await;
    site.set("subscription_policy", "vouched").await;
    let anne = site.player("anne@example.org");
    assert_eq!(steps_of(&site, &anne, &olga).await, ["key", "moderator", "statement"]);

    // What cannot be run is not taken: mail that asks for it would break the runner.
    for (name, value, says) in [
        ("workflows", r#"{"x": ["do-nothing", "do-it"]}"#, "there is no step \"do-nothing\""),
        ("workflows", r#"{"vouched": ["sanity-checks"]}"#, "must be its last step"),
        (
            "workflows",
            r#"{"careless": ["sanity-checks", "pubkey-checks", "do-it"]}"#,
            "takes `pubkey-confirmation`",
        ),
        ("workflows", "{}", "vouched"),
        ("key_change_workflow", "pgp-key-chance-workflow", "pgp-key-chance-workflow"),
    ] {
        let refused = site.server.command(&["lists", "set", LIST, name, value]);
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && error.contains(says), "{name} {value}: {error}");
    }
}
