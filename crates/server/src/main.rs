//! The binary: command line and configuration.

mod config;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// sysexits(3): something is wrong with the configuration.
const EX_CONFIG: u8 = 78;

#[derive(Parser)]
#[command(name = "sealist", version, about = "A mailing-list server with OpenPGP built in")]
struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, env = "SEALIST_CONFIG", default_value = config::DEFAULT_PATH)]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reads the configuration and says what is wrong with it.
    Check,
    /// Prints a commented configuration file with all defaults.
    Example,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Example => say(&config::commented(&config::Config::default())),
        Command::Check => match config::Config::read(&arguments.config) {
            Ok(config) => say(&format!("good; the database is {}\n", config.database_path().display())),
            Err(error) => {
                say(&format!("{error}\n"));
                return ExitCode::from(EX_CONFIG);
            }
        },
    }
    ExitCode::SUCCESS
}

/// Writes to standard output; a closed pipe is no error.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_bytes());
}
