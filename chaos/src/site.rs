//! A site of its own: the real binary in a temporary folder, with LMTP on a free port.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::Signal;
use sealist_store::testing::make_database;
use tempfile::TempDir;

use crate::{Lab, process};

const START_LIMIT: Duration = Duration::from_secs(30);

/// The properties of a site.
#[derive(Clone, Debug)]
pub struct Plan {
    binary: PathBuf,
    next_hop: u16,
    database: String,
    keys: String,
    sections: Vec<(&'static str, String)>,
    wrapper: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Plan {
    /// With SQLite, and without a next hop. A refused copy is retried after a second.
    pub fn new(lab: &Lab) -> Self {
        let queue = "retry_after_s = 1\nmax_retry_after_s = 1".to_owned();
        Self {
            binary: lab.binary.clone(),
            next_hop: 9,
            database: String::new(),
            keys: "keys".to_owned(),
            sections: vec![("queue", queue)],
            wrapper: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Sends copies to that port of loopback.
    #[must_use]
    pub fn sending_to(mut self, port: u16) -> Self {
        self.next_hop = port;
        self
    }

    /// Adds lines to a section of the configuration.
    #[must_use]
    pub fn set(mut self, section: &'static str, lines: impl Into<String>) -> Self {
        self.sections.push((section, lines.into()));
        self
    }

    /// Uses that database.
    #[must_use]
    pub fn on(mut self, url: &str) -> Self {
        url.clone_into(&mut self.database);
        self
    }

    /// Uses the key directory of another site.
    #[must_use]
    pub fn with_keys_of(mut self, other: &Site) -> Self {
        self.keys = other.path("keys").display().to_string();
        self
    }

    /// Runs `serve` by that command, which must replace itself by the server, so that the process is ours.
    #[must_use]
    pub fn behind(mut self, words: &[&str]) -> Self {
        self.wrapper = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Runs `serve` with that environment variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// The server.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// Makes the folder. Nothing runs yet.
    pub fn made(self) -> anyhow::Result<Site> {
        let folder = TempDir::with_prefix("sealist-chaos")?;
        let site = Site {
            folder,
            plan: self,
            lmtp_port: Arc::default(),
            child: None,
            ports_before: 0,
            last_start: Duration::ZERO,
        };
        site.write_configuration()?;
        Ok(site)
    }

    /// Makes the folder and starts the server.
    pub fn started(self) -> anyhow::Result<Site> {
        let mut site = self.made()?;
        site.start()?;
        Ok(site)
    }
}

/// A site, whether its server runs or not.
pub struct Site {
    folder: TempDir,
    /// The configuration of the next start.
    pub plan: Plan,
    lmtp_port: Arc<AtomicU16>,
    child: Option<Child>,
    /// How many ports of earlier starts the log names.
    ports_before: usize,
    /// How long the last start took until the LMTP port was open.
    pub last_start: Duration,
}

/// The LMTP port. A restart changes it.
#[derive(Clone, Debug)]
pub struct LmtpPort(Arc<AtomicU16>);

impl LmtpPort {
    /// The current port.
    pub fn port(&self) -> u16 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Site {
    /// Writes the configuration for the next start.
    pub fn write_configuration(&self) -> anyhow::Result<()> {
        let plan = &self.plan;
        let mut lines = vec![
            ("lmtp", "listen = '127.0.0.1:0'".to_owned()),
            ("outgoing", format!("port = {}", plan.next_hop)),
            ("keydirs", format!("list = '{}'", plan.keys)),
        ];
        if !plan.database.is_empty() {
            lines.push(("database", format!("url = '{}'", plan.database)));
        }
        lines.extend(plan.sections.clone());
        let mut text = "data_dir = 'data'\n".to_owned();
        let mut sections: Vec<&str> = lines.iter().map(|(section, _)| *section).collect();
        sections.sort_unstable();
        sections.dedup();
        for section in sections {
            text.push_str(&format!("[{section}]\n"));
            for (_, line) in lines.iter().filter(|(of, _)| *of == section) {
                text.push_str(&format!("{line}\n"));
            }
        }
        Ok(std::fs::write(self.path("sealist.toml"), text)?)
    }

    /// Starts the server and waits until its LMTP port is open.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        self.launch()?;
        tokio::task::block_in_place(|| self.wait_for_port(began + START_LIMIT))?;
        self.last_start = began.elapsed();
        Ok(())
    }

    /// Starts the server without waiting. Its database exists, as after the first list of a site was made.
    pub fn launch(&mut self) -> anyhow::Result<()> {
        let database = match self.plan.database.as_str() {
            "" => self.database().display().to_string(),
            url => url.to_owned(),
        };
        if !self.database().exists() {
            tokio::task::block_in_place(|| make_database(&database));
        }
        self.launch_with(&["serve"])
    }

    /// The same with another command, and with the database as it is.
    pub fn launch_with(&mut self, arguments: &[&str]) -> anyhow::Result<()> {
        ensure!(self.child.is_none(), "the server runs already");
        let log = std::fs::File::options().create(true).append(true).open(self.path("log"))?;
        self.ports_before = self.lmtp_ports()?.len();
        let mut command = match self.plan.wrapper.split_first() {
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words).arg(&self.plan.binary);
                command
            }
            None => Command::new(&self.plan.binary),
        };
        command.arg("--config").arg(self.path("sealist.toml")).args(arguments).current_dir(self.folder());
        command.envs(self.plan.variables.clone()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// Reads the port from the log, which names it at each start.
    fn wait_for_port(&mut self, end: Instant) -> anyhow::Result<()> {
        loop {
            if let Some(port) = self.lmtp_ports()?.get(self.ports_before) {
                self.lmtp_port.store(*port, Ordering::Relaxed);
                return Ok(());
            }
            if let Some(status) = self.child.as_mut().context("it was launched")?.try_wait()? {
                self.child = None;
                bail!("the server ends at its start, {status}: {}", self.last_words());
            }
            ensure!(Instant::now() < end, "the server does not come up: {}", self.last_words());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn lmtp_ports(&self) -> anyhow::Result<Vec<u16>> {
        let log = std::fs::read_to_string(self.path("log"))?;
        let named = log.lines().filter_map(|line| line.split("serving lmtp=127.0.0.1:").nth(1));
        named
            .map(|port| port.split_whitespace().next().unwrap_or_default().parse().context("a port"))
            .collect()
    }

    /// The end of the log.
    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" / ")
    }

    /// Kills the server, as kill -9 does.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            tokio::task::block_in_place(|| child.wait())?;
        }
        Ok(())
    }

    /// Stops the server and waits. Returns how long that took.
    pub fn stop(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        process::signal(self.pid()?, Signal::TERM)?;
        ensure!(self.wait(Duration::from_secs(30))?.is_some(), "the server does not end");
        Ok(began.elapsed())
    }

    /// Waits until the server has ended by itself. Returns its exit status, or `None` if it still runs.
    pub fn wait(&mut self, limit: Duration) -> anyhow::Result<Option<std::process::ExitStatus>> {
        let end = Instant::now() + limit;
        let child = self.child.as_mut().context("the server runs")?;
        let status = tokio::task::block_in_place(|| {
            loop {
                let status = child.try_wait()?;
                if status.is_some() || Instant::now() >= end {
                    return anyhow::Ok(status);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        })?;
        if status.is_some() {
            self.child = None;
        }
        Ok(status)
    }

    /// Whether the server runs.
    pub fn runs(&mut self) -> anyhow::Result<bool> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?.is_none()),
            None => Ok(false),
        }
    }

    /// The server's process.
    pub fn pid(&self) -> anyhow::Result<u32> {
        Ok(self.child.as_ref().context("the server runs")?.id())
    }

    /// The LMTP port.
    pub fn lmtp_port(&self) -> LmtpPort {
        LmtpPort(self.lmtp_port.clone())
    }

    /// Runs a command, which must succeed.
    pub fn cli(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "sealist {}: {said}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a command, whatever its result.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(&self.plan.binary);
        command.arg("--config").arg(self.path("sealist.toml")).args(arguments);
        Ok(tokio::task::block_in_place(|| command.output())?)
    }

    /// The JSON output of a command.
    pub fn json(&self, arguments: &[&str]) -> anyhow::Result<Vec<serde_json::Value>> {
        Ok(serde_json::from_str(&self.cli(&[&["--json"], arguments].concat())?)?)
    }

    /// The folder of the site.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        self.path("data/sealist.db")
    }

    /// The log of the server so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits until all received messages are judged.
    pub async fn judged(&self, limit: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + limit;
        while self.json(&["queue", "list"])?.iter().any(|entry| entry["queue"] == "in") {
            ensure!(Instant::now() < end, "the queue does not drain: {}", self.last_words());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// The number of messages that wait for a moderator.
    pub fn held(&self) -> anyhow::Result<usize> {
        let entries = self.json(&["queue", "list"])?;
        Ok(entries.iter().filter(|entry| entry["queue"] != "in").count())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
