//! Who hears of a list, and who did what on the command line.

use serde_json::Value;

use crate::common::Server;
use crate::common::site::{LIST, Site};

const OTHER: &str = "other@lists.example";

/// The warnings of a command, as text and as data alike.
fn warnings(server: &Server, arguments: &[&str]) -> Vec<String> {
    let data: Value = serde_json::from_str(&server.cli(&[&["--json"], arguments].concat())).unwrap();
    data["warnings"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// What `doctor` says of lists without an owner.
fn found(server: &Server) -> Vec<String> {
    let output = server.command(&["--json", "doctor"]);
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let of_owner = all.iter().filter(|finding| finding["check"] == "owner");
    of_owner.map(|finding| finding["detail"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_without_an_owner_is_told_of() {
    let alone = Server::start();
    let with_contact =
        Server::configured("[site]\ncontact = 'carl@example.org'\n[lmtp]\nlisten = '127.0.0.1:0'\n");
    for (server, hears) in [
        (&alone, "nobody gets its notices"),
        (&with_contact, "carl@example.org, the contact of the site, gets its notices"),
    ] {
        let said = warnings(server, &["lists", "create", OTHER, "--owner", "olga@example.org"]);
        assert!(
            said.len() == 1 && said[0].contains("olga@example.org: without a key nothing can be sent"),
            "{said:?}"
        );
        let said = warnings(server, &["lists", "create", LIST, "--style", "legacy-default"]);
        let [warning] = &said[..] else { panic!("{said:?}") };
        assert!(warning.contains(LIST) && warning.contains(hears), "{warning}");
        assert!(found(server).iter().any(|detail| detail.contains(LIST) && detail.contains(hears)));
        // The fix is a command.
        let fix = warning.split("fix: sealist ").nth(1).unwrap().replace("ADDRESS", "mona@example.org");
        server.cli(&fix.split(' ').collect::<Vec<_>>());
        assert_eq!(found(server), [""; 0]);

        // The last of two owners, who is a member too; then a moderator is left.
        let remove = |address| warnings(server, &["members", "remove", LIST, address]);
        for role in ["owner", "member", "moderator"] {
            server.cli(&["members", "add", LIST, "nina@example.org", "--role", role]);
        }
        server.cli(&["members", "add", LIST, "max@example.org", "--role", "moderator"]);
        assert_eq!(remove("mona@example.org"), [""; 0]);
        let refused = server.command(&["members", "remove", LIST, "nina@example.org"]);
        let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.contains("the last owner") && refused.contains("--last-owner"), "{refused}");
        let said = warnings(server, &["members", "remove", LIST, "nina@example.org", "--last-owner"]);
        assert!(said.len() == 1 && said[0].contains("only its moderators get its notices"), "{said:?}");
        assert_eq!(found(server).len(), 1, "{:?}", found(server));
        // Who is no owner may go without a word: it was said before.
        assert_eq!(remove("max@example.org"), [""; 0]);
        assert!(found(server)[0].contains(hears), "{:?}", found(server));
    }
    let text = alone.cli(&["lists", "create", "third@lists.example"]);
    assert!(text.lines().nth(1).unwrap().starts_with("warning: third@lists.example: "), "{text}");
}

/// Whoever reads the audit sees which user of the system it was.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_names_who_worked_on_the_command_line() {
    let site = Site::new().await;
    let cli = |arguments: &[&str]| site.server.cli(arguments);
    cli(&["lists", "create", OTHER, "--style", "legacy-default", "--owner", "olga@example.org"]);
    cli(&["lists", "set", OTHER, "default_nonmember_action", "hold"]);
    for subject in ["One", "Two", "Three"] {
        let message = format!("From: eve@example.org\r\nTo: {OTHER}\r\nSubject: {subject}\r\n\r\nWords.\r\n");
        let mut connection = site.server.connect().await;
        crate::common::post_as(&mut connection, "eve@example.org", OTHER, message.as_bytes()).await;
    }
    site.server.wait_until_judged();
    let numbers: Vec<String> = site.server.queued().iter().map(|entry| entry["entry"].to_string()).collect();
    cli(&["queue", "open", &numbers[0], "--to", "olga@example.org"]);
    for (verb, number) in ["accept", "reject", "discard"].iter().zip(&numbers) {
        cli(&["queue", verb, number]);
    }
    cli(&["lists", "set", LIST, "hide_subject", "false"]);
    let all: Vec<Value> = serde_json::from_str(&cli(&["--json", "audit"])).unwrap();
    let user = std::process::Command::new("id").arg("-un").output().unwrap();
    let user = format!("{} (command line)", String::from_utf8(user.stdout).unwrap().trim());
    let of = |event: &str| all.iter().find(|entry| entry["event"] == event).unwrap();
    for event in ["hold-accepted", "hold-rejected", "hold-discarded", "setting-changed"] {
        let who = of(event)["who"].as_str().unwrap();
        assert!(who.ends_with(&user) || std::env::var_os("SUDO_USER").is_some(), "{event}: {who}");
        // Nobody proved that Eve wrote.
        assert!(who.ends_with("(command line)") && of(event)["email"] == "", "{event}: {who}");
    }
    // What is about a person names that person, and who did it.
    let shown = of("hold-shown");
    assert_eq!(shown["email"], "olga@example.org");
    assert!(shown["who"].as_str().unwrap().ends_with("(command line)"), "{shown}");
}

/// A member's choice is told of where it lets cleartext out, and only there.
#[test]
fn a_choice_that_lets_cleartext_out_is_told_of() {
    let server = Server::start();
    let bart = "bart@example.org";
    let choose = |list, name, value| warnings(&server, &["members", "set", list, bart, name, value]);
    for (list, style) in [(LIST, "pgp-default"), (OTHER, "legacy-default")] {
        server.cli(&["lists", "create", list, "--style", style, "--owner", "olga@example.org"]);
        server.cli(&["members", "add", list, bart]);
        assert_eq!(choose(list, "allow_cleartext", "true"), [""; 0], "{list}: nobody sends it");
    }
    assert_eq!(warnings(&server, &["lists", "set", LIST, "missing_key_action", "cleartext"]).len(), 1);
    let said = choose(LIST, "allow_cleartext", "true");
    assert!(said.len() == 1 && said[0].contains("bart@example.org gets copies in the clear"), "{said:?}");
    assert_eq!(choose(LIST, "receive_own_postings", "false"), [""; 0]);
    assert_eq!(choose(LIST, "allow_cleartext", "false"), [""; 0]);
}
