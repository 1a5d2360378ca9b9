//! `sealist demo`: the main job on loopback, with real keys and real mail, in a temporary folder.
//!
//! The server is the real one; the members' side is GnuPG. The exit code tells the truth.

mod gpg;
mod sink;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sealist_app::{App, NewMember, add_member, create_list, list_certificate};
use sealist_lists::model::{ListName, Role};
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Boundary, Entity, Headers, Part, Timestamp, compose};
use sealist_smtp::client::{Body, Connection, Envelope, Protocol, RecipientResult, Target};
use sealist_store::lists;
use sealist_store::queue::{self, Place};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Config;
use crate::{say, serve};
use gpg::Gpg;
use sink::{Received, Sink};

const LIST: &str = "team@lists.example";
const SUBJECT: &str = "Grüße: the plan for Thursday";
const WORDS: &str = "We meet at seven, the usual place.";
const WAIT: Duration = Duration::from_secs(20);

/// Name, address, and the algorithm of the key.
const MEMBERS: [(&str, &str, &str); 3] = [
    ("Anne", "anne@example.org", "curve25519"),
    ("Bart", "bart@example.org", "curve25519"),
    ("Cris", "cris@example.net", "rsa"),
];

/// Everything that runs.
struct Stage {
    app: App,
    sink: Sink,
    lmtp: Target,
    members: Vec<Gpg>,
}

/// Runs the demonstration and prints what is seen.
pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let folder = tempfile::TempDir::with_prefix("sealist-demo")?;
    let (stop, stopped) = watch::channel(false);
    let sink = Sink::default();
    let mut config = Config { data_dir: folder.path().join("data"), ..Config::default() };
    config.keydirs.list = folder.path().join("keys");
    config.outgoing.port = sink.start(stopped.clone()).await?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let lmtp = Target::plain("127.0.0.1", listener.local_addr()?.port(), Protocol::Lmtp);
    let app = serve::open(&config).await?;
    let server = tokio::spawn({
        let (app, config) = (app.clone(), config.clone());
        async move { serve::run(app, &config, listener, stopped).await }
    });

    let members = tokio::task::spawn_blocking(make_members).await??;
    let stage = Stage { app, sink, lmtp, members };
    set_up(&stage).await?;
    let good = show(&stage).await?;
    stop.send(true)?;
    server.await??;
    say(if good { "\nAll as it should be.\n" } else { "\nSomething is WRONG: see above.\n" });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

async fn set_up(stage: &Stage) -> anyhow::Result<()> {
    let name: ListName = LIST.parse()?;
    let no = create_list(&stage.app, name, "pgp-default", Timestamp::now()).await?;
    let list =
        lists::by_no(&mut *stage.app.store.reader().await?, no).await?.context("the list was just made")?;
    let certificate = list_certificate(&stage.app, no).await?.context("a list with OpenPGP has a key")?;
    for ((name, address, _), gpg) in MEMBERS.iter().zip(&stage.members) {
        gpg.import(&certificate.armored())?;
        let key = Some(gpg.export(address)?);
        let member =
            NewMember { address: address.parse()?, name: (*name).to_owned(), role: Role::Member, key };
        add_member(&stage.app, &list, member, Timestamp::now()).await?;
    }
    say(&format!(
        "{LIST} with key {}\n{} members with keys of their own, made by GnuPG\n\n",
        certificate.fingerprint().spaced(),
        MEMBERS.len()
    ));
    Ok(())
}

/// The show itself; says whether all was as it should be.
async fn show(stage: &Stage) -> anyhow::Result<bool> {
    let anne = &stage.members[0];
    let post = encrypted(MEMBERS[0].1, anne.sign_and_encrypt(LIST, &words())?);
    let began = Instant::now();
    post_by_lmtp(stage, MEMBERS[0].1, &post).await?;
    let accepted = began.elapsed();
    say(&format!("Anne posts, signed and encrypted: taken in {:.1} ms\n\n", accepted.as_secs_f64() * 1000.0));
    let copies = stage.sink.take(MEMBERS.len(), WAIT).await;
    let mut good = copies.len() == MEMBERS.len();
    say("who               decrypted  list signature  Subject  only own key  after ms\n");
    for copy in &copies {
        good &= show_copy(stage, copy, began)?;
    }

    say("\nWhat is refused:\n");
    good &= refused(
        stage,
        "an unsigned post",
        MEMBERS[1].1,
        encrypted(MEMBERS[1].1, stage.members[1].encrypt(LIST, &words())?),
        1,
    )
    .await?;
    good &= refused(stage, "the same post again", MEMBERS[0].1, post, 0).await?;
    let stranger = Gpg::new()?;
    stranger.make_key("Eve <eve@example.com>", "curve25519")?;
    stranger.import(&list_key(stage).await?)?;
    let strange = encrypted("eve@example.com", stranger.sign_and_encrypt(LIST, &words())?);
    good &= refused(stage, "a stranger's post", "eve@example.com", strange, 1).await?;
    Ok(good)
}

