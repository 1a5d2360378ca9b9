//! How commands end: the codes of sysexits(3), what is said, and that nothing is lost in silence.

use std::process::{Command, Output, Stdio};

use crate::common::Server;
use tempfile::TempDir;

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[tokio::test]
async fn every_failure_has_its_code() {
    let server = Server::start();
    server.cli(&["lists", "create", "team@lists.example"]);
    server.cli(&["lists", "create", "plain@lists.example", "--style", "legacy-default"]);
    let nul = server.file("nul.eml", b"From: a@x.example\n\n\0\n");
    let empty = server.file("empty.eml", b"");
    let missing = server.folder.path().join("missing").display().to_string();
    let check = |code: i32, arguments: &[&str], words: &str| {
        let said = server.command(arguments);
        assert_eq!(said.status.code(), Some(code), "{arguments:?}: {}", text(&said));
        assert!(text(&said).contains(words), "{arguments:?}: {}", text(&said));
    };
    let team = "team@lists.example";
    check(0, &["--help"], "Usage");
    check(0, &["--version"], "sealist");
    check(64, &["wrong"], "unrecognized");
    check(64, &["lists", "create"], "required");
    check(64, &["lists", "create", "not an address"], "invalid value");
    check(64, &["lists", "create", "x@lists.example", "--style", "none"], "no style");
    check(64, &["lists", "set", team, "no_such_setting", "1"], "no setting");
    check(64, &["db", "migrate-to", "sqlite:///srv/x"], "must begin with postgres://");
    check(64, &["--json", "demo"], "no --json");
    check(65, &["lists", "set", team, "encrypt_outgoing", "perhaps"], "is no value");
    check(65, &["inject", team, &nul], "");
    check(65, &["inject", team, &empty], "empty");
    check(65, &["queue", "show", "99999"], "no entry");
    check(65, &["members", "add", team, team], "address of the list itself");
    check(65, &["members", "add", team, "team-request@lists.example"], "address of the list itself");
    check(66, &["inject", team, &missing], "cannot read");
    check(66, &["members", "add", team, "bart@example.org", "--key", &missing], "cannot read");
    check(67, &["lists", "show", "nobody@lists.example"], "there is no list");
    let good = server.file("good.eml", b"From: a@x.example\n\nWords.\n");
    check(67, &["inject", "nobody@lists.example", &good], "there is no list");
    check(67, &["members", "remove", team, "nobody@example.org"], "no role");
    check(67, &["members", "set", team, "nobody@example.org", "delivery_status", "enabled"], "no role");
    check(73, &["lists", "create", team], "team@lists.example exists already");
    check(73, &["lists", "create", "TEAM@Lists.Example"], "exists already");
    let self_owned = "self@lists.example";
    check(65, &["lists", "create", self_owned, "--owner", self_owned], "address of the list itself");
    check(67, &["lists", "show", self_owned], "there is no list");
    for name in ["x@evil.example", "x\u{1b}[2J", "x <y>", &"x".repeat(101)] {
        check(65, &["members", "add", team, "name@example.org", "--name", name], "a name has at most");
    }
    check(67, &["members", "remove", team, "name@example.org"], "no role");
    // What cannot be made is another thing than what cannot be read.
    let nowhere = format!("{missing}/x");
    check(73, &["keys", "master-key", &nowhere], "cannot write");
    check(73, &["keys", "wkd", "/proc/x"], "cannot write");
    check(64, &["queue", "show", "x"], "it is no whole number");
    check(64, &["queue", "discard", "--older-than", "x"], "it is no whole number");
    for unknown in ["x", "", "Nonmember", "non-member", "nonmember "] {
        check(64, &["queue", "discard", "--reason", unknown], "the reasons are own-loop, too-many-hops, ");
    }
    check(64, &["requests", "approve", team, "a@example.org", "--number", "x"], "it is no whole number");
    check(64, &["queue", "hold"], "<WHAT|--post <POST>>");
    check(64, &["queue", "drop"], "<COPY|--post <POST>>");
    check(65, &["lists", "set", team, "posting_chain", "x"], "pgp-posting-chain");
    check(65, &["lists", "set", team, "posting_pipeline", "x"], "default-posting-pipeline");
    check(73, &["lists", "create", "team-owner@lists.example"], "is an address of team@lists.example too");
    check(65, &["lists", "create", "postmaster@lists.example"], "reserved");
    check(65, &["lists", "create", &format!("{}@lists.example", "x".repeat(60))], "too long");
    check(75, &["db", "migrate"], "stop it first");
    // What is refused says what would be taken.
    check(64, &["lists", "create", "x@lists.example", "--style", "pgp"], "pgp-default, pgp-announce");
    check(65, &["lists", "set", team, "unsigned_msg_action", "bounce"], "it takes one of");
    check(65, &["lists", "set", team, "encrypt_outgoing", "perhaps"], "it takes true or false");
    check(65, &["lists", "set", team, "max_message_kib", "3MB"], "it takes a whole number");
    check(65, &["lists", "set", team, "preferred_language", "es"], "it takes en, de, fr");
    check(65, &["lists", "set", team, "confirmed_commands", "who"], "it takes a list like");
    server.cli(&["members", "add", team, "bart@example.org"]);
    let bart = "bart@example.org";
    check(73, &["members", "add", team, bart], "bart@example.org is member of team@lists.example already");
    server.cli(&["members", "add", team, bart, "--role", "owner"]);
    check(65, &["members", "set", team, bart, "delivery_status", "off"], "enabled");
    check(64, &["members", "set", team, bart, "nomail", "true"], "there are delivery_mode, delivery_status");
    check(
        64,
        &["members", "add", team, "x@example.org", "--role", "boss"],
        "the roles are owner, moderator, member",
    );
    // What is not there is not there.
    check(65, &["queue", "resend", "99999"], "there is no copy 99999");
    check(65, &["queue", "drop", "99999"], "there is no copy 99999");
    check(65, &["queue", "hold", "--post", "99999"], "there is no post 99999");
    check(65, &["queue", "resend", "--post", "99999"], "there is no post 99999");
    check(65, &["requests", "show", team, bart], "nothing of bart@example.org waits");
    check(67, &["keys", "show", "nobody@example.org"], "is not known here");
    check(67, &["keys", "export", "nobody@example.org"], "is not known here");
    check(65, &["keys", "export", bart], "has no key");
    check(65, &["keys", "check", &good], "good.eml: ");
    check(78, &["keys", "refresh"], "[keys]");

    check(65, &["lists", "set", team, "description", &"x".repeat(5000)], "at most 1000 octets");
    check(65, &["lists", "set", team, "footer", &"x".repeat(50_000)], "at most 10000 octets");
    // Values that begin with a hyphen are values.
    server.cli(&["lists", "set", team, "footer", "-- the team"]);
    check(65, &["lists", "set", team, "max_message_kib", "-5"], "is no value");
    assert!(server.cli(&["lists", "show", team]).contains("footer = \"-- the team\""));
}

