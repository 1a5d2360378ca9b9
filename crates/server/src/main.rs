//! The binary: command line, configuration, runners. No decisions.

mod admin;
mod config;
mod demo;
mod doctor;
mod ending;
mod exit;
mod fail_points;
mod file_owner;
mod inject;
mod keyservers;
mod lmtp_service;
mod memory;
mod mta;
mod opening;
mod owner;
mod quickstart;
mod runners;
mod serve;
mod templates;
mod vault;

use std::path::PathBuf;
use std::process::ExitCode;

use admin::Output;
use clap::{Parser, Subcommand};
use ending::{Code, Ending};
use opening::OpeningPurpose;
use sealist_lists::model::ListName;
use sealist_mail::Address;
use serde_json::json;

/// Memory is zeroed when it is freed, so that no cleartext remains in memory that is reused.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<tikv_jemallocator::Jemalloc> =
    zeroizing_alloc::ZeroAlloc(tikv_jemallocator::Jemalloc);

#[derive(Parser)]
#[command(name = "sealist", version, about = "A mailing-list server with OpenPGP built in")]
struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "SEALIST_CONFIG", default_value = config::DEFAULT_PATH)]
    config: PathBuf,
    /// Prints data as JSON. Not for `serve` and `demo`. Errors are still text on standard error.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: ProgramCommand,
}

#[derive(Subcommand)]
enum ProgramCommand {
    /// Runs the server.
    Serve,
    /// Demonstrates an encrypted list with real keys and real mail, on loopback, in a temporary folder.
    Demo(demo::DemoOptions),
    /// Reads the configuration and reports errors in it.
    Check,
    /// Prints a commented configuration file with all defaults.
    Example,
    /// Writes a configuration, makes the database and a first list, and prints the next steps.
    Quickstart {
        /// Your address: the owner and first member of the list.
        admin: Address,
        /// The first list. Default: team@lists.DOMAIN with the domain of your address.
        #[arg(long)]
        list: Option<ListName>,
        /// A file with your OpenPGP certificate.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Looks for problems and says how to fix them. Exits with 0 (all good), 1 (warnings), 2 (faults) or 78
    /// (there is no site to check).
    Doctor,
    /// Puts a message into the queue of a list.
    Inject {
        /// An address of the list.
        list: Address,
        /// The file with the message. Default: standard input.
        file: Option<PathBuf>,
        /// The envelope sender. Default: the null sender, as in delivery reports.
        #[arg(long)]
        sender: Option<Address>,
    },
    /// Prints the configuration for the mail server in front.
    #[command(subcommand)]
    Mta(Mta),
    /// Prints the configuration for Postfix, like `mta print postfix`.
    Postfix {
        #[command(subcommand)]
        command: Postfix,
    },
    #[command(flatten)]
    Admin(admin::AdminCommand),
}

#[derive(Subcommand)]
enum Mta {
    /// Prints the lines for its configuration.
    Print {
        /// The mail server in front.
        server: mta::Server,
    },
}

#[derive(Subcommand)]
enum Postfix {
    /// Prints the lines for main.cf.
    Print,
}

fn main() -> ExitCode {
    harden();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(said) => return print_clap(&said),
    };
    // Must be called while there is one thread, so that the threads of the runtime inherit the user.
    if let Err(error) = drop_root(&arguments) {
        print_error(&format!("sealist: {error}\n"));
        return ExitCode::from(Code::Config as u8);
    }
    if let ProgramCommand::Serve = arguments.command {
        memory::give_back();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(arguments)));
    match result {
        Ok(code) => code,
        Err(error) => {
            print_error(&format!("sealist: {error:#}\n"));
            ExitCode::from(exit::code_of(&error) as u8)
        }
    }
}

/// Commands that need no site keep the rights of root.
fn drop_root(arguments: &Arguments) -> Result<(), Ending> {
    match &arguments.command {
        ProgramCommand::Demo(_) | ProgramCommand::Example => Ok(()),
        ProgramCommand::Admin(command) if !command.needs_a_site() => Ok(()),
        _ => owner::act_as_owner(&arguments.config),
    }
}

