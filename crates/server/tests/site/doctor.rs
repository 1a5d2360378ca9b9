//! `sealist doctor` against a site of which one thing at a time is wrong.

use crate::common::Server;
use crate::common::sink::RecordingSink;
use sealist_smtp::Reply;
use sealist_store::testing::Postgres;
use serde_json::Value;
use tokio::sync::watch;

const TEAM: &str = "team@lists.example";
const BOARD: &str = "board@example.org";
const CONTACT: &str = "olga@example.org";

/// What `doctor` says of such checks: level, detail and fix.
fn said_of(server: &Server, check: &str) -> Vec<(String, String, String)> {
    let output = server.command(&["--json", "doctor"]);
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let of_check = all.iter().filter(|finding| finding["check"] == check);
    of_check.map(|found| (word(found, "level"), word(found, "detail"), word(found, "fix"))).collect()
}

/// A site whose contact has a mailbox in a domain of lists, and its next hop.
async fn site() -> (Server, RecordingSink, watch::Sender<bool>) {
    let sink = RecordingSink::default();
    let (stop, stopped) = watch::channel(false);
    let port = sink.start(stopped).await.unwrap();
    let server = Server::configured(&format!(
        "[site]\ncontact = '{CONTACT}'\n[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = {port}\n"
    ));
    (server, sink, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_hop_is_asked_whom_it_takes_mail_for() {
    let (server, sink, _stop) = site().await;
    for list in [TEAM, "zeta@lists.example", BOARD, "second@example.org"] {
        server.cli(&["lists", "create", list, "--style", "legacy-default"]);
    }
    let levels = || {
        let of = |check| said_of(&server, check).into_iter().map(|(level, ..)| level).collect::<Vec<_>>();
        (of("contact"), of("list domain"))
    };
    let good = |count: usize| vec!["good".to_owned(); count];
    assert_eq!(levels(), (good(1), good(3)), "one list of a domain of lists, each list beside mailboxes");
    let check = |address: &str, reply: Reply, check: &str, level: &str, words: &[&str]| {
        sink.lock().turned_away.insert(address.to_owned(), reply);
        let all = said_of(&server, check);
        sink.accept(address);
        let bad: Vec<_> = all.into_iter().filter(|(level, ..)| level != "good").collect();
        let [(seen, detail, fix)] = &bad[..] else { panic!("{address}: {bad:?}") };
        assert_eq!(seen, level, "{address}: {detail}");
        for word in words {
            assert!(format!("{detail} {fix}").contains(word), "{word}: {detail} {fix}");
        }
    };
    let unknown = || Reply::new(550, (5, 1, 1), "no such user");
    let denied = || Reply::new(554, (5, 7, 1), "relay access denied");
    let later = || Reply::new(450, (4, 2, 0), "greylisted");
    check(
        CONTACT,
        unknown(),
        "contact",
        "fault",
        &[CONTACT, "550 5.1.1 no such user", "mta print", "[site]"],
    );
    check(CONTACT, later(), "contact", "warning", &[CONTACT, "450"]);
    check(TEAM, denied(), "list domain", "fault", &[TEAM, "554 5.7.1 relay access denied", "mta print"]);
    check(TEAM, later(), "list domain", "warning", &[TEAM, "450"]);
    check("second@example.org", unknown(), "list domain", "fault", &["second@example.org"]);
    assert_eq!(levels(), (good(1), good(3)));
    assert!(sink.wait_for(1, std::time::Duration::from_millis(1)).await.is_empty(), "nothing is sent");
}

/// Lists that encrypt, or could, and let in or out what is not encrypted, signed, or of a member.
#[tokio::test(flavor = "multi_thread")]
async fn weak_lists_are_named() {
    let (server, _sink, _stop) = site().await;
    server.cli(&["lists", "create", TEAM]);
    server.cli(&["lists", "create", BOARD, "--style", "legacy-default"]);
    server.cli(&["lists", "set", BOARD, "default_nonmember_action", "accept"]);
    assert_eq!(said_of(&server, "weak list"), [], "as made, and a list without OpenPGP");
    for (setting, weak, words) in [
        ("encrypt_outgoing", "false", "its copies go out in the clear"),
        ("unsigned_msg_action", "accept", "unsigned mail is posted"),
        ("nonencrypted_msg_action", "accept", "mail in the clear is posted"),
        ("invalid_sig_action", "accept", "a false signature is posted"),
        ("default_nonmember_action", "accept", "mail of anybody is posted"),
        ("subscription_policy", "open", "without the proof of a key"),
        ("subscription_policy", "pgp-policy-confirm", "nobody in charge is asked"),
        ("expired_sig_action", "accept", "an expired key is posted"),
        ("unaddressed_msg_action", "accept", "names no recipient is posted"),
        ("collect_sig_hashes", "false", "they can be posted again"),
        ("hide_subject", "false", "outside the encryption"),
        ("key_signing_allowed", r#"["nonmember"]"#, "anybody may certify"),
    ] {
        let told = server.cli(&["lists", "set", TEAM, setting, weak]);
        let warning = told.lines().find(|line| line.starts_with("warning: ")).unwrap_or_default();
        assert!(warning.contains(TEAM) && warning.contains(words), "{setting}: {told}");
        assert!(warning.contains(&format!("; fix: sealist lists set {TEAM} {setting} ")), "{told}");
        let again = server.cli(&["lists", "set", TEAM, setting, weak]);
        assert_eq!(again, told, "it is told each time, and recorded once");
        let all = said_of(&server, "weak list");
        let [(level, detail, fix)] = &all[..] else { panic!("{setting}: {all:?}") };
        assert!(level == "warning" && detail.contains(TEAM) && detail.contains(words), "{detail}");
        // What the fix says is a command that mends it.
        let command = fix.split("sealist ").nth(1).unwrap();
        assert!(command.starts_with(&format!("lists set {TEAM} {setting} ")), "{fix}");
        let told = server.cli(&command.splitn(5, ' ').collect::<Vec<_>>());
        assert!(!told.contains("warning"), "{told}");
        assert_eq!(said_of(&server, "weak list"), [], "{setting}: {fix}");
        let audit = server.cli(&["audit", TEAM]);
        let of_it: Vec<&str> =
            audit.lines().filter(|line| line.contains(&format!("name {setting};"))).collect();
        // The newest first; a setting may stand in two rows of this table.
        let [mended, weakened, ref earlier @ ..] = of_it[..] else { panic!("{setting}: {audit}") };
        assert_eq!(earlier.len() % 2, 0, "{setting}: each change once: {audit}");
        assert!(weakened.contains("(command line)") && weakened.contains(words), "{weakened}");
        assert!(!mended.contains("weakens"), "{mended}");
    }
}

/// On PostgreSQL the disk that counts is that of the database server.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_measured_is_what_the_site_uses() {
    let (server, _sink, _stop) = site().await;
    let seen = |server: &Server| {
        ["disk", "fsync", "commit", "connections"].map(|check| !said_of(server, check).is_empty())
    };
    assert_eq!(seen(&server), [true, true, false, false]);
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
    let server = Server::configured(&format!("[database]\nurl = '{url}'\n[lmtp]\nlisten = '127.0.0.1:0'\n"));
    assert_eq!(seen(&server), [false, false, true, true]);
    let commit = said_of(&server, "commit").remove(0).1;
    assert!(commit.contains("on the database server"), "{commit}");
}

/// A key that is missing is told of when it goes, not when the first mail comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_missing_is_in_the_log() {
    let (mut server, _sink, _stop) = site().await;
    for list in [TEAM, BOARD, "third@lists.example"] {
        server.cli(&["lists", "create", list]);
    }
    let keys = server.folder.path().join("keys");
    let file_of = |words: [&str; 2]| {
        let files = std::fs::read_dir(&keys).unwrap().map(|file| file.unwrap().path());
        let mut found = files.filter(|file| words.iter().all(|word| file.to_str().unwrap().contains(word)));
        found.next().unwrap_or_else(|| panic!("a file of {words:?}"))
    };
    server.kill();
    std::fs::remove_file(file_of(["team.lists.example", ".posting."])).unwrap();
    std::fs::write(file_of(["board.example.org", ".storage."]), "garbage").unwrap();
    server.restart();
    let lacking = |log: &str| -> Vec<String> {
        let lines = log.lines().filter(|line| line.contains("list-key-missing"));
        lines.map(str::to_owned).collect()
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while lacking(&server.log()).len() < 2 {
        assert!(std::time::Instant::now() < end, "{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let lines = lacking(&server.log());
    assert_eq!(lines.len(), 2, "once each, and nothing of the list that has its keys: {lines:?}");
    for (list, key) in [(TEAM, "posting"), (BOARD, "storage")] {
        assert!(
            lines.iter().any(|line| line.contains("WARN") && line.contains(list) && line.contains(key)),
            "{list}: {lines:?}"
        );
    }
}
