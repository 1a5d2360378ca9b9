//! `sealist demo`: posts to an encrypting list on loopback, with real keys and real mail, in a temporary
//! folder.
//!
//! The server is the real one, and the members use GnuPG. The exit code says whether everything worked.
//!
//! `show.rs` posts and examines the copies; `mail.rs` makes the posts.

mod gpg;
mod mail;
mod show;
mod sink;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use sealist_app::{App, NewMember};
use sealist_lists::model::{ListName, Role};
use sealist_smtp::client::{NextHop, Protocol};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::admin::Output;
use crate::config::{Config, commented};
use crate::ending::{Code, Ending};
use crate::opening::{self, OpeningPurpose};
use crate::{print_text, serve};
use gpg::Gpg;
use mail::Words;
use sink::RecordingSink;

/// The largest mail that can be posted, in octets.
const MAX_OCTETS: usize = 5 << 20;
const LIST: &str = "team@lists.example";

/// Name, address, and key algorithm.
const MEMBERS: [(&str, &str, &str); 3] = [
    ("Anne", "anne@example.org", "curve25519"),
    ("Bart", "bart@example.org", "curve25519"),
    ("Cris", "cris@example.net", "rsa"),
];

/// The running demonstration.
struct DemoSite {
    app: App,
    sink: RecordingSink,
    lmtp: NextHop,
    members: Vec<Gpg>,
}

/// Options of the demonstration.
#[derive(clap::Args)]
pub(crate) struct DemoOptions {
    /// Posts the content of this unencrypted mail instead of the demonstration's own text.
    #[arg(long, value_name = "FILE.eml")]
    post: Option<PathBuf>,
    /// Keeps serving afterwards and prints how to talk to the server.
    #[arg(long)]
    serve: bool,
}

/// Runs the demonstration and prints the results.
pub(crate) async fn run(options: DemoOptions, output: Output) -> anyhow::Result<ExitCode> {
    if output == Output::Json {
        let text = "the demonstration is for people: it has no --json; its exit code tells the truth";
        return Err(Ending::new(Code::Usage, text).into());
    }
    let words = match &options.post {
        Some(file) => read_mail(file)?,
        None => Words::built_in(),
    };
    let folder = tempfile::TempDir::with_prefix("sealist-demo");
    let folder = folder.map_err(|error| {
        let place = std::env::temp_dir();
        let text = format!(
            "no folder can be made in {}: {error}; set TMPDIR to a folder that can be written",
            place.display()
        );
        Ending::new(Code::CannotCreate, text)
    })?;
    let (stop, stopped) = watch::channel(false);
    let sink = RecordingSink::default();
    let mut config = Config { data_dir: folder.path().join("data"), ..Config::default() };
    config.keydirs.list = folder.path().join("keys");
    config.outgoing.port = sink.start(stopped.clone()).await?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    config.lmtp.listen = listener.local_addr()?;
    let lmtp = NextHop::plain("127.0.0.1", config.lmtp.listen.port(), Protocol::Lmtp);
    let app = opening::open(&config, OpeningPurpose::Make).await?;
    let server = tokio::spawn({
        let (app, config) = (app.clone(), config.clone());
        async move { serve::run(app, &config, listener, stopped).await }
    });

    let members = tokio::task::spawn_blocking(make_members).await??;
    let stage = DemoSite { app, sink, lmtp, members };
    set_up(&stage).await?;
    let good = show::show(&stage, &words).await?;
    print_text(if good { "\nAll as it should be.\n" } else { "\nSomething is WRONG: see above.\n" })?;
    if options.serve {
        keep_serving(&stage, &config, folder.path()).await?;
    }
    stop.send(true)?;
    server.await??;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads the user's mail. Errs if it is empty, has no Subject, or is larger than the list accepts.
fn read_mail(file: &Path) -> anyhow::Result<Words> {
    let message = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let refuse = |why: &str| Ending::new(Code::Data, format!("{}: {why}", file.display()));
    if message.trim_ascii().is_empty() {
        return Err(refuse("the mail is empty").into());
    }
    if message.len() > MAX_OCTETS {
        return Err(refuse("the mail is too large: the demonstration takes up to 5 MiB").into());
    }
    let words = Words::from_mail(&message);
    if words.subject.is_empty() {
        return Err(refuse("the mail has no Subject, by which its copies are known").into());
    }
    Ok(words)
}

/// Prints how to talk to the server, and who gets which mail, until it is stopped.
async fn keep_serving(stage: &DemoSite, config: &Config, folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("sealist.toml");
    std::fs::write(&file, commented(config))?;
    print_text(&format!(
        "\nServing until Ctrl-C; all of it is in {}\n\n\
         post           write a text with gpg as below: gpg --homedir HOME --trust-model always -aser {LIST};\n\
         {:15}put it into a PGP/MIME message and hand it in by LMTP at {}, to {LIST}; each copy comes as a file\n\
         look           sealist --config {} queue list\n",
        folder.display(),
        "",
        config.lmtp.listen,
        file.display(),
    ))?;
    for ((_, address, _), gpg) in MEMBERS.iter().zip(&stage.members) {
        print_text(&format!("be {address:<17} gpg --homedir {}\n", gpg.home().display()))?;
    }
    print_text("\n")?;
    let copies = folder.join("copies");
    std::fs::create_dir(&copies)?;
    let mut number = 0;
    let mut stop = serve::stop_signal()?;
    while !*stop.borrow_and_update() {
        tokio::select! {
            _ = stop.changed() => {}
            came = stage.sink.wait_for(1, std::time::Duration::from_secs(1)) => for notice in came {
                number += 1;
                let file = copies.join(format!("{number}-{}.eml", notice.recipient));
                std::fs::write(&file, &notice.message)?;
                print_text(&format!("came out to {}: {}\n", notice.recipient, file.display()))?;
            },
        }
    }
    Ok(())
}

fn make_members() -> anyhow::Result<Vec<Gpg>> {
    MEMBERS
        .iter()
        .map(|(name, address, algorithm)| {
            let gpg = Gpg::new()?;
            gpg.make_key(&format!("{name} <{address}>"), algorithm)?;
            Ok(gpg)
        })
        .collect()
}

async fn set_up(stage: &DemoSite) -> anyhow::Result<()> {
    let name: ListName = LIST.parse()?;
    let lists = stage.app.as_operator().lists();
    lists.create(&name, "pgp-default").await?;
    let certificate = lists.certificate(&name).await?.context("a list with OpenPGP has a key")?;
    for ((shown, address, _), gpg) in MEMBERS.iter().zip(&stage.members) {
        gpg.import(&certificate.armored())?;
        let key = Some(gpg.export(address)?);
        let member =
            NewMember { address: address.parse()?, name: (*shown).to_owned(), role: Role::Member, key };
        stage.app.as_operator().members(&name).add(member).await?;
    }
    print_text(&format!(
        "{LIST} with key {}\n{} members with keys of their own, made by GnuPG\n\n",
        certificate.fingerprint().spaced(),
        MEMBERS.len()
    ))?;
    Ok(())
}
