//! `sealist members` and `sealist bans` as an admin types them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::Server;

const TEAM: &str = "team@lists.example";
const ANNE: &str = "anne@example.org";

fn json(server: &Server, arguments: &[&str]) -> Value {
    serde_json::from_str(&server.cli(&[&["--json"], arguments].concat())).unwrap()
}

/// Runs a command with that standard input, which must work.
fn with_input(server: &Server, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealist"));
    command.arg("--config").arg(server.folder.path().join("sealist.toml")).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_member_can_be_looked_at_named_and_changed() {
    let server = Server::start();
    server.cli(&["lists", "create", TEAM, "--owner", "olga@example.org"]);
    server.cli(&["members", "add", TEAM, ANNE, "--name", "Anne"]);
    server.cli(&["members", "set", TEAM, ANNE, "delivery_status", "by_moderator"]);
    server.cli(&["members", "set", TEAM, ANNE, "moderation_action", "hold"]);
    server.cli(&["members", "set", TEAM, ANNE, "preferred_language", "de"]);
    server.cli(&["members", "rename", ANNE, "Anne  Example"]);
    let shown = server.cli(&["members", "show", TEAM, ANNE]);
    for words in [
        "name                   Anne Example",
        "key                    missing",
        "moderation_action      hold",
        "delivery_status        by_moderator           set for the member",
        "preferred_language     de                     set for the address, on all lists",
        "receive_own_postings   true                   default",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let data = json(&server, &["members", "show", TEAM, ANNE]);
    assert_eq!(data[0]["preferences"][1]["name"], "delivery_status");
    assert_eq!(data[0]["preferences"][1]["source"], "member");
    assert_eq!(data[0]["preferences"][2]["value"], true);
    assert_eq!(data[0]["key"]["state"], "missing");
    assert_eq!(data[0]["id"].as_str().unwrap().len(), 32);
    let roster = server.cli(&["members", "list", TEAM]);
    let lines: Vec<&str> = roster.lines().collect();
    assert!(lines[0].starts_with("owner      olga@example.org"), "{roster}");
    assert!(
        lines[1].contains("Anne Example")
            && lines[1].ends_with("delivery by_moderator, key missing, posts hold")
    );
    assert_eq!(server.cli(&["members", "list", TEAM, "--role", "owner"]).lines().count(), 1);
    server.cli(&["members", "set", TEAM, ANNE, "delivery_status", "--unset"]);
    assert!(server.cli(&["members", "show", TEAM, ANNE]).contains("enabled                default"));
    // One role comes and goes by itself.
    server.cli(&["members", "add", TEAM, ANNE, "--role", "owner"]);
    assert_eq!(server.cli(&["members", "find", "anne*"]).lines().count(), 2);
    server.cli(&["members", "remove", TEAM, ANNE, "--role", "owner"]);
    let found = json(&server, &["members", "find", ANNE]);
    assert_eq!((found.as_array().unwrap().len(), &found[0]["role"]), (1, &Value::from("member")));
    server.cli(&["members", "rename", ANNE, ""]);
    assert_eq!(json(&server, &["members", "find", ANNE])[0]["name"], "");
}

#[test]
fn bans_are_made_shown_and_taken_back() {
    let server = Server::start();
    server.cli(&["lists", "create", TEAM]);
    server.cli(&["bans", "add", "@spam.example"]);
    server.cli(&["bans", "add", "eve@example.org", "--list", TEAM]);
    let bans = server.cli(&["bans", "list"]);
    assert!(bans.contains("@spam.example") && bans.contains("(all lists)") && bans.contains(TEAM), "{bans}");
    assert_eq!(json(&server, &["bans", "list", TEAM]).as_array().unwrap().len(), 2);
    for (code, arguments, words) in [
        (73, &["bans", "add", "@SPAM.example"][..], "already"),
        (67, &["bans", "remove", "eve@example.org"], "is not banned from all lists"),
        (64, &["bans", "add", "spam.example"], "nor a domain, like @example.org"),
        (67, &["bans", "add", "x@y.example", "--list", "no@lists.example"], "there is no list"),
    ] {
        let said = server.command(arguments);
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
    server.cli(&["bans", "remove", "eve@example.org", "--list", TEAM]);
    server.cli(&["bans", "remove", "@spam.example"]);
    assert_eq!(server.cli(&["bans", "list"]), "");
}

#[test]
fn keys_come_from_standard_input() {
    let server = Server::start();
    server.cli(&["lists", "create", TEAM]);
    let key = server.cli(&["lists", "key", TEAM]);
    let said = with_input(&server, &["keys", "check", "-"], key.as_bytes());
    assert!(said.contains("team@lists.example"), "{said}");
}
