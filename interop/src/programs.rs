//! The programs, and the interface that each must implement.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::{gpg, rnp, script, sop, sq};

/// The user id of the program's key.
pub(crate) const WHO: &str = "Anne <anne@example.org>";

/// A program with a key of its own.
pub(crate) trait OpenPgp {
    /// Its certificate.
    fn certificate(&self) -> anyhow::Result<Vec<u8>>;
    /// Signs `text` and encrypts it to that certificate. Returns armor.
    fn write(&self, to: &[u8], text: &[u8]) -> anyhow::Result<Vec<u8>>;
    /// Makes a detached signature in armor.
    fn sign(&self, text: &[u8]) -> anyhow::Result<Vec<u8>>;
    /// Decrypts a message to the program's key. Errs unless the signature by that certificate is good.
    fn read(&self, message: &[u8], from: &[u8]) -> anyhow::Result<Vec<u8>>;
}

/// A program, with a row of the matrix for each of its kinds of keys.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [&'static str],
    pub(crate) start: fn(&str) -> anyhow::Result<Box<dyn OpenPgp>>,
}

/// All programs of Debian, and OpenPGP.js.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "GnuPG",
        keys: &["ed25519/cv25519", "rsa3072", "nistp256", "nistp384", "nistp521", "brainpoolP256r1"],
        start: gpg::start,
    },
    Program { name: "sq", keys: &["cv25519", "rsa3k", "rsa4k"], start: sq::start },
    Program { name: "rnp", keys: &["default"], start: rnp::start },
    Program { name: "sqop", keys: &["default"], start: |_| sop::start("sqop") },
    Program { name: "gosop", keys: &["default"], start: |_| sop::start("gosop") },
    Program {
        name: "OpenPGP.js 5",
        keys: &["curve25519", "p256", "rsa3072"],
        start: |kind| script::javascript("openpgp5", kind),
    },
    Program {
        name: "OpenPGP.js 6",
        keys: &["curve25519", "x25519", "p256", "rsa3072", "v6"],
        start: |kind| script::javascript("openpgp6", kind),
    },
    Program { name: "PGPy", keys: &["cv25519", "rsa3072"], start: script::python },
];

/// Runs a program with that input. Errs with its output if it fails.
pub(crate) fn run(program: &str, arguments: &[&str], folder: &Path, input: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} is not installed: run scripts/install-deps"))?;
    let mut stdin = child.stdin.take().context("it takes input")?;
    let input = input.to_vec();
    let feeding = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    // If the program stopped reading, its status says why.
    let _ = feeding.join();
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

/// Writes a file and returns its name for the command line.
pub(crate) fn file(folder: &Path, name: &str, content: &[u8]) -> anyhow::Result<String> {
    let path = folder.join(name);
    std::fs::write(&path, content)?;
    Ok(path.to_str().context("a path in UTF-8")?.to_owned())
}
