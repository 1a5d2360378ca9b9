//! The binary: command line, configuration, runners. No decisions.

mod admin;
mod config;
mod demo;
mod doctor;
mod fail_points;
mod inject;
mod keyservers;
mod memory;
mod postfix;
mod quickstart;
mod reception;
mod runners;
mod serve;
mod templates;
mod vault;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sealist_app::AppError;
use sealist_lists::model::ListName;
use sealist_mail::Address;

/// Everything is zeroed when it is freed: cleartext leaves no trace in memory that is used again.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// sysexits(3).
const EX_DATAERR: u8 = 65;
const EX_NOUSER: u8 = 67;
const EX_TEMPFAIL: u8 = 75;
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
    Demo(demo::Wishes),
    /// Reads the configuration and says what is wrong with it.
    Check,
    /// Prints a commented configuration file with all defaults.
    Example,
    /// Writes a configuration, makes the database and a first list, and says what to do next.
    Quickstart {
        /// Your address: owner and first member of the list.
        admin: Address,
        /// The first list. Default: team@lists.DOMAIN, DOMAIN being that of your address.
        #[arg(long)]
        list: Option<ListName>,
        /// A file with your OpenPGP certificate.
        #[arg(long)]
        key: Option<PathBuf>,
    },
    /// Looks for what is wrong and says how to mend it. Ends with 0 (all good), 1 (warnings) or 2 (faults).
    Doctor,
    /// Puts a message into the queue of a list.
    Inject {
        /// An address of the list.
        list: Address,
        /// The message; without it, standard input.
        file: Option<PathBuf>,
        /// The envelope sender.
        #[arg(long)]
        sender: Option<Address>,
    },
    /// What the mail server must know.
    Postfix {
        #[command(subcommand)]
        command: Postfix,
    },
    #[command(flatten)]
    Admin(admin::Command),
}

#[derive(Subcommand)]
enum Postfix {
    /// Prints the lines for main.cf.
    Print,
}

fn main() -> ExitCode {
    harden();
    let arguments = Arguments::parse();
    if let Command::Example = arguments.command {
        say(&config::commented(&config::Config::default()));
        return ExitCode::SUCCESS;
    }
    if let Command::Serve = arguments.command {
        memory::give_back();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(arguments)));
    match result {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("sealist: {error:#}\n"));
            ExitCode::from(exit_code(&error))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<config::ConfigError>() || error.is::<serve::NoKeysHere>() {
        return EX_CONFIG;
    }
    match error.downcast_ref::<AppError>() {
        Some(AppError::NoSuchList(_)) => EX_NOUSER,
        Some(AppError::Certificate(_) | AppError::Unusable(_) | AppError::OtherAddress(_)) => EX_DATAERR,
        Some(AppError::Store(_)) => EX_TEMPFAIL,
        _ if error.is::<sealist_mail::scan::Refusal>() => EX_DATAERR,
        _ if error.is::<sealist_openpgp::CertificateError>() => EX_DATAERR,
        _ => 1,
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if let Command::Demo(wishes) = arguments.command {
        return demo::run(wishes).await;
    }
    if let Command::Quickstart { admin, list, key } = arguments.command {
        say(&quickstart::run(&arguments.config, quickstart::Wishes { admin, list, key }).await?);
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Admin(command) = &arguments.command
        && let Some(said) = admin::without_a_site(command)?
    {
        say(&said);
        return Ok(ExitCode::SUCCESS);
    }
    let output = if arguments.json { admin::Output::Json } else { admin::Output::Text };
    if let Command::Doctor = arguments.command {
        return Ok(doctor::run(&arguments.config, output).await);
    }
    let config = config::Config::read(&arguments.config)?;
    match arguments.command {
        Command::Check => say(&format!("good; the database is {}\n", config.database())),
        Command::Serve => {
            log_to_stderr(config.log.format);
            fail_points::arm();
            let app = serve::open(&config).await?;
            let listener = tokio::net::TcpListener::bind(config.lmtp.listen).await?;
            let stop = serve::stop_signal()?;
            templates::reread_at_hangup(app.texts.clone(), &config)?;
            // Without a service manager there is nobody to tell.
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
            serve::run(app, &config, listener, stop).await?;
            fail_points::count();
        }
        Command::Admin(command) => {
            let app = serve::open(&config).await?;
            say(&admin::run(&app, &config, command, output).await?);
        }
        Command::Inject { list, file, sender } => {
            let app = serve::open(&config).await?;
            let max_octets = u64::from(config.lmtp.max_message_kib) * 1024;
            inject::run(&app, &list, sender.as_ref(), file, max_octets).await?;
        }
        Command::Postfix { command: Postfix::Print } => {
            say(&postfix::lines(&serve::open(&config).await?, &config).await?);
        }
        Command::Demo(_) | Command::Example | Command::Quickstart { .. } | Command::Doctor => {}
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

pub(crate) fn complain(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes to standard output; a closed pipe is no error.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_bytes());
}
