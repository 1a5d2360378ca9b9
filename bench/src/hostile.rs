//! Measures the cost of refusing expensive mail: each attack in a process of its own.

use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use sealist_mail::Timestamp;
use sealist_openpgp::testing::hostile::{ATTACKS, Material, Stage};

use crate::{cpu, print_line};

/// The allowed cost of a stranger's message: this much CPU time, or this many times the cost of an honest
/// message of its size.
const MOST_MS: f64 = 250.0;
const MOST_TIMES: f64 = 2.0;

/// `sealist-bench hostile`: prints a line per attack.
pub(crate) fn all() -> anyhow::Result<()> {
    print_line(
        "attack                                outcome  CPU ms  most for one  of an honest one  MiB more\n",
    );
    let mut beyond = Vec::new();
    for attack in ATTACKS {
        let output = Command::new(std::env::current_exe()?).args(["hostile", attack.name]).output()?;
        ensure!(output.status.success(), "{}: {}", attack.name, String::from_utf8_lossy(&output.stderr));
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        print_line(&line);
        // Columns are counted from the right, because the name contains blanks.
        let column = |at: usize| line.split_whitespace().rev().nth(at).and_then(|text| text.parse().ok());
        let (times, most_ms): (f64, f64) = column(1).zip(column(2)).context("a line has five columns")?;
        if most_ms > MOST_MS && times > MOST_TIMES {
            beyond.push(attack.name);
        }
    }
    print_line(&format!("beyond {MOST_MS} ms and {MOST_TIMES} times an honest one: {beyond:?}\n"));
    Ok(())
}

/// `sealist-bench hostile NAME`: runs one attack.
pub(crate) fn one(name: &str) -> anyhow::Result<()> {
    let attack = ATTACKS.iter().find(|attack| attack.name == name);
    let Some(attack) = attack else { bail!("there is no attack {name:?}") };
    let stage = Stage::new(Timestamp::now());
    let each: Vec<Material> = match attack.material(&stage) {
        Material::Mail(mails) => mails.into_iter().map(|mail| Material::Mail(vec![mail])).collect(),
        keys @ (Material::Key(_) | Material::Keys(_)) => vec![keys],
    };
    cpu::forget_peak("self")?;
    let before_kib = cpu::peak_kib("self")?;
    let (mut all_ms, mut most_ms, mut taken) = (0.0, 0.0_f64, 0);
    for material in &each {
        let before_ms = cpu::own();
        taken += usize::from(stage.takes(material));
        let ms = cpu::own() - before_ms;
        all_ms += ms;
        most_ms = most_ms.max(ms);
    }
    let octets = match &each[..] {
        [Material::Mail(mails), ..] => mails.iter().map(Vec::len).max().unwrap_or_default(),
        _ => 0,
    };
    let more_mib = cpu::peak_kib("self")?.checked_sub(before_kib).context("the peak only grows")? / 1024;
    let outcome = if taken == 0 { "refused" } else { "TAKEN" };
    let honest = stage.honest(octets);
    let before_ms = cpu::own();
    ensure!(stage.takes(&honest), "an honest post is not taken");
    let times = most_ms / (cpu::own() - before_ms);
    print_line(&format!("{name:<37} {outcome:<8} {all_ms:<7.1} {most_ms:<13.1} {times:<17.1} {more_mib}\n"));
    Ok(())
}
