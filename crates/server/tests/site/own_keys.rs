//! A key that another list took, on a list that approves keys itself.

use crate::common::cast::{Player, text_entity};
use crate::common::site::{LIST, Site, WAIT};
use crate::common::{encrypted, post};
use sealist_mail::Timestamp;
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person, armored};
use std::time::{Duration, Instant};

const CLOSED: &str = "closed@lists.example";
const CARL: &str = "carl@example.org";

/// Answers what the list asks, until nothing is asked any more.
async fn go_through(site: &Site, player: &Player, signers: &[&Player], first: Vec<u8>) {
    let mut came = site.ask(player, first).await;
    if let Some(asked) = came.iter().find(|notice| notice.subject.starts_with("key set ")) {
        let subject = format!("Re: {}", asked.subject);
        came = site.ask(player, player.with_keys(&subject, &[&player.key()])).await;
    }
    let words = came.iter().find(|notice| notice.sealed).unwrap().statement();
    for signer in signers {
        site.ask(signer, signer.signed("", &words)).await;
    }
    site.server.wait_until_judged();
}

/// The state of the copies for an address on the closed list.
fn copies(site: &Site, address: &str) -> Vec<String> {
    let database = site.database();
    let mut rows = database
        .prepare(
            "SELECT d.state FROM deliveries d JOIN sendings s ON s.no = d.sending_no JOIN lists l ON l.no = s.list_no
             WHERE l.local = 'closed' AND s.kind = 'posting' AND d.email = ?1 ORDER BY d.no",
        )
        .unwrap();
    rows.query_map([address], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn audit(site: &Site, list: &str) -> String {
    site.server.cli(&["audit", list])
}

/// The owner of the closed list posts there, and the post has a copy for that reader.
async fn post_to_closed(site: &Site, olga: &Player, reader: &str) {
    let key = Certificate::read_one(site.server.cli(&["lists", "key", CLOSED]).as_bytes()).unwrap();
    // Two of the same second with the same words would be one.
    let number = copies(site, reader).len();
    let entity = text_entity("Secret", &format!("Secret {number} of the closed list.\n"));
    let mail =
        encrypted(&olga.address, CLOSED, &armored(&olga.person.packets(&[&key], &entity, Timestamp::now())));
    post(&mut site.server.connect().await, CLOSED, &mail).await;
    site.notices().await;
    let end = Instant::now() + WAIT;
    while copies(site, reader).get(number).is_none_or(|state| state == "due") {
        assert!(Instant::now() < end, "no copy for {reader}: {:?}", copies(site, reader));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn closed(site: &Site) -> Player {
    site.server.cli(&["lists", "set", LIST, "subscription_policy", "pgp-policy-open"]);
    site.server.cli(&["lists", "set", LIST, "key_change_workflow", "pgp-key-change-workflow"]);
    site.server.cli(&["lists", "create", CLOSED]);
    let olga = site.player("olga@example.org");
    let key = site.server.file("olga.asc", &olga.key());
    site.server.cli(&["members", "add", CLOSED, &olga.address, "--role", "owner", "--key", &key]);
    site.server.cli(&["members", "add", CLOSED, &olga.address]);
    olga
}

/// Whoever reads the mail of an address makes a key for it, and joins where that is enough: on the closed
/// list it counts for nothing, and nothing is lost, until somebody there approves it.
#[tokio::test(flavor = "multi_thread")]
async fn a_weaker_list_opens_no_other() {
    let site = Site::new().await;
    let olga = closed(&site).await;
    site.server.cli(&["members", "add", CLOSED, CARL]);
    post_to_closed(&site, &olga, CARL).await;
    assert_eq!(copies(&site, CARL), ["held_for_key"]);

    let carl = site.player(CARL);
    go_through(&site, &carl, &[&carl], carl.plain("subscribe")).await;
    assert!(site.has_member(CARL), "the open list has its own policy");
    assert_eq!(copies(&site, CARL), ["held_for_key"]);
    assert!(audit(&site, CLOSED).contains("key-set-elsewhere"), "{}", audit(&site, CLOSED));
    assert!(site.server.cli(&["requests", "list"]).contains("key approval"));
    post_to_closed(&site, &olga, CARL).await;
    assert_eq!(copies(&site, CARL), ["held_for_key", "held_for_key"]);
    // Another role there does not help.
    site.server.cli(&["members", "add", CLOSED, CARL, "--role", "nonmember"]);
    post_to_closed(&site, &olga, CARL).await;
    assert_eq!(copies(&site, CARL), ["held_for_key"; 3]);

    // A reset by the word of the open list begins anew, and a refusal ends nothing by itself.
    let other = carl.with(CARL, Person::new(CARL, Kind::Curve25519, Timestamp::now()));
    site.server.cli(&["requests", "approve", CLOSED, CARL]);
    site.notices().await;
    assert_eq!(copies(&site, CARL), ["sent"; 3]);
    site.server.cli(&["lists", "set", LIST, "key_change_workflow", "pgp-key-change-workflow"]);
    go_through(&site, &other, &[&other], other.with_keys("key reset", &[&other.key()])).await;
    site.server.cli(&["requests", "approve", LIST, CARL]);
    assert_eq!(site.key_of(CARL), Some(other.fingerprint()));
    post_to_closed(&site, &olga, CARL).await;
    assert_eq!(copies(&site, CARL), ["sent", "sent", "sent", "held_for_key"]);
}

/// The key that the closed list approved signs for the next one: that is its word there, too, and those in
/// charge hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_word_of_an_approved_key_carries() {
    let site = Site::new().await;
    let olga = closed(&site).await;
    let anne = site.enrolled("anne@example.org", "member");
    site.server.cli(&["members", "add", CLOSED, &anne.address]);
    let new = anne.with(&anne.address, Person::new(&anne.address, Kind::Curve25519, Timestamp::now()));
    let change = anne.with_keys("key change", &[&new.key()]);
    let words = site.exchange(&[(&new, change)]).await.remove(0);
    let words = words.iter().find(|notice| notice.sealed).unwrap().statement();
    for signer in [&anne, &new] {
        site.ask(signer, signer.signed("", &words)).await;
    }
    assert_eq!(site.key_of(&anne.address), Some(new.fingerprint()));
    assert!(!site.server.cli(&["requests", "list"]).contains("key approval"));
    assert!(audit(&site, CLOSED).contains("key-set-elsewhere"));
    let told: i64 = site
        .database()
        .query_row(
            "SELECT COUNT(*) FROM notices WHERE kind LIKE '%key-changed' AND email_key = ?1",
            [&olga.address],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(told, 1, "the owner of the closed list hears of it");
    post_to_closed(&site, &olga, &anne.address).await;
    assert_eq!(copies(&site, &anne.address), ["sent"]);
}

/// An admin adds somebody whose key another list took.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_waits_on_a_list_that_its_holder_comes_to() {
    let site = Site::new().await;
    let olga = closed(&site).await;
    let carl = site.player(CARL);
    go_through(&site, &carl, &[&carl], carl.plain("subscribe")).await;
    let said = site.server.cli(&["members", "add", CLOSED, CARL]);
    assert!(said.contains("waits until those in charge approve it"), "{said}");
    post_to_closed(&site, &olga, CARL).await;
    assert_eq!(copies(&site, CARL), ["held_for_key"]);
    site.server.cli(&["keys", "approve", CARL, &carl.fingerprint()]);
    site.notices().await;
    assert_eq!(copies(&site, CARL), ["sent"]);
    // With the word of an admin there is nothing to say.
    let said = site.server.cli(&["members", "add", CLOSED, CARL, "--role", "moderator"]);
    assert!(!said.contains("key"), "{said}");
}
