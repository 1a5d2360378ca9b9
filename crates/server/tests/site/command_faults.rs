//! What went wrong with commands by mail once, and must not again.

use crate::common::assert_nowhere;
use crate::common::cast::{Player, flat, keys_entity};
use crate::common::site::{LIST, Site};
use crate::common::talk::{Notice, REQUEST, plain};
use sealist_mail::Timestamp;
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person, Revoked};

const STAFF: &str = "staff@lists.example";
const STAFF_REQUEST: &str = "staff-request@lists.example";

fn now() -> Timestamp {
    Timestamp::now()
}

fn new_key(player: &Player) -> Player {
    player.with(&player.address, Person::new(&player.address, Kind::Curve25519, now()))
}

/// A request of that address, as it waits.
fn waiting(site: &Site, address: &str) -> Vec<(String, String)> {
    let requests = site.server.cli(&["--json", "requests", "list"]);
    let requests: Vec<serde_json::Value> = serde_json::from_str(&requests).unwrap();
    let word = |request: &serde_json::Value, name: &str| request[name].as_str().unwrap().to_owned();
    let of_it = requests.iter().filter(|request| request["address"] == address);
    of_it.map(|request| (word(request, "asks_for"), word(request, "waits_for"))).collect()
}

/// Takes a new member to where the moderators are asked; what they are to answer.
async fn at_the_moderator(site: &Site, player: &Player, olga: &Player) -> String {
    let asked = site.ask(player, player.plain("subscribe")).await.remove(0);
    let set = player.with_keys(&format!("key set {}", asked.token()), &[&player.key()]);
    let came = site.ask(player, set).await;
    let words = came.iter().find(|notice| notice.sealed).unwrap().statement();
    site.ask(player, player.signed("", &words)).await;
    format!("approve {}\n", site.came_to(olga).remove(0).after("approve "))
}

/// Who was taken in, or banned, while a moderator was asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_any_more_is_not_done() {
    let site = Site::new().await;
    let olga = site.enrolled("olga@example.org", "owner");
    let bart = site.player("bart@example.org");
    let approve = at_the_moderator(&site, &bart, &olga).await;
    site.enrol(&bart, "member");
    let came = site.ask(&olga, olga.signed("", &approve)).await;
    assert!(flat(&came[0].text).contains("member already"), "{came:#?}");
    assert_eq!(waiting(&site, &bart.address), [], "it ends");
}

/// The old key signs for a new one, and is revoked before the new one has signed too.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_takes_back_what_it_began() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "key_change_workflow", "pgp-key-change-workflow"]);
    let anne = site.enrolled("anne@example.org", "member");
    let thief = new_key(&anne);
    let change = anne.sealed_entity(&keys_entity("key change\n", &[&thief.key()]));
    let words = site.exchange(&[(&thief, change)]).await.remove(0).remove(0).statement();
    deliver(&site, REQUEST, &anne.signed("", &words)).await;
    let revocation = anne.person.revocation(Revoked::Compromised, now());
    deliver(&site, REQUEST, &anne.with_keys("key revoke", &[&revocation])).await;
    deliver(&site, REQUEST, &thief.signed("", &words)).await;
    assert_eq!(site.key_of(&anne.address), Some(anne.fingerprint()));
}

/// Joins a list that asks no moderator, with a key.
async fn join_openly(site: &Site, player: &Player) {
    let asked = site.ask(player, player.plain("subscribe")).await.remove(0);
    let came =
        site.ask(player, player.with_keys(&format!("key set {}", asked.token()), &[&player.key()])).await;
    let words = came.iter().find(|notice| notice.sealed).unwrap().statement();
    deliver(site, REQUEST, &player.signed("", &words)).await;
    site.server.wait_until_judged();
}

/// A key that the moderators of a list have not approved speaks for nobody there.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_waits_for_approval_is_not_believed() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "subscription_policy", "pgp-policy-open"]);
    let olga = site.player("olga@example.org");
    site.server.cli(&["lists", "create", STAFF, "--owner", &olga.address]);
    let thief = new_key(&olga);
    join_openly(&site, &thief).await;
    assert_eq!(site.key_of(&olga.address), Some(thief.fingerprint()));
    // She is the one whom the list asks: not by a token for the key in question.
    let tokens: i64 = site
        .database()
        .query_row("SELECT COUNT(*) FROM tokens t JOIN requests r ON r.no = t.request_no WHERE r.goal = 'key approval'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tokens, 0);
    deliver(&site, STAFF_REQUEST, &thief.signed("", "who\n")).await;
    let tried = site.tried(&olga.address);
    assert!(tried.contains(&("command-refused".into(), "roster-unsigned".into())), "{tried:?}");
}

