//! Changes that only the binary makes leave one event each, with who made it; the same command again leaves
//! none. The wrapping of keys, the start of the server, the move to another database, and the deletion of a
//! person, with what the commands print.

use serde_json::Value;

use crate::common::Server;
use crate::common::ground::make_master_key;
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::testing::Postgres;

const TEAM: &str = "team@lists.example";
const OLGA: &str = "olga@example.org";
const ANNE: &str = "anne@example.org";

/// What happened since the last look: the kind, the kind of the actor, and the person.
fn happened(server: &Server) -> Vec<String> {
    let said: Value =
        serde_json::from_str(&server.cli(&["--json", "events", "next", "robot"])).expect("a list of events");
    let events = said.as_array().unwrap();
    if let Some(last) = events.last() {
        server.cli(&["events", "acknowledge", "robot", &last["position"].to_string()]);
    }
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    let line = |one: &Value| format!("{} {} {}", text(one, "event"), text(one, "by"), text(one, "email"));
    events.iter().map(|one| line(one).trim_end().to_owned()).collect()
}

/// A command, what it prints, and what happened.
fn check(server: &Server, arguments: &[&str], words: &str, expected: &[&str]) {
    let said = server.cli(arguments);
    assert!(said.contains(words), "{arguments:?}: {said}");
    assert_eq!(happened(server), expected, "{arguments:?}");
}

/// A command that is refused with that code and words, and changes nothing.
fn refused(server: &Server, arguments: &[&str], code: i32, words: &str) {
    let said = server.command(arguments);
    let text = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(words), "{arguments:?}: {text}");
    assert_eq!(happened(server), [""; 0], "{arguments:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_the_binary_is_one_event() {
    let mut server = Server::start();
    server.cli(&["events", "add", "robot"]);
    happened(&server);
    let [joined, verified] =
        ["member-joined", "address-verified"].map(|kind| format!("{kind} command-line {OLGA}"));
    let made = "list-key-made command-line";
    let quickstart = ["quickstart", OLGA, "--list", TEAM];
    let expected = ["list-created command-line", made, made, &verified, &joined, &joined];
    check(&server, &quickstart, "team@lists.example is made", &expected);
    check(&server, &quickstart, "team@lists.example is kept", &[]);
    // The runners look at keys and key files when the server starts, and change nothing.
    server.kill();
    server.restart();
    assert_eq!(happened(&server), [""; 0], "the server starts");

    a_person_is_deleted(&server);

    let master = server.folder.path().join("master.key");
    make_master_key(&master);
    assert_eq!(happened(&server), [""; 0], "a master key is a file, and no change of the site");
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    server.child.wait().unwrap();
    let config = server.folder.path().join("sealist.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}kept = 'database'\nmaster_key = 'master.key'\n")).unwrap();
    let wrapped = "came into the database";
    check(&server, &["keys", "rewrap"], wrapped, &["list-keys-wrapped command-line"]);
    check(&server, &["keys", "rewrap"], "", &[]);
    // Nobody else is there who would have to load the key first.
    let used = "list-key-used command-line";
    check(&server, &["keys", "rotate", TEAM], "", &[made, used]);

    // The move takes the events and their readers along, and is none.
    let audit = server.cli(&["--json", "audit", "--limit", "1000"]);
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
    server.cli(&["db", "migrate-to", &url]);
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[database]\nurl = '{url}'\n")).unwrap();
    assert_eq!(server.cli(&["--json", "audit", "--limit", "1000"]), audit);
    assert_eq!(happened(&server), [""; 0], "the move");
}

/// A person who has left still has a key.
fn a_person_is_deleted(server: &Server) {
    let delete = ["users", "delete", ANNE];
    refused(server, &delete, 67, "is not known here");
    let anne = Person::new(ANNE, Kind::Curve25519, Timestamp::now());
    let key = server.file("anne.asc", &anne.certificate().armored());
    let add = ["members", "add", TEAM, ANNE, "--key", &key];
    server.cli(&add);
    happened(server);
    refused(server, &delete, 65, "a role on a list (`sealist members remove` ends it");
    // The goodbye would wait for a mail server that is not there.
    server.cli(&["lists", "set", TEAM, "send_goodbye_message", "false"]);
    server.cli(&["members", "remove", TEAM, ANNE]);
    assert!(server.cli(&["keys", "export", ANNE]).starts_with("-----BEGIN PGP"), "the key stays");
    happened(server);
    check(server, &delete, "deleted: anne@example.org\n", &["person-deleted command-line"]);
    refused(server, &delete, 67, "is not known here");
    server.cli(&["members", "add", TEAM, ANNE]);
    server.cli(&["members", "remove", TEAM, ANNE]);
    happened(server);
    let said = server.cli(&["--json", "users", "delete", ANNE]);
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), serde_json::json!({ "deleted": [ANNE] }));
    assert_eq!(happened(server), ["person-deleted command-line"]);
}
