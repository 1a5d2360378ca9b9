//! GnuPG.

use tempfile::TempDir;

use crate::programs::{OpenPgp, WHO, file, run};

struct Gpg {
    home: TempDir,
}

pub(crate) fn start(key: &str) -> anyhow::Result<Box<dyn OpenPgp>> {
    let gpg = Gpg { home: TempDir::with_prefix("sl-i")? };
    let (first, second) = key.split_once('/').unwrap_or((key, key));
    let usage = if first == "rsa3072" { "sign" } else { "sign,cert" };
    gpg.call(&["--quick-generate-key", WHO, first, usage, "never"], b"")?;
    let listed = String::from_utf8(gpg.call(&["--list-keys", "--with-colons"], b"")?)?;
    let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap_or_default();
    let fingerprint = fingerprint.trim_end_matches(':').to_owned();
    gpg.call(&["--quick-add-key", &fingerprint, second, "encrypt", "never"], b"")?;
    Ok(Box::new(gpg))
}

impl Gpg {
    fn call(&self, arguments: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
        let home = self.home.path().to_string_lossy().into_owned();
        let common = [
            "--batch",
            "--quiet",
            "--no-tty",
            "--trust-model",
            "always",
            "--passphrase",
            "",
            "--homedir",
            &home,
        ];
        run("gpg", &[&common, arguments].concat(), self.home.path(), input)
    }
}

impl OpenPgp for Gpg {
    fn certificate(&self) -> anyhow::Result<Vec<u8>> {
        self.call(&["--armor", "--export", "anne@example.org"], b"")
    }

    fn write(&self, to: &[u8], text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let to = file(self.home.path(), "to.asc", to)?;
        self.call(&["--armor", "--sign", "--encrypt", "--recipient-file", &to], text)
    }

    fn sign(&self, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.call(&["--armor", "--detach-sign"], text)
    }

    fn read(&self, message: &[u8], from: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.call(&["--import"], from)?;
        // A bad or missing signature of a known key makes it fail; the status says that there is one.
        let status = file(self.home.path(), "status", b"")?;
        let text = self.call(&["--status-file", &status, "--decrypt"], message)?;
        let status = String::from_utf8_lossy(&std::fs::read(&status)?).into_owned();
        anyhow::ensure!(status.contains(" GOODSIG "), "no good signature");
        Ok(text)
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let home = self.home.path().to_string_lossy().into_owned();
        let _ = run("gpgconf", &["--homedir", &home, "--kill", "all"], self.home.path(), b"");
    }
}
