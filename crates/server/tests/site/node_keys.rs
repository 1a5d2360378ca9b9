//! List keys on several nodes: in the database, wrapped; in a key directory of each; from one key to the
//! next.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::ground::{Ground, key_of, make_master_key};
use crate::common::site::{LIST, Site, WAIT};
use crate::common::{Server, entity};
use sealist_mail::Timestamp;
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::Kind;
use sealist_smtp::client::RecipientResult;
use sealist_store::testing::Postgres;
use tempfile::TempDir;

/// Rotates, and says which nodes the new key waits for.
fn rotate(node: &Server) -> (String, Vec<serde_json::Value>) {
    let said: serde_json::Value =
        serde_json::from_str(&node.cli(&["--json", "keys", "rotate", LIST])).unwrap();
    let fingerprint = said["fingerprint"].as_str().unwrap().to_owned();
    (fingerprint, said["waits_for"].as_array().unwrap().clone())
}

async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + WAIT;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn key_files(node: &Server) -> Vec<PathBuf> {
    let files = std::fs::read_dir(node.folder.path().join("keys"));
    files.into_iter().flatten().map(|file| file.unwrap().path()).collect()
}

/// Copies what is not there yet.
fn copy_keys(from: &Server, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in key_files(from) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_made_at_one_node_is_served_by_the_other() {
    let ground = Ground::new().await;
    let mut first = ground.node(&ground.in_database());
    let second = ground.node(&ground.in_database());
    ground.set_up(&first);
    let key = key_of(&first);
    assert!(key_files(&first).is_empty() && key_files(&second).is_empty(), "no key is in a file");
    ground.takes(&second, &key, "One").await;
    ground.comes_out("One", &key).await;
    // What a node has sent and not recorded when it dies is sent again.
    wait_until("the copy is recorded", || first.cli(&["--json", "queue", "copies"]).trim() == "[]").await;
    first.kill();
    ground.takes(&second, &key, "Two").await;
    ground.comes_out("Two", &key).await;

    let (new, waits_for) = rotate(&second);
    assert!(!waits_for.is_empty(), "the node that lives is asked");
    wait_until("the new key is used", || key_of(&second).fingerprint().to_string() == new).await;
    ground.comes_out("has a new key", &key).await;
    let new = key_of(&second);
    for (subject, to) in [("Three", &key), ("Four", &new)] {
        ground.takes(&second, to, subject).await;
        ground.comes_out(subject, &new).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_master_key_claims_nothing_and_says_so() {
    let ground = Ground::new().await;
    let first = ground.node(&ground.in_database());
    ground.set_up(&first);
    let key = key_of(&first);
    let other = ground.folder.path().join("other.key");
    make_master_key(&other);
    let nowhere = "kept = 'database'\nmaster_key = '/nonexistent/master.key'".to_owned();
    let wrong = format!("kept = 'database'\nmaster_key = '{}'", other.display());
    let none = "list = 'keys'".to_owned();
    let credential = "kept = 'database'\nmaster_key = 'credential:sealist'".to_owned();
    for (keydirs, words) in [
        (nowhere, "the master key /nonexistent/master.key cannot be read"),
        (wrong, "the master key does not open the key of the site"),
        (none, "the key of the site is wrapped, and this node has no master key"),
        (credential, "there is no credential \"sealist\""),
    ] {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("sealist.toml");
        let text = format!("data_dir = 'data'\n{}\n[keydirs]\n{keydirs}\n", ground.sections);
        std::fs::write(&config, text).unwrap();
        let run = |command: &str| {
            let mut sealist = Command::new(env!("CARGO_BIN_EXE_sealist"));
            sealist.arg("--config").arg(&config).arg(command).env_remove("CREDENTIALS_DIRECTORY");
            sealist.output().unwrap()
        };
        let served = run("serve");
        let log = String::from_utf8_lossy(&served.stderr).into_owned();
        assert_eq!(served.status.code(), Some(78), "{log}");
        assert!(log.contains(words), "{log}");
        let doctor = run("doctor");
        let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert_eq!(doctor.status.code(), Some(2));
        assert!(said.contains(words) && said.contains("this node claims nothing"), "{said}");
    }
    ground.takes(&first, &key, "One").await;
    ground.comes_out("One", &key).await;

    // The same master key as a credential.
    let folder = TempDir::new().unwrap();
    std::fs::copy(ground.folder.path().join("master.key"), folder.path().join("sealist")).unwrap();
    let config = folder.path().join("sealist.toml");
    let keydirs = "[keydirs]\nkept = 'database'\nmaster_key = 'credential:sealist'\n";
    std::fs::write(&config, format!("data_dir = 'data'\n{}\n{keydirs}", ground.sections)).unwrap();
    let mut sealist = Command::new(env!("CARGO_BIN_EXE_sealist"));
    sealist.arg("--config").arg(&config).arg("doctor").env("CREDENTIALS_DIRECTORY", folder.path());
    let said = String::from_utf8_lossy(&sealist.output().unwrap().stdout).into_owned();
    assert!(said.contains("round trip: team@lists.example: sealed, copied, opened"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_leaves_lists_whose_keys_it_lacks_to_others() {
    let ground = Ground::new().await;
    let first = ground.node("list = 'keys'");
    let keys = ground.folder.path().join("keys");
    copy_keys(&first, &keys);
    let second = ground.node(&format!("list = '{}'", keys.display()));
    ground.set_up(&first);
    let key = key_of(&first);
    for number in 0..10 {
        ground.takes(&first, &key, &format!("No. {number}")).await;
    }
    assert_eq!(ground.sink.wait_for(10, WAIT).await.len(), 10);
    assert!(first.queued().is_empty(), "none was held or rejected for want of a key");
    let result = ground.post(&second, &key, "Later").await;
    let RecipientResult::Deferred(reply, _) = result else { panic!("{result:?}") };
    assert_eq!(reply.to_string().split(' ').next(), Some("451"), "{reply}");
    let doctor = String::from_utf8_lossy(&second.command(&["doctor"]).stdout).into_owned();
    assert!(doctor.contains("this node lacks the posting key"), "{doctor}");
    assert!(doctor.contains("copy its file from another node"), "{doctor}");
    copy_keys(&first, &keys);
    ground.takes(&second, &key, "Now").await;
    ground.comes_out("Now", &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_used_when_each_node_has_it() {
    let ground = Ground::new().await;
    let mut first = ground.node("list = 'keys'");
    ground.set_up(&first);
    let keys = ground.folder.path().join("keys");
    copy_keys(&first, &keys);
    let second = ground.node(&format!("list = '{}'", keys.display()));
    let old = key_of(&first);
    let (new, waits_for) = rotate(&first);
    assert_eq!(waits_for.len(), 2);
    wait_until("the second says what it lacks", || second.log().contains("new-key-missing")).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(key_of(&first).fingerprint(), old.fingerprint(), "one node lives and has not got the new key");
    let doctor = String::from_utf8_lossy(&first.command(&["doctor"]).stdout).into_owned();
    assert!(doctor.contains(&format!("{new} of {LIST} is not used yet; it waits for node 2")), "{doctor}");
    for (subject, node) in [("One", &first), ("Two", &second)] {
        ground.takes(node, &old, subject).await;
        ground.comes_out(subject, &old).await;
    }

    copy_keys(&first, &keys);
    wait_until("the new key is used", || key_of(&second).fingerprint().to_string() == new).await;
    ground.comes_out("has a new key", &old).await;
    let new = key_of(&first);
    for (subject, node, to) in
        [("Three", &first, &old), ("Four", &second, &old), ("Five", &first, &new), ("Six", &second, &new)]
    {
        ground.takes(node, to, subject).await;
        ground.comes_out(subject, &new).await;
    }
    assert!(first.queued().is_empty());

    // A third has the new key and not the old one: to it, mail to the old one could not be read.
    let keys = ground.folder.path().join("third");
    copy_keys(&first, &keys);
    for file in std::fs::read_dir(&keys).unwrap().map(|file| file.unwrap().path()) {
        if file.to_str().unwrap().contains(&old.fingerprint().to_string()) {
            std::fs::remove_file(file).unwrap();
        }
    }
    let third = ground.node(&format!("list = '{}'", keys.display()));
    let result = ground.post(&third, &new, "Later").await;
    assert!(matches!(result, RecipientResult::Deferred(..)), "{result:?}");

    first.cli(&["lists", "set", LIST, "key_overlap_days", "0"]);
    first.kill();
    first.restart();
    wait_until("the old key is retired", || first.log().contains("old-keys-retired")).await;
    ground.takes(&third, &new, "Seven").await;
    ground.comes_out("Seven", &new).await;
    ground.takes(&second, &old, "Eight").await;
    second.wait_until_judged();
    let came = ground.sink.wait_for(1, Duration::from_secs(2)).await;
    let posted = came.iter().any(|copy| ground.read(copy, &new).0.contains("Eight"));
    assert!(!posted, "what only the old key opens is not posted");
}

/// With SQLite there is one node, or none.
#[tokio::test(flavor = "multi_thread")]
async fn one_node_rotates_and_moves_its_keys_into_the_database() {
    let mut site = Site::new().await;
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    let (new, waits_for) = rotate(&site.server);
    assert_eq!(waits_for.len(), 1, "the server runs");
    wait_until("the new key is used", || site.certificate().fingerprint().to_string() == new).await;
    assert_eq!(site.sink.wait_for(1, WAIT).await.len(), 1, "Anne hears of it");
    let mail = |to: &Certificate, subject: &str| anne.mail(to, &entity(subject, "Words."), Timestamp::now());
    let before = site.certificate();
    site.send(LIST, &mail(&before, "one"), 1).await;

    // Without a server the command does it.
    let pid = rustix::process::Pid::from_child(&site.server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    site.server.child.wait().unwrap();
    let (new, waits_for) = rotate(&site.server);
    assert!(waits_for.is_empty());
    assert_eq!(site.certificate().fingerprint().to_string(), new);

    let config = site.server.folder.path().join("sealist.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}kept = 'database'\nmaster_key = 'master.key'\n")).unwrap();
    make_master_key(&site.server.folder.path().join("master.key"));
    let said = site.server.cli(&["keys", "rewrap"]);
    assert!(said.starts_with("4 keys came into the database"), "{said}");
    std::fs::remove_dir_all(site.server.folder.path().join("keys")).unwrap();
    site.server.restart();
    assert_eq!(site.sink.wait_for(1, WAIT).await.len(), 1, "Anne hears of it");
    site.send(LIST, &mail(&before, "two"), 1).await;
    site.send(LIST, &mail(&site.certificate(), "three"), 1).await;

    // And with the database to PostgreSQL.
    site.server.kill();
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
    site.server.cli(&["db", "migrate-to", &url]);
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[database]\nurl = '{url}'\n")).unwrap();
    site.server.restart();
    site.send(LIST, &mail(&before, "four"), 1).await;
    site.send(LIST, &mail(&site.certificate(), "five"), 1).await;
}