/// What an encrypted message says does not go out in the open, and does not stay in the open.
#[tokio::test(flavor = "multi_thread")]
async fn words_of_an_encrypted_command() {
    const MARKER: &str = "ZebraCanary7713";
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "confirmed_commands", r#"["echo", "help", "who"]"#]);
    let anne = site.enrolled("anne@example.org", "member");
    site.ask(&anne, anne.sealed("", &format!("echo {MARKER}\nhelp {MARKER}\nwho {MARKER}\n"))).await;
    assert_nowhere(&site.server, MARKER);

    // Somebody without a key of their own, who shows a token.
    let bart = site.player("bart@example.org");
    let asked = site.ask(&bart, bart.plain("subscribe")).await.remove(0);
    let text = format!("key set {}\necho {MARKER}\nset {MARKER}\n", asked.token());
    let came = site.ask(&bart, bart.sealed_entity(&keys_entity(&text, &[&bart.key()]))).await;
    for notice in came.iter().filter(|notice| !notice.sealed) {
        assert!(!notice.text.contains(MARKER), "{}", notice.text);
    }
    assert!(came.iter().any(|notice| notice.sealed), "{came:#?}");
}

/// The key of a member still signs, and nobody can encrypt to it any more.
#[tokio::test(flavor = "multi_thread")]
async fn the_roster_does_not_go_out_in_the_open() {
    let site = Site::new().await;
    let olga = site.enrolled("olga@example.org", "owner");
    let anne = site.enrolled("anne@example.org", "member");
    let revocation = olga.person.revocation(Revoked::Subkey, now());
    site.ask(&olga, olga.with_keys("key revoke", &[&revocation])).await;
    let came = site.ask(&olga, olga.signed("", "who\n")).await;
    assert!(!came.is_empty());
    assert!(came.iter().all(|notice| notice.sealed || !notice.text.contains(&anne.address)), "{came:#?}");
}

/// Eight commands in the name of a member whose key is lost are no reason to leave that member without help.
#[tokio::test(flavor = "multi_thread")]
async fn forged_commands_keep_nobody_out() {
    let site = Site::new().await;
    let olga = site.enrolled("olga@example.org", "owner");
    let anne = site.player("anne@example.org");
    site.server.cli(&["members", "add", LIST, &anne.address]);
    let mut lines = Vec::new();
    for name in ["delivery", "own-posts", "copies", "cleartext"] {
        lines.extend(["on", "off"].map(|value| anne.plain(&format!("set {name} {value}"))));
    }
    lines.push(anne.plain("leave"));
    let forged: Vec<_> = lines.into_iter().map(|line| (&anne, line)).collect();
    site.exchange(&forged).await;
    assert!(site.came_to(&olga).is_empty(), "nobody is asked about what nobody wants");
    let came = site.ask(&anne, anne.with_keys("key reset", &[&anne.key()])).await;
    assert_eq!(came.len(), 1, "{came:#?}");
}

/// Somebody offers a key of their own for an address whose key is lost: its owner still gets a question to
/// answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_reset_keeps_nobody_out() {
    let site = Site::new().await;
    let olga = site.enrolled("olga@example.org", "owner");
    let anne = site.player("anne@example.org");
    site.server.cli(&["members", "add", LIST, &anne.address]);
    let (eve, anew) = (new_key(&anne), new_key(&anne));
    let asked = site.exchange(&[(&eve, eve.with_keys("key reset", &[&eve.key()]))]).await.remove(0);
    let mine = site.ask(&anew, anew.with_keys("key reset", &[&anew.key()])).await;
    let open: Vec<&Notice> = asked.iter().chain(&mine).filter(|notice| !notice.sealed).collect();
    let token = open.iter().find(|notice| notice.subject.contains("key set")).expect("a question").token();
    let came = site.ask(&anew, anew.with_keys(&format!("key set {token}"), &[&anew.key()])).await;
    let words = came.iter().find(|notice| notice.sealed).unwrap().statement();
    site.ask(&anew, anew.signed("", &words)).await;
    let approve = format!("approve {}\n", site.came_to(&olga).remove(0).after("approve "));
    deliver(&site, REQUEST, &olga.signed("", &approve)).await;
    assert_eq!(site.key_of(&anne.address), Some(anew.fingerprint()));
}

/// The same key comes by `key reset` and as the answer to the question of `key revoke`.
#[tokio::test(flavor = "multi_thread")]
async fn one_key_for_two_requests() {
    let site = Site::new().await;
    let anne = site.enrolled("anne@example.org", "member");
    let anew = new_key(&anne);
    let revocation = anne.person.revocation(Revoked::Compromised, now());
    let came = site.ask(&anne, anne.with_keys("key revoke", &[&revocation])).await;
    let question = came.iter().find(|notice| notice.subject.contains("key set")).unwrap();
    let set = |token: &str| anew.with_keys(&format!("key set {token}"), &[&anew.key()]);
    site.ask(&anew, anew.with_keys("key reset", &[&anew.key()])).await;
    let came = site.ask(&anew, set(&question.token())).await;
    assert!(came.iter().any(|notice| notice.sealed), "{came:#?}");
}

/// Signed, and its protected To is the other name of the same sub-address.
#[tokio::test(flavor = "multi_thread")]
async fn every_name_of_a_sub_address_is_that_sub_address() {
    let site = Site::new().await;
    let anne = site.enrolled("anne@example.org", "member");
    let to = "team-unsubscribe@lists.example";
    let entity = format!(
        "Content-Type: text/plain; protected-headers=\"v1\"\r\nFrom: anne@example.org\r\nTo: {to}\r\nSubject: bye\r\n\r\nbye\r\n"
    );
    let message = anne.signed_entity("bye", entity.as_bytes());
    let came = site.exchange_at(to, &[(&anne, message)]).await.remove(0);
    assert_eq!(came.len(), 1, "{came:#?}");
}

