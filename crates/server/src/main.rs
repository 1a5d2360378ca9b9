//! The binary: command line, configuration, runners. No decisions.

mod admin;
mod config;
mod demo;
mod reception;
mod runners;
mod serve;
mod vault;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Everything is zeroed when it is freed: cleartext leaves no trace in memory that is used again.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// sysexits(3): something is wrong with the configuration.
const EX_CONFIG: u8 = 78;

#[derive(Parser)]
#[command(name = "sealist", version, about = "A mailing-list server with OpenPGP built in")]
struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, env = "SEALIST_CONFIG", default_value = config::DEFAULT_PATH)]
    config: PathBuf,
    /// Print data as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server.
    Serve,
    /// Shows the main job with real keys and real mail, on loopback, in a temporary folder.
    Demo,
    /// Reads the configuration and says what is wrong with it.
    Check,
    /// Prints a commented configuration file with all defaults.
    Example,
    #[command(flatten)]
    Admin(admin::Command),
}

fn main() -> ExitCode {
    harden();
    let arguments = Arguments::parse();
    if let Command::Example = arguments.command {
        say(&config::commented(&config::Config::default()));
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(arguments)));
    match result {
        Ok(code) => code,
        Err(error) => {
            say(&format!("sealist: {error:#}\n"));
            let configuration = error.downcast_ref::<config::ConfigError>().is_some();
            ExitCode::from(if configuration { EX_CONFIG } else { 1 })
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if let Command::Demo = arguments.command {
        return demo::run().await;
    }
    let config = config::Config::read(&arguments.config)?;
    match arguments.command {
        Command::Check => say(&format!("good; the database is {}\n", config.database_path().display())),
        Command::Serve => {
            log_to_stderr(config.log.format);
            let app = serve::open(&config).await?;
            let listener = tokio::net::TcpListener::bind(config.lmtp.listen).await?;
            let stop = serve::stop_signal()?;
            // Without a service manager there is nobody to tell.
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
            serve::run(app, &config, listener, stop).await?;
        }
        Command::Admin(command) => {
            let app = serve::open(&config).await?;
            let output = if arguments.json { admin::Output::Json } else { admin::Output::Text };
            say(&admin::run(&app, command, output).await?);
        }
        Command::Demo | Command::Example => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// No core dumps, no reading by other processes, files for the owner alone, panics without their message.
fn harden() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask};
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    umask(rustix::fs::Mode::from_raw_mode(0o077));
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
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

/// Writes to standard output; a closed pipe is no error.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_bytes());
}