fn show_copy(stage: &Stage, copy: &Received, began: Instant) -> anyhow::Result<bool> {
    let at =
        MEMBERS.iter().position(|(_, address, _)| *address == copy.recipient).context("a copy for nobody")?;
    let Shape::Encrypted(armor) = classify(&copy.message) else {
        say(&format!("{:<17} NOT ENCRYPTED\n", copy.recipient));
        return Ok(false);
    };
    let reading = stage.members[at].decrypt(&armor)?;
    let payload = Entity::parse(&reading.text);
    let subject = compose::protected_headers(&payload).and_then(|headers| headers.text("subject"));
    let (outside, _) = Headers::parse(&copy.message);
    let restored = subject.as_deref() == Some(SUBJECT) && outside.text("subject").as_deref() == Some("[...]");
    let told = String::from_utf8_lossy(&reading.text).contains(WORDS);
    let own = reading.readers == 1;
    let word = |good: bool| if good { "yes" } else { "NO" };
    let decrypted = reading.decrypted && told;
    say(&format!(
        "{:<17} {:<10} {:<15} {:<8} {:<13} {:.1}\n",
        copy.recipient,
        word(decrypted),
        word(reading.good_signature),
        word(restored),
        word(own),
        copy.at.duration_since(began).as_secs_f64() * 1000.0
    ));
    Ok(decrypted && reading.good_signature && restored && own)
}

/// Posts what must not come out, and looks that nothing does and that `held` entries more wait.
async fn refused(
    stage: &Stage,
    what: &str,
    from: &str,
    message: Vec<u8>,
    held: usize,
) -> anyhow::Result<bool> {
    let waiting = || async {
        anyhow::Ok(queue::listed(&mut *stage.app.store.reader().await?, Place::Hold).await?.len())
    };
    let before = waiting().await?;
    post_by_lmtp(stage, from, &message).await?;
    let end = Instant::now() + WAIT;
    while !queue::listed(&mut *stage.app.store.reader().await?, Place::In).await?.is_empty()
        && Instant::now() < end
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let came_out = stage.sink.take(1, Duration::from_millis(300)).await.len();
    let now_held = waiting().await? - before;
    let good = came_out == 0 && now_held == held;
    let fate = if now_held == 1 { "held for a moderator" } else { "discarded" };
    say(&format!("  {what}: {}\n", if good { fate } else { "CAME OUT or was LOST" }));
    Ok(good)
}

async fn list_key(stage: &Stage) -> anyhow::Result<Vec<u8>> {
    let list = lists::by_name(&mut *stage.app.store.reader().await?, &LIST.parse()?)
        .await?
        .context("the list is there")?;
    Ok(list_certificate(&stage.app, list.no).await?.context("it has a key")?.armored())
}

async fn post_by_lmtp(stage: &Stage, from: &str, message: &[u8]) -> anyhow::Result<()> {
    let mut connection = Connection::connect(&stage.lmtp).await?;
    let mut envelope = Some(Envelope {
        id: 0,
        sender: Some(from.to_owned()),
        recipients: vec![LIST.to_owned()],
        body: Body::from_message(message),
    });
    let mut results = Vec::new();
    connection.deliver(|| envelope.take(), |_, outcome| results = outcome).await?;
    connection.quit().await;
    ensure!(matches!(results[..], [RecipientResult::Sent(_)]), "LMTP did not take the message: {results:?}");
    Ok(())
}

/// The text with an attachment and a protected Subject, as mail programs make it.
fn words() -> Vec<u8> {
    let parts = vec![
        Part::text(&format!("{WORDS}\n")).into_bytes(),
        Part::attachment("plan.bin", "application/octet-stream", &[7; 2000]).into_bytes(),
    ];
    let (content, body) =
        compose::multipart("mixed", &parts, &Boundary::from_entropy(sealist_openpgp::random()));
    let protected: Headers = [sealist_mail::Field::text("Subject", SUBJECT)].into_iter().collect();
    let mut entity = Vec::new();
    compose::protect(&content, &protected, &Headers::default()).write_to(&mut entity);
    entity.extend_from_slice(b"\r\n");
    entity.extend_from_slice(&body);
    entity
}

fn encrypted(from: &str, armor: Vec<u8>) -> Vec<u8> {
    let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy(sealist_openpgp::random()));
    let date = Timestamp::now().rfc5322();
    let header = format!(
        "From: {from}\r\nTo: {LIST}\r\nSubject: ...\r\nDate: {date}\r\nMessage-ID: <demo@example.org>\r\n"
    );
    [header.as_bytes(), &head, &armor, &tail].concat()
}