/// Help and version are printed to standard output and are not errors.
fn print_clap(said: &clap::Error) -> ExitCode {
    let _ = said.print();
    if said.use_stderr() { ExitCode::from(Code::Usage as u8) } else { ExitCode::SUCCESS }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let output = if arguments.json { Output::Json } else { Output::Text };
    let (path, command) = (&arguments.config, arguments.command);
    match command {
        ProgramCommand::Example => {
            let text = config::commented(&config::Config::default());
            print(output, (text.clone(), json!({ "example": text })))?;
            return Ok(ExitCode::SUCCESS);
        }
        ProgramCommand::Demo(wishes) => return demo::run(wishes, output).await,
        ProgramCommand::Quickstart { admin, list, key } => {
            print(output, quickstart::run(path, quickstart::QuickstartOptions { admin, list, key }).await?)?;
            return Ok(ExitCode::SUCCESS);
        }
        ProgramCommand::Doctor => return doctor::run(path, output).await,
        ProgramCommand::Admin(command) => {
            print(output, admin::run(path, command).await?)?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let config = config::Config::read(path)?;
    match command {
        ProgramCommand::Check => print(output, check(&config))?,
        ProgramCommand::Serve => {
            log_to_stderr(config.log.format);
            fail_points::arm();
            serve::start(&config).await?;
            fail_points::count();
        }
        ProgramCommand::Inject { list, file, sender } => {
            let app = opening::open(&config, OpeningPurpose::Use).await?;
            let max_octets = u64::from(config.lmtp.max_message_kib) * 1024;
            print(output, inject::run(&app, &list, sender.as_ref(), file, max_octets).await?)?;
        }
        ProgramCommand::Mta(Mta::Print { server }) => print(output, mta::print(&config, server).await?)?,
        ProgramCommand::Postfix { command: Postfix::Print } => {
            print(output, mta::print(&config, mta::Server::Postfix).await?)?;
        }
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn check(config: &config::Config) -> admin::CommandOutput {
    let database = config.database().to_string();
    let unsafe_ones = doctor::safety::examine(config);
    let warnings: String = unsafe_ones
        .iter()
        .map(|finding| format!("but {}: {}; fix: {}\n", finding.check, finding.detail, finding.fix))
        .collect();
    let text = format!("good; the database is {database}\n{warnings}");
    (text, json!({ "good": unsafe_ones.is_empty(), "database": database, "unsafe": unsafe_ones }))
}

/// Hardens the process: no core dumps, no reading by other processes, private files, panics without their
/// message.
fn harden() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask};
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    umask(rustix::fs::Mode::from_raw_mode(0o077));
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(event = "panic", place, "a part of the program panicked");
    }));
}

fn log_to_stderr(format: config::LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sqlx=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    match format {
        config::LogFormat::Text => builder.with_target(false).init(),
        config::LogFormat::Json => builder.json().init(),
    }
}

pub(crate) fn print_error(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Prints an output in the chosen format.
fn print(output: Output, (text, data): admin::CommandOutput) -> Result<(), Ending> {
    match output {
        Output::Text => print_text(&text),
        Output::Json => print_text(&format!("{data}\n")),
    }
}

/// Writes to standard output. A closed pipe is ignored. A full disk is an error, because the output is lost.
pub(crate) fn print_text(text: &str) -> Result<(), Ending> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Ending::new(Code::Io, format!("the answer cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// New users rely on the help of each command and argument.
    #[test]
    fn every_command_and_argument_has_help() {
        fn check(command: &clap::Command, above: &str, lacking: &mut Vec<String>) {
            let name = format!("{above} {}", command.get_name());
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            if !about.contains(' ') {
                lacking.push(name.clone());
            }
            let arguments = command.get_arguments().filter(|argument| argument.get_help().is_none());
            lacking.extend(arguments.map(|argument| format!("{name}: {}", argument.get_id())));
            for inner in command.get_subcommands() {
                check(inner, &name, lacking);
            }
        }
        let mut lacking = Vec::new();
        check(&Arguments::command(), "", &mut lacking);
        assert_eq!(lacking, [""; 0]);
    }
}
