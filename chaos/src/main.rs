//! The runner: `sealist-chaos --binary PATH [--seed N] [--short] [NAME...]`.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use sealist_chaos::experiments::{EXPERIMENTS, Experiment};
use sealist_chaos::{Expected, Lab, Scale, run};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (lab, chosen) = read_arguments()?;
    print_line(&format!("seed {}\n", lab.seed));
    let mut code = ExitCode::SUCCESS;
    for experiment in chosen {
        let line = run(experiment, &lab).await;
        print_line(&format!("{}\n", line.text));
        if line.holds == Expected::No {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// Without names all experiments are run.
fn read_arguments() -> anyhow::Result<(Lab, Vec<&'static Experiment>)> {
    let mut lab = Lab {
        binary: std::env::current_exe()?.with_file_name("sealist"),
        scale: Scale::Full,
        seed: u64::from_le_bytes(sealist_openpgp::random()),
    };
    let mut chosen = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--binary" => lab.binary = arguments.next().context("--binary PATH")?.into(),
            "--seed" => lab.seed = arguments.next().and_then(|seed| seed.parse().ok()).context("--seed N")?,
            "--short" => lab.scale = Scale::Short,
            name => {
                let named = EXPERIMENTS.iter().find(|experiment| experiment.number == name);
                chosen.push(named.with_context(|| format!("there is no experiment {name:?}"))?);
            }
        }
    }
    lab.binary = std::path::absolute(&lab.binary)?;
    ensure!(lab.binary.exists(), "{} is not built: run `make chaos`", lab.binary.display());
    if chosen.is_empty() {
        chosen = EXPERIMENTS.iter().collect();
    }
    Ok((lab, chosen))
}

fn print_line(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
