//! The demonstration is the shortest whole story: its exit code tells the truth.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

#[test]
fn the_demonstration_ends_well() {
    let output = Command::new(env!("CARGO_BIN_EXE_sealist")).arg("demo").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_eq!(
        text.matches("yes        yes             yes      yes").count(),
        3,
        "three good copies:\n{text}"
    );
}
