//! GnuPG as the members' program: an OpenPGP implementation that shares no code with the list's.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

/// A key ring.
pub(crate) struct Gpg {
    home: TempDir,
}

/// The result of decrypting a message with gpg.
pub(crate) struct GpgReading {
    pub(crate) text: Vec<u8>,
    pub(crate) decrypted: bool,
    pub(crate) good_signature: bool,
    /// The number of PKESK packets in the message.
    pub(crate) readers: usize,
}

impl Gpg {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { home: TempDir::with_prefix("sl-gpg")? })
    }

    /// Makes a key without a passphrase.
    pub(crate) fn make_key(&self, user_id: &str, algorithm: &str) -> anyhow::Result<()> {
        match algorithm {
            "rsa" => {
                let script = format!(
                    "%no-protection\nKey-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nSubkey-Type: RSA\nSubkey-Length: 2048\nName-Real: {}\nName-Email: {}\n%commit\n",
                    user_id.split(" <").next().unwrap_or_default(),
                    user_id.split('<').nth(1).unwrap_or_default().trim_end_matches('>'),
                );
                self.run(&["--generate-key"], script.as_bytes())?;
            }
            _ => {
                self.run(
                    &[
                        "--passphrase",
                        "",
                        "--quick-generate-key",
                        user_id,
                        "future-default",
                        "default",
                        "never",
                    ],
                    b"",
                )?;
            }
        }
        Ok(())
    }

    pub(crate) fn export(&self, address: &str) -> anyhow::Result<Vec<u8>> {
        Ok(self.run(&["--armor", "--export", address], b"")?.0)
    }

    pub(crate) fn import(&self, certificate: &[u8]) -> anyhow::Result<()> {
        self.run(&["--import"], certificate).map(|_| ())
    }

    pub(crate) fn sign_and_encrypt(&self, to: &str, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        Ok(self
            .run(&["--trust-model", "always", "--armor", "--sign", "--encrypt", "--recipient", to], text)?
            .0)
    }

    pub(crate) fn encrypt(&self, to: &str, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.encrypt_to(&[to.to_owned()], text)
    }

    pub(crate) fn encrypt_to(&self, readers: &[String], text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut arguments = vec!["--trust-model", "always", "--armor", "--encrypt"];
        for reader in readers {
            arguments.extend(["--recipient", reader]);
        }
        Ok(self.run(&arguments, text)?.0)
    }

    pub(crate) fn decrypt(&self, message: &[u8]) -> anyhow::Result<GpgReading> {
        let (text, status, _) = self.call(&["--trust-model", "always", "--decrypt"], message)?;
        let says = |word: &str| status.lines().any(|line| line.starts_with(&format!("[GNUPG:] {word}")));
        Ok(GpgReading {
            text,
            decrypted: says("DECRYPTION_OKAY"),
            good_signature: says("GOODSIG"),
            readers: status.lines().filter(|line| line.starts_with("[GNUPG:] ENC_TO ")).count(),
        })
    }

    /// Returns standard output and the status lines. Errs if gpg fails.
    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> anyhow::Result<(Vec<u8>, String)> {
        let (output, status, success) = self.call(arguments, input)?;
        if !success {
            bail!("gpg {} failed: {status}", arguments.join(" "));
        }
        Ok((output, status))
    }

    fn call(&self, arguments: &[&str], input: &[u8]) -> anyhow::Result<(Vec<u8>, String, bool)> {
        let mut child = Command::new("gpg")
            .args(["--batch", "--no-tty", "--quiet", "--status-fd", "2", "--homedir"])
            .arg(self.home.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("gpg is not installed: run scripts/install-deps")?;
        let mut stdin = child.stdin.take().context("gpg takes input")?;
        let input = input.to_vec();
        let feeding = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output()?;
        // If gpg stopped reading, its status says why.
        let _ = feeding.join();
        Ok((output.stdout, String::from_utf8_lossy(&output.stderr).into_owned(), output.status.success()))
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.home()).args(["--kill", "all"]).output();
    }
}
