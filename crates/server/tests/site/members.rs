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

#[test]
fn many_come_and_go_by_a_file() {
    let server = Server::start();
    server.cli(&["lists", "create", TEAM, "--style", "legacy-default", "--owner", "olga@example.org"]);
    let many: String = (0..2000).map(|number| format!("m{number}@x.example,Member {number}\n")).collect();
    let said = server.cli(&["members", "import", TEAM, &server.file("many.csv", many.as_bytes())]);
    assert!(said.starts_with("2000 added as member"), "{said}");
    assert_eq!(server.cli(&["members", "list", TEAM]).lines().count(), 2001);
    let said =
        with_input(&server, &["members", "import", TEAM, "-", "--dry-run"], b"m1@x.example\nnew@x.example\n");
    assert_eq!(said, "1 would be added as member:\n  new@x.example\n");
    let few = server.file("few.csv", b"email,name\nm1@x.example,One\nnew@x.example,New\n");
    let planned = server.cli(&["--json", "members", "sync", TEAM, &few, "--dry-run"]);
    let planned: Value = serde_json::from_str(&planned).unwrap();
    assert_eq!(planned["would_add"].as_array().unwrap().len(), 1);
    assert_eq!(planned["would_remove"].as_array().unwrap().len(), 1999);
    assert_eq!(server.cli(&["members", "list", TEAM]).lines().count(), 2001, "nothing is done");
    for (content, words) in [
        (&b"anne@x.example\nnobody\n"[..], "line 2: \"nobody\" is no address"),
        (b"anne@x.example,a@b", "a name has at most"),
        (b"anne@x.example,a\x1b[31m", "no control characters"),
        (b"\xff", "no text in UTF-8"),
    ] {
        let said = server.command(&["members", "import", TEAM, &server.file("bad.csv", content)]);
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.code() == Some(65) && text.contains(words), "{text}");
    }
    let said = server.command(&["members", "sync", TEAM, &server.file("none.csv", b"# nobody\n")]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("everybody would be removed"));

    // Sync removes as by mail, and touches members alone.
    let other = "other@lists.example";
    server.cli(&["lists", "create", other, "--style", "legacy-default", "--owner", "olga@example.org"]);
    server.cli(&["members", "add", other, ANNE]);
    let said = server.cli(&["members", "sync", other, &few]);
    assert!(said.contains("2 added") && said.contains("1 removed"), "{said}");
    let roster = server.cli(&["members", "list", other]);
    assert!(roster.contains("olga@example.org") && roster.contains("m1@x.example") && !roster.contains(ANNE));
}

#[test]
fn a_list_is_deleted_when_that_is_meant() {
    let server = Server::start();
    server.cli(&["lists", "create", TEAM, "--owner", "olga@example.org"]);
    server.cli(&["members", "add", TEAM, ANNE]);
    let said = server.command(&["lists", "delete", TEAM]);
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(64), "{text}");
    assert!(text.contains("1 members, 1 owners and moderators") && text.contains("--yes"), "{text}");
    assert!(server.cli(&["lists", "list"]).contains(TEAM));
    let data = json(&server, &["lists", "delete", TEAM, "--yes"]);
    assert_eq!(data["content"]["members"], 1);
    assert_eq!(server.cli(&["lists", "list"]), "");
}

#[test]
fn addresses_of_a_person_are_linked() {
    let server = Server::start();
    server.cli(&["lists", "create", TEAM]);
    server.cli(&["members", "add", TEAM, ANNE]);
    let said = server.cli(&["users", "link", ANNE, "anne@home.example"]);
    assert!(said.contains("anne@example.org  (preferred)") && said.contains("anne@home.example"), "{said}");
    let data = json(&server, &["users", "prefer", "anne@home.example"]);
    assert_eq!(data["addresses"][1]["preferred"], true);
    assert_eq!(data["id"], json(&server, &["users", "show", ANNE])["id"]);
    server.cli(&["members", "add", TEAM, "bart@example.org"]);
    let taken = server.command(&["users", "link", "bart@example.org", ANNE]);
    assert!(String::from_utf8_lossy(&taken.stderr).contains("belongs to another person"));
    server.cli(&["users", "unlink", ANNE]);
    assert_eq!(server.command(&["users", "show", ANNE]).status.code(), Some(67));
}

/// What is set for a person, for an address and for the site is set and shown in one way.
#[test]
fn people_and_the_site_have_preferences() {
    let server = Server::start();
    server.cli(&["lists", "create", TEAM, "--style", "legacy-default"]);
    let added = server.cli(&["members", "add", TEAM, ANNE, "--as-user"]);
    assert!(added.contains("is member of"), "{added}");
    assert!(server.cli(&["members", "show", TEAM, ANNE]).contains("it follows the preferred address"));
    for (set, shown) in [
        (&["users", "set", ANNE, "server_owner", "true"][..], "server_owner           true\n"),
        (&["users", "set", ANNE, "preferred_language", "de"], "preferred_language     de\n"),
        (&["preferences", "set", "receive_list_copy", "false"], "receive_list_copy      false\n"),
        (&["preferences", "set", "receive_list_copy", "--unset"], "receive_list_copy      (not set)\n"),
        (
            &["preferences", "set", "allow_cleartext", "true", "--address", ANNE],
            "allow_cleartext        true\n",
        ),
    ] {
        let said = server.cli(set);
        assert!(said.contains(shown), "{set:?}: {said}");
        let again = match set[0] {
            "users" => server.cli(&["users", "show", ANNE]),
            _ if set.contains(&"--address") => server.cli(&["preferences", "show", "--address", ANNE]),
            _ => server.cli(&["preferences", "show"]),
        };
        assert_eq!(again, said, "{set:?}");
    }
    let refused = server.command(&["preferences", "set", "allow_cleartext", "true"]);
    assert_eq!(refused.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("set it for a member or for an address"));
}
