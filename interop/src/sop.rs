//! Programs with the Stateless OpenPGP command line.

use tempfile::TempDir;

use crate::programs::{OpenPgp, WHO, file, run};

struct Sop {
    program: &'static str,
    folder: TempDir,
    key: String,
}

pub(crate) fn start(program: &'static str) -> anyhow::Result<Box<dyn OpenPgp>> {
    let folder = TempDir::with_prefix("sl-i")?;
    let secret = run(program, &["generate-key", WHO], folder.path(), b"")?;
    let key = file(folder.path(), "key", &secret)?;
    Ok(Box::new(Sop { program, folder, key }))
}

impl Sop {
    fn call(&self, arguments: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
        run(self.program, arguments, self.folder.path(), input)
    }
}

impl OpenPgp for Sop {
    fn certificate(&self) -> anyhow::Result<Vec<u8>> {
        self.call(&["extract-cert"], &std::fs::read(&self.key)?)
    }

    fn write(&self, to: &[u8], text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let to = file(self.folder.path(), "to", to)?;
        self.call(&["encrypt", &format!("--sign-with={}", self.key), &to], text)
    }

    fn sign(&self, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.call(&["sign", &self.key], text)
    }

    fn read(&self, message: &[u8], from: &[u8]) -> anyhow::Result<Vec<u8>> {
        let from = file(self.folder.path(), "from", from)?;
        let found = self.folder.path().join("found");
        let _ = std::fs::remove_file(&found);
        let text = self.call(
            &[
                "decrypt",
                &format!("--verify-with={from}"),
                &format!("--verify-out={}", found.display()),
                &self.key,
            ],
            message,
        )?;
        anyhow::ensure!(!std::fs::read(&found)?.is_empty(), "no good signature");
        Ok(text)
    }
}
