//! Measures what the same work costs elsewhere, in the same run.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};

use sealist_smtp::client::{Connection, Envelope, NextHop, Protocol, RecipientResult, WireBody};

use crate::cpu;
use crate::site::BenchSite;

const AGREEMENTS: u32 = 2000;
const WRITES: u32 = 100;
const ROUNDS: usize = 7;
const MESSAGES: u64 = 10_000;

/// The public-key part of one copy: an ephemeral key and one key agreement.
pub(crate) fn x25519_ms() -> f64 {
    let Ok(reader) = PrivateKey::generate(&X25519) else { return f64::NAN };
    let Ok(point) = reader.compute_public_key() else { return f64::NAN };
    let point = UnparsedPublicKey::new(&X25519, point.as_ref().to_vec());
    let began = Instant::now();
    for _ in 0..AGREEMENTS {
        if let Ok(ephemeral) = PrivateKey::generate(&X25519) {
            let _ = ephemeral.compute_public_key();
            let _ = agree(&ephemeral, &point, (), |_| Ok(()));
        }
    }
    began.elapsed().as_secs_f64() * 1000.0 / f64::from(AGREEMENTS)
}

/// GnuPG encrypting the same octets once, to all members together.
pub(crate) fn gpg_ms(site: &BenchSite, octets: usize) -> anyhow::Result<f64> {
    let rounds = if site.members() < 100 { 20_u32 } else { 5 };
    let text = vec![b'x'; octets];
    let before = cpu::of_children()?;
    for _ in 0..rounds {
        site.gpg_encrypt(&text)?;
    }
    Ok((cpu::of_children()? - before) / f64::from(rounds))
}

/// Writing that many octets to a loopback socket: CPU time of the writing thread in milliseconds, the median
/// of several rounds. The result is halved while something else keeps one of two cores busy.
pub(crate) fn write_ms(octets: usize) -> anyhow::Result<f64> {
    Ok(cpu::median((0..ROUNDS).map(|_| writes_ms(octets)).collect::<Result<_, _>>()?))
}

fn writes_ms(octets: usize) -> anyhow::Result<f64> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let (mut peer, _) = listener.accept()?;
    let reader = std::thread::spawn(move || {
        let mut buffer = vec![0; 256 * 1024];
        while peer.read(&mut buffer).is_ok_and(|read| read > 0) {}
    });
    let message = vec![b'x'; octets];
    let before = cpu::of_thread();
    for _ in 0..WRITES {
        stream.write_all(&message)?;
    }
    let spent = cpu::of_thread() - before;
    drop(stream);
    reader.join().ok().context("the reader ends")?;
    Ok(spent / f64::from(WRITES))
}

/// Our SMTP client alone, against Postfix's smtp-sink: CPU time per message of 6 KB, in milliseconds.
pub(crate) async fn smtp_ms() -> anyhow::Result<f64> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let _sink = SmtpSink(
        Command::new("/usr/sbin/smtp-sink")
            .args(["-u", "nobody", &format!("127.0.0.1:{port}"), "100"])
            .stdout(Stdio::null())
            .spawn()
            .context("smtp-sink is part of Debian's postfix")?,
    );
    let target = NextHop::plain("127.0.0.1", port, Protocol::Smtp);
    let end = Instant::now() + Duration::from_secs(10);
    let mut connection = loop {
        match Connection::connect(&target).await {
            Ok(open) => break open,
            Err(error) => ensure!(Instant::now() < end, "smtp-sink: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let envelope = Envelope {
        id: 0,
        sender: Some("team-bounces@lists.example".to_owned()),
        recipients: vec!["anne@example.org".to_owned()],
        body: WireBody::from_message(&b"0123456789abcdef0123456789abcdef0123456789abcdef\r\n".repeat(120)),
    };
    let (mut left, mut sent) = (MESSAGES, 0_u32);
    let before = cpu::own();
    let next = || {
        left = left.checked_sub(1)?;
        Some(envelope.clone())
    };
    let done = |_, results: Vec<RecipientResult>| {
        sent += u32::from(matches!(results[..], [RecipientResult::Sent(_)]))
    };
    connection.deliver(next, done).await?;
    ensure!(u64::from(sent) == MESSAGES, "smtp-sink took {sent}");
    Ok((cpu::own() - before) / f64::from(sent))
}

/// Is killed when it is dropped.
struct SmtpSink(Child);

impl Drop for SmtpSink {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
