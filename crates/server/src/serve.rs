//! `sealist serve`: wires the parts together and runs until it is stopped.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sealist_app::{App, RecipientBatching, Retry, Stages};
use sealist_smtp::client::{Login, NextHop, Protocol, Reuse, Security, Timeouts, Trust, Verify};
use sealist_smtp::server::{self, Settings};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};

use crate::config::{self, Config};
use crate::ending::{Code, Ending};
use crate::keyservers::Servers;
use crate::lmtp_service::LmtpService;
use crate::opening;
use crate::runners::room::{self, IntakeRoom};
use crate::runners::{incoming, keyfiles, keys, node, outgoing, refresh, summaries, upkeep};
use crate::templates;

/// How long running transactions may take to end.
const DRAIN: Duration = Duration::from_secs(4);

/// `sealist serve`: listens, opens the site, and serves until it is stopped.
pub(crate) async fn start(config: &Config) -> anyhow::Result<()> {
    let listener = bind(config.lmtp.listen).await?;
    let stop = stop_signal()?;
    // A peer that connects before the site is open waits for the greeting.
    let mut stopped = stop.clone();
    let served = tokio::select! {
        served = opening::to_serve(config) => served?,
        _ = stopped.wait_for(|stop| *stop) => return Ok(()),
    };
    templates::reread_at_hangup(served.app.texts.clone(), config)?;
    // Without a service manager nobody is notified.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    run(served.app.clone(), config, listener, stop).await
}

/// Binds the port. The error names the address and its setting.
async fn bind(listen: SocketAddr) -> Result<TcpListener, Ending> {
    TcpListener::bind(listen).await.map_err(|error| {
        let (code, why) = match error.kind() {
            ErrorKind::AddrInUse => (
                Code::Unavailable,
                "another program has the port; is another `sealist serve` running?".to_owned(),
            ),
            ErrorKind::AddrNotAvailable => {
                (Code::Config, "this machine has no such address; correct listen in [lmtp]".to_owned())
            }
            ErrorKind::PermissionDenied => (
                Code::Config,
                "a port below 1024 is for root alone; choose another for listen in [lmtp]".to_owned(),
            ),
            _ => (Code::Unavailable, error.to_string()),
        };
        Ending::new(code, format!("cannot listen on {listen} ([lmtp] listen): {why}"))
    })
}

/// Serves until `stop` becomes true.
pub(crate) async fn run(
    app: App,
    config: &Config,
    listener: TcpListener,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    app.register_node().await?;
    let (arrived, accepted) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (room, memory) =
        (IntakeRoom::default(), Arc::new(Semaphore::new(config.lmtp.max_in_flight_kib as usize)));
    let reception = LmtpService { app: app.clone(), memory, room: room.clone(), arrived: arrived.clone() };
    let reception = Arc::new(reception);
    let full = room::IntakeLimits {
        folder: config.data_dir.clone(),
        min_free_mib: config.queue.min_free_mib,
        max_waiting: config.queue.max_waiting,
    };
    let settings = Settings {
        max_message_octets: u64::from(config.lmtp.max_message_kib) * 1024,
        max_connections: config.lmtp.max_connections as usize,
        tls: tls(&config.lmtp)?,
        ..Settings::default()
    };
    let sending = outgoing::SenderSettings {
        target: target(&config.outgoing)?,
        max_connections: config.outgoing.max_connections,
        together: together(&config.outgoing),
        retry: Retry {
            after_s: config.queue.retry_after_s,
            max_after_s: config.queue.max_retry_after_s,
            period_s: u64::from(config.queue.retry_period_h) * 3600,
        },
    };
    tracing::info!(lmtp = %listener.local_addr()?, event = "server-started", "serving");
    // Keep the heartbeat running until all runners have stopped. Otherwise other nodes would take over our
    // claims while we still deliver.
    let (done, ended) = watch::channel(false);
    // Pauses vary by an eighth, and entries that could not be judged wait a minute.
    let longest_pause_ms = i64::from(config.queue.max_retry_after_s).max(60) * 2000;
    let node = node::run(app.clone(), arrived.clone(), accepted.clone(), longest_pause_ms, ended);
    let node = tokio::spawn(node);
    let mut runners = JoinSet::new();
    runners.spawn(infallible(incoming::run(app.clone(), arrived, accepted.clone(), stop.clone())));
    runners.spawn(infallible(keyfiles::run(app.clone(), config.clone(), stop.clone())));
    runners.spawn(infallible(upkeep::run(app.clone(), stop.clone())));
    runners.spawn(infallible(summaries::run(app.clone(), stop.clone())));
    let stages = Stages::new(&config.keys.warn_days);
    runners.spawn(infallible(keys::run(app.clone(), stages, stop.clone())));
    if let Some(servers) = Servers::of(&config.keys)? {
        let every = Duration::from_secs(u64::from(config.keys.refresh_every_h) * 3600);
        runners.spawn(infallible(refresh::run(app.clone(), servers, every, stop.clone())));
    }
    runners.spawn(infallible(room::run(app.clone(), room, full, stop.clone())));
    runners.spawn(outgoing::run(app.clone(), sending, accepted, stop.clone()));
    let mut serving = pin!(server::serve(listener, reception, settings, stop.clone(), DRAIN));
    loop {
        tokio::select! {
            () = &mut serving => break,
            Some(ended) = runners.join_next() => {
                ended??;
                // A server whose runner has ended would accept mail that nobody judges or sends. So the
                // process ends, and the service manager starts it again.
                ensure!(*stop.borrow(), "a runner has ended before its time");
            }
        }
    }
    while let Some(ended) = runners.join_next().await {
        ended??;
    }
    let _ = done.send(true);
    node.await?;
    app.deregister_node().await?;
    tracing::info!(commits = app.commits(), event = "server-stopped", "stopped");
    Ok(())
}

