//! The demonstration is the shortest whole story: its exit code tells the truth.

use std::process::Command;

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
