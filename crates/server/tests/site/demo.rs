//! The demonstration is the shortest whole story: its exit code tells the truth.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::common::{encrypted, entity, post};
use sealist_smtp::client::{Connection, NextHop, Protocol, RecipientResult};

#[test]
fn the_demonstration_ends_well() {
    check(&["demo"]);
}

#[test]
fn it_posts_a_given_mail() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("given.eml");
    std::fs::write(&file, "From: who@ever.example\nSubject: =?iso-8859-1?q?caf=E9?=\n\nWords of my own.\n")
        .unwrap();
    check(&["demo", "--post", file.to_str().unwrap()]);
}

fn check(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_sealist")).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_eq!(
        text.matches("yes        yes             yes      yes").count(),
        3,
        "three good copies:\n{text}"
    );
}

/// A mail that cannot be shown is refused in one sentence, before anything is made.
#[test]
fn what_cannot_be_posted_is_refused_with_the_reason() {
    let folder = tempfile::TempDir::new().unwrap();
    let large = [b"From: a@x.example\nSubject: x\n\n".to_vec(), vec![b'x'; 6 << 20]].concat();
    for (name, content, code, words) in [
        ("empty", &b""[..], 65, "the mail is empty"),
        ("blank", b"\r\n \n\n", 65, "the mail is empty"),
        ("no-subject", b"From: a@x.example\n\nWords.\n", 65, "the mail has no Subject"),
        ("empty-subject", b"From: a@x.example\nSubject:\n\nWords.\n", 65, "the mail has no Subject"),
        ("words-alone", b"\nSubject: not a header\n", 65, "the mail has no Subject"),
        ("large", &large, 65, "the mail is too large"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        refused(&["--post", file.to_str().unwrap()], "", code, &[words, name]);
    }
    let missing = folder.path().join("missing");
    refused(&["--post", missing.to_str().unwrap()], "", 66, &["cannot read", "missing"]);
    refused(&["--post", folder.path().to_str().unwrap()], "", 66, &["cannot read"]);
    refused(&[], missing.to_str().unwrap(), 73, &["missing", "set TMPDIR"]);
    refused(&["--json"], "", 64, &["no --json"]);
}

fn refused(arguments: &[&str], temporary: &str, code: i32, words: &[&str]) {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_sealist"));
    demo.arg("demo").args(arguments);
    if !temporary.is_empty() {
        demo.env("TMPDIR", temporary);
    }
    let output = demo.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
}

/// It says how to post, and shows whose copy came out where.
#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_serving_who_posts_by_hand() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_sealist"));
    let mut demo = demo.args(["demo", "--serve"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let said: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("be cris@")).collect();
    let said = said.join("\n");
    let word_behind = |words: &str| -> String {
        let (_, rest) = said.split_once(words).unwrap_or_else(|| panic!("no {words:?} in {said}"));
        rest.split([',', ' ', ';', '\n']).next().unwrap().to_owned()
    };
    let (folder, sub_address) =
        (word_behind("all of it is in "), word_behind("hand it in by LMTP at 127.0.0.1:"));
    let anne = word_behind("be anne@example.org  gpg --homedir ");
    // As it says: gpg --homedir HOME --trust-model always -aser LIST
    let list = "team@lists.example";
    let mut gpg = Command::new("gpg");
    gpg.args(["--batch", "--homedir", &anne, "--trust-model", "always", "-aser", list]);
    let mut gpg = gpg.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    gpg.stdin.take().unwrap().write_all(&entity("By hand", "Words of my own.")).unwrap();
    let armor = gpg.wait_with_output().unwrap().stdout;
    let target = NextHop::plain("127.0.0.1", sub_address.parse().unwrap(), Protocol::Lmtp);
    let mut connection = Connection::connect(&target).await.unwrap();
    let posted = post(&mut connection, list, &encrypted("anne@example.org", list, &armor)).await;
    assert!(matches!(posted, RecipientResult::Sent(_)), "{posted:?}");
    let came: Vec<String> = lines.filter(|line| line.starts_with("came out to ")).take(3).collect();
    for member in ["anne@example.org", "bart@example.org", "cris@example.net"] {
        let (_, file) = came.iter().find_map(|line| line.split_once(&format!("{member}: "))).unwrap();
        let copy = std::fs::read_to_string(file).unwrap();
        assert!(copy.contains("BEGIN PGP MESSAGE"), "{copy}");
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&demo), rustix::process::Signal::TERM)
        .unwrap();
    assert!(demo.wait().unwrap().success());
    assert!(!std::path::Path::new(&folder).exists(), "nothing stays");
}
