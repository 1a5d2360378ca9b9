//! Fuzz targets. `make fuzz` runs each for a minute on the stable compiler, and `cargo bolero test` runs them
//! with a coverage-guided engine. Inputs are valid mail, keys and commands of our own with mutations, so that
//! they get past the first line of a parser. An input that breaks a target becomes a test beside the code.

#![cfg(test)]

mod commands;
mod mail;
mod mutate;
mod openpgp;
mod smtp;

use std::time::Duration;

/// How long each target runs: `SEALIST_FUZZ_S` seconds, else two.
fn duration() -> Duration {
    let seconds = std::env::var("SEALIST_FUZZ_S").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}
