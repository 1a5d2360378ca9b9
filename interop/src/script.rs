//! Libraries of other languages, each called by a small script with one command line.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::programs::{OpenPgp, file, run};

struct ProgramScript {
    program: &'static str,
    /// The arguments before the script's own.
    before: Vec<String>,
    folder: TempDir,
    key: String,
}

/// OpenPGP.js, in the version of that name, from the folder of `scripts/install-interop`.
pub(crate) fn javascript(library: &str, kind: &str) -> anyhow::Result<Box<dyn OpenPgp>> {
    let modules = sources().join("../../target/interop");
    let modules = modules.canonicalize().context("OpenPGP.js is not there: run scripts/install-interop")?;
    let before = vec![path(&sources().join("openpgpjs.mjs"))?, path(&modules)?, library.to_owned()];
    start("node", before, kind)
}

/// PGPy, from Debian.
pub(crate) fn python(kind: &str) -> anyhow::Result<Box<dyn OpenPgp>> {
    start("/usr/bin/python3", vec![path(&sources().join("pgpy_program.py"))?], kind)
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs")
}

fn path(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().context("a path in UTF-8")?.to_owned())
}

fn start(program: &'static str, before: Vec<String>, kind: &str) -> anyhow::Result<Box<dyn OpenPgp>> {
    let folder = TempDir::with_prefix("sl-i")?;
    let mut script = ProgramScript { program, before, folder, key: String::new() };
    let secret = script.call(&["generate", kind], b"")?;
    script.key = file(script.folder.path(), "key", &secret)?;
    Ok(Box::new(script))
}

impl ProgramScript {
    fn call(&self, arguments: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
        let before = self.before.iter().map(String::as_str);
        let all: Vec<&str> = before.chain(arguments.iter().copied()).collect();
        run(self.program, &all, self.folder.path(), input)
    }
}

impl OpenPgp for ProgramScript {
    fn certificate(&self) -> anyhow::Result<Vec<u8>> {
        self.call(&["cert", &self.key], b"")
    }

    fn write(&self, to: &[u8], text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let to = file(self.folder.path(), "to", to)?;
        self.call(&["write", &self.key, &to], text)
    }

    fn sign(&self, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.call(&["sign", &self.key], text)
    }

    fn read(&self, message: &[u8], from: &[u8]) -> anyhow::Result<Vec<u8>> {
        let from = file(self.folder.path(), "from", from)?;
        self.call(&["read", &self.key, &from], message)
    }
}
