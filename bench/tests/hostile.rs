//! Expensive mail is refused with little memory. `make bench` measures the time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

use sealist_openpgp::testing::hostile::ATTACKS;

#[test]
fn every_attack_is_refused_within_80_mib() {
    for attack in ATTACKS {
        let mut bench = Command::new(env!("CARGO_BIN_EXE_sealist-bench"));
        let output = bench.args(["hostile", attack.name]).output().unwrap();
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {}", attack.name, String::from_utf8_lossy(&output.stderr));
        assert!(line.contains(" refused "), "{line}");
        let more_mib: u64 = line.split_whitespace().last().unwrap().parse().unwrap();
        assert!(more_mib <= 80, "{line}");
    }
}