async fn infallible(runner: impl Future<Output = ()>) -> Result<(), JoinError> {
    runner.await;
    Ok(())
}

/// Becomes true at SIGTERM or SIGINT.
pub(crate) fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!(event = "server-stopping", "stopping: finishing what is under way");
        let _ = sender.send(true);
        // The sender is kept until the process ends, because dropping it would look like a signal.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}

/// The TLS configuration for STARTTLS. `None` if it is not configured.
fn tls(lmtp: &config::Lmtp) -> anyhow::Result<Option<Arc<rustls::ServerConfig>>> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    if lmtp.tls_key.as_os_str().is_empty() {
        return Ok(None);
    }
    let (certificate, key) = (&lmtp.tls_certificate, &lmtp.tls_key);
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("cannot use {}", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("cannot use {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Some(Arc::new(config)))
}

fn together(outgoing: &config::OutgoingSettings) -> RecipientBatching {
    let most = outgoing.max_recipients as usize;
    match outgoing.chunk_by {
        config::ChunkBy::Size => RecipientBatching::Anybody(most),
        config::ChunkBy::Domain => RecipientBatching::SameDomain(most),
    }
}

pub(crate) fn target(outgoing: &config::OutgoingSettings) -> anyhow::Result<NextHop> {
    let login = match outgoing.user.as_str() {
        "" => None,
        user => {
            let file = &outgoing.password_file;
            let password =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            Some(Login { user: user.to_owned(), password: password.trim_end().to_owned().into() })
        }
    };
    Ok(NextHop {
        host: outgoing.host.clone(),
        port: outgoing.port,
        protocol: Protocol::Smtp,
        security: match outgoing.security {
            config::ConnectionSecurity::None => Security::None,
            config::ConnectionSecurity::StartTls => Security::StartTls,
            config::ConnectionSecurity::Tls => Security::Tls,
        },
        verify: if outgoing.verify { Verify::Yes } else { Verify::No },
        login,
        hello: "localhost".to_owned(),
        timeouts: timeouts(outgoing),
        reuse: Reuse::default(),
        trust: Trust::default(),
    })
}

fn timeouts(outgoing: &config::OutgoingSettings) -> Timeouts {
    let seconds = |count: u32| Duration::from_secs(count.into());
    Timeouts {
        connect: seconds(outgoing.connect_timeout_s),
        command: seconds(outgoing.command_timeout_s),
        data: seconds(outgoing.data_timeout_s),
        data_done: seconds(outgoing.data_timeout_s),
    }
}
