//! One number follows a message: from the LMTP reply through the log to the next hop's number of each copy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common::site::{LIST, Site, WAIT};
use crate::common::{entity, post};
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind, Person};
use sealist_smtp::Reply;
use sealist_smtp::client::RecipientResult;
use serde_json::Value;

const READERS: [&str; 6] = ["anne", "bart", "cris", "dora", "emil", "fred"];

fn address(name: &str) -> String {
    format!("{name}@example.org")
}

/// A list that encrypts. Of its readers the next hop takes two, and it names the others in its replies; Fred
/// has no key.
async fn stage() -> (Site, Person) {
    let mut site = Site::new().await;
    site.server.kill();
    site.server.restart_logging("trace");
    let anne = site.join_with(&address("anne"), Kind::Curve25519);
    for name in &READERS[1..5] {
        site.join_with(&address(name), Kind::Curve25519);
    }
    site.server.cli(&["members", "add", LIST, &address("fred")]);
    for (name, code, enhanced) in
        [("cris", 550, (5, 1, 1)), ("dora", 451, (4, 2, 0)), ("emil", 421, (4, 3, 2))]
    {
        let reply = Reply::new(code, enhanced, format!("<{}>: not now", address(name)));
        site.sink.lock().turned_away.insert(address(name), reply);
    }
    (site, anne)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_followed_from_the_first_reply_to_the_last() {
    let (site, anne) = stage().await;
    let message = anne.mail(&site.certificate(), &entity("Meeting", "We meet at seven."), Timestamp::now());
    let result = post(&mut site.server.connect().await, LIST, &message).await;
    let RecipientResult::Sent(reply) = result else { panic!("{result:?}") };
    let number = reply.text.strip_prefix("2.0.0 queued as ").expect("the number").to_owned();
    site.sink.wait_for(2, WAIT).await;
    site.server.wait_until_quiet();

    let log = site.server.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(&format!(" entry={number} "))).collect();
    for event in ["message-received", "message-judged", "copies-delivered"] {
        let event = format!("event=\"{event}\"");
        assert!(lines.iter().any(|line| line.contains(&event)), "{event} in {lines:?}");
    }
    for name in READERS {
        let told = log.lines().find(|line| line.contains(&address(name)));
        assert_eq!(told, None, "the log names a recipient");
    }

    let trace = json(&site, &["trace", &number]);
    assert_eq!((&trace["state"], &trace["sender"]), (&"accepted".into(), &address("anne").into()), "{trace}");
    let posting = &trace["sendings"][0];
    assert_eq!(posting["kind"], "posting", "{trace}");
    let copies: BTreeMap<&str, &Value> = posting["copies"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|copy| (copy["recipient"].as_str().unwrap(), copy))
        .collect();
    let states = READERS.map(|name| copies[&*address(name)]["state"].as_str().unwrap());
    assert_eq!(states, ["sent", "sent", "failed", "deferred", "deferred", "held-for-key"], "{trace}");
    let ids: BTreeSet<&str> =
        ["anne", "bart"].map(|name| copies[&*address(name)]["queue_id"].as_str().unwrap()).into();
    assert_eq!(ids.len(), 2, "each copy has its own number at the next hop");
    assert!(copies[&*address("bart")]["reply"].as_str().unwrap().starts_with("250 2.0.0 Ok: queued as S"));

    let text = site.server.cli(&["trace", &number]);
    for words in ["came by lmtp from anne@example.org", "2 sent", "1 failed", "queued as S"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let to_bart = json(&site, &["trace", "Bart@example.org"]);
    assert_eq!(to_bart["entries"][0]["entry"].to_string(), number, "{to_bart}");
    let from_anne = json(&site, &["trace", &address("anne"), "--count", "9"]);
    assert_eq!(from_anne["total"], 2, "she wrote it and has a copy: {from_anne}");
    for (what, code) in [("4711", 65), ("no address", 64)] {
        assert_eq!(site.server.command(&["trace", what]).status.code(), Some(code), "{what}");
    }
}

fn json(site: &Site, arguments: &[&str]) -> Value {
    serde_json::from_str(&site.server.cli(&[&["--json"], arguments].concat())).unwrap()
}

/// The events of the lines that have the number of a message, as the code says it.
fn events_with_entry(folder: &Path, found: &mut BTreeSet<String>) {
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() && !file.ends_with("target") {
            events_with_entry(&file, found);
        }
        if file.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for line in text.split("tracing::").skip(1).filter(|line| line.contains("event = \"")) {
            let line = line.split(");").next().unwrap();
            let event = line.split("event = \"").nth(1).unwrap().split('"').next().unwrap();
            if line.contains("entry = ") || line.contains("%entry") {
                found.insert(event.to_owned());
            }
        }
    }
}

/// The documentation names the lines by which a message is followed.
#[test]
fn the_documentation_names_all_lines_about_a_message() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = BTreeSet::new();
    for name in ["app", "server", "smtp", "store"] {
        events_with_entry(&root.join("crates").join(name).join("src"), &mut found);
    }
    let listed: Vec<String> = found.iter().map(|event| format!("`{event}`")).collect();
    let page = std::fs::read_to_string(root.join("docs/logs.md")).unwrap().replace('\n', " ");
    assert!(page.contains(&listed.join(", ")), "put into docs/logs.md: {}", listed.join(", "));
}