/// Each names what it wanted, and what to do.
#[test]
fn a_door_that_cannot_be_opened_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (listen, code, words) in [
        (format!("127.0.0.1:{port}"), 69, "another program has the port"),
        ("192.0.2.1:8024".to_owned(), 78, "no such address"),
    ] {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("sealist.toml");
        std::fs::write(
            &config,
            format!("data_dir = 'data'\n[lmtp]\nlisten = '{listen}'\n[keydirs]\nlist = 'keys'\n"),
        )
        .unwrap();
        let mut serve = Command::new(env!("CARGO_BIN_EXE_sealist"));
        let said = serve.arg("--config").arg(&config).arg("serve").output().unwrap();
        assert_eq!(said.status.code(), Some(code), "{}", text(&said));
        for word in [words, &listen, "[lmtp] listen"] {
            assert!(text(&said).contains(word), "{word}: {}", text(&said));
        }
    }
}

/// What was asked for and cannot be written is lost: that is an error. Who reads no further is none.
#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let server = Server::start();
    server.cli(&["lists", "create", "team@lists.example"]);
    server.cli(&["members", "add", "team@lists.example", "anne@example.org"]);
    let config = server.folder.path().join("sealist.toml");
    for arguments in [
        &["lists", "key", "team@lists.example"][..],
        &["members", "list", "team@lists.example"],
        &["--json", "members", "list", "team@lists.example"],
        &["lists", "show", "team@lists.example"],
        &["example"],
        &["check"],
        &["doctor"],
        &["mta", "print", "postfix"],
    ] {
        let run = |out: Stdio| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sealist"));
            command.arg("--config").arg(&config).args(arguments).stdout(out).output().unwrap()
        };
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let said = run(full.into());
        assert_eq!(said.status.code(), Some(74), "{arguments:?}: {}", text(&said));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let said = run(writer.into());
        assert!(said.stderr.is_empty() && said.status.code() < Some(3), "{arguments:?}: {}", text(&said));
    }
}

/// Every command that says something says it as data too.
#[test]
fn data_is_data() {
    let server = Server::start();
    let team = "team@lists.example";
    let message = server.file("post.eml", b"From: anne@example.org\nSubject: x\n\nWords.\n");
    for arguments in [
        &["lists", "create", team][..],
        &["lists", "list"],
        &["lists", "show", team],
        &["lists", "key", team],
        &["members", "add", team, "anne@example.org"],
        &["members", "list", team],
        &["members", "set", team, "anne@example.org", "delivery_status", "enabled"],
        &["check"],
        &["example"],
        &["mta", "print", "exim"],
        &["postfix", "print"],
        &["inject", team, &message],
        &["queue", "list"],
        &["queue", "posts"],
        &["queue", "copies"],
        &["requests", "list"],
        &["keys", "check"],
        &["keys", "master-key", server.folder.path().join("m.key").to_str().unwrap()],
        &["workflows"],
        &["audit"],
        &["texts", "list"],
        &["doctor"],
        &["quickstart", "olga@example.org", "--list", team],
        &["members", "remove", team, "anne@example.org"],
        &["lists", "delete", team, "--yes"],
    ] {
        let said = server.command(&[&["--json"], arguments].concat());
        let data: Result<serde_json::Value, _> = serde_json::from_slice(&said.stdout);
        assert!(data.is_ok_and(|data| !data.is_null()), "{arguments:?}: {}", text(&said));
    }
}

/// An acknowledgement that would make a program miss events says what is wrong with it.
#[test]
fn an_acknowledgement_of_what_nobody_gave_fails() {
    let server = Server::start();
    server.cli(&["events", "add", "robot", "--from-oldest"]);
    server.cli(&["events", "next", "robot"]);
    for (consumer, position, words) in [
        ("robot", "99999", "no event has position 99999"),
        ("robot", "-1", "no event has position -1"),
        ("nobody", "0", "there is no consumer"),
    ] {
        let said = server.command(&["events", "acknowledge", consumer, "--", position]);
        assert!(!said.status.success(), "{consumer} {position}");
        assert!(text(&said).contains(words), "{}", text(&said));
    }
    server.cli(&["events", "acknowledge", "robot", "0"]);
    assert_eq!(server.cli(&["events", "consumers"]), "robot 0\n");
}