/// Two choices, confirmed in one message.
#[tokio::test(flavor = "multi_thread")]
async fn one_choice_does_not_undo_another() {
    let site = Site::new().await;
    let anne = site.enrolled("anne@example.org", "member");
    let came = site.ask(&anne, anne.signed("", "set own-posts off\nset copies off\n")).await;
    let words: String = came.iter().map(|notice| format!("{}\n", notice.statement())).collect();
    let confirm: String = came.iter().map(|notice| format!("key confirm {}\n", notice.token())).collect();
    site.ask(&anne, anne.signed("", &format!("{confirm}\n{words}"))).await;
    let chosen: (bool, bool) = site
        .database()
        .query_row(
            "SELECT receive_own_postings, receive_list_copy FROM members WHERE role = 'member'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(chosen, (false, false));
}

/// A revocation and a renewal of one key arrive together.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_does_not_undo_a_revocation() {
    let site = Site::new().await;
    let people: Vec<Player> =
        (0..12).map(|number| site.enrolled(&format!("p{number}@example.org"), "member")).collect();
    let mut messages = Vec::new();
    for player in &people {
        let renewed = player.person.also_named(&format!("other-{}", player.address), now());
        let renewal = player.with_keys("key change", &[&renewed.certificate().armored()]);
        let revocation = player.person.revocation(Revoked::Compromised, now());
        messages.push((player, renewal));
        messages.push((player, player.with_keys("key revoke", &[&revocation])));
    }
    let mut connection = site.server.connect().await;
    for (_, message) in &messages {
        crate::common::post(&mut connection, REQUEST, message).await;
    }
    site.notices().await;
    let usable: i64 = site
        .database()
        .query_row("SELECT COUNT(*) FROM certificates WHERE card IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(usable, 0);
}

/// An answer holds little of what somebody may have written in another's name.
#[tokio::test(flavor = "multi_thread")]
async fn answers_do_not_carry_notices() {
    let site = Site::new().await;
    let eve = site.player("victim@example.com");
    let advert = "Buy now! ".repeat(200);
    let message = [&plain(&eve.address, "", "")[..], format!("help {advert}\r\n").as_bytes()].concat();
    let came = site.ask(&eve, message).await;
    assert!(came[0].text.matches("Buy now!").count() < 10, "{}", came[0].text);
}

/// A second question about one choice is not asked on one day; the owners can see that somebody wanted it.
#[tokio::test(flavor = "multi_thread")]
async fn no_command_is_lost_without_a_trace() {
    let site = Site::new().await;
    let anne = site.enrolled("anne@example.org", "member");
    assert_eq!(site.ask(&anne, anne.plain("set own-posts off")).await.len(), 1);
    assert_eq!(site.ask(&anne, anne.plain("set own-posts on")).await.len(), 0);
    let tried = site.tried(&anne.address);
    assert!(tried.contains(&("request-unasked".into(), "set own-posts on".into())), "{tried:?}");
}

/// No setting lets a From field, or whoever reads somebody's mail, change what is a member's on a list with
/// OpenPGP.
#[tokio::test(flavor = "multi_thread")]
async fn no_policy_does_without_a_signature() {
    let site = Site::new().await;
    for (setting, workflow) in [
        ("command_workflow", "command"),
        ("command_workflow", "confirm-command"),
        ("unsubscription_policy", "open"),
        ("unsubscription_policy", "confirm"),
        ("key_change_workflow", "confirm"),
    ] {
        let refused = site.server.command(&["lists", "set", LIST, setting, workflow]);
        assert!(
            String::from_utf8_lossy(&refused.stderr).contains("takes no signature"),
            "{setting} {workflow}"
        );
    }
}

/// Many members sign the list's key at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn no_signature_on_the_list_key_is_lost() {
    const MEMBERS: usize = 8;
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "key_signing_allowed", r#"["member"]"#]);
    let people: Vec<Player> =
        (0..MEMBERS).map(|number| site.enrolled(&format!("p{number}@example.org"), "member")).collect();
    let mut connection = site.server.connect().await;
    for player in &people {
        let signed = player.person.certified(&player.list, now());
        let message = player.signed_entity("", &keys_entity("key sign\n", &[&signed]));
        crate::common::post(&mut connection, REQUEST, &message).await;
    }
    site.notices().await;
    let stored: Vec<u8> = site
        .database()
        .query_row("SELECT certificate FROM list_keys WHERE purpose = 'posting'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(Certificate::from_stored(&stored).unwrap().certifications(), MEMBERS);
}

async fn deliver(site: &Site, to: &str, message: &[u8]) {
    let mut connection = site.server.connect().await;
    crate::common::post(&mut connection, to, message).await;
    let came = site.notices().await;
    site.others.lock().unwrap().extend(came);
}
