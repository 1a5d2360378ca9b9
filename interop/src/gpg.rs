//! GnuPG.

use tempfile::TempDir;

use crate::programs::{OpenPgp, WHO, file, run};

struct GpgProgram {
    home: TempDir,
}

pub(crate) fn start(key: &str) -> anyhow::Result<Box<dyn OpenPgp>> {
    let gpg = GpgProgram { home: TempDir::with_prefix("sl-i")? };
    let (first, second) = key.split_once('/').unwrap_or((key, key));
    let usage = if first == "rsa3072" { "sign" } else { "sign,cert" };
    gpg.call(&["--quick-generate-key", WHO, first, usage, "never"], b"")?;
    let listed = String::from_utf8(gpg.call(&["--list-keys", "--with-colons"], b"")?)?;
    let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap_or_default();
    let fingerprint = fingerprint.trim_end_matches(':').to_owned();
    gpg.call(&["--quick-add-key", &fingerprint, second, "encrypt", "never"], b"")?;
    Ok(Box::new(gpg))
}

impl GpgProgram {
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

impl OpenPgp for GpgProgram {
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
        // gpg fails at a bad or missing signature of a known key. Its status says whether the message was
        // decrypted.
        let status = file(self.home.path(), "status", b"")?;
        let text = self.call(&["--status-file", &status, "--decrypt"], message)?;
        let status = String::from_utf8_lossy(&std::fs::read(&status)?).into_owned();
        anyhow::ensure!(status.contains(" GOODSIG "), "no good signature");
        Ok(text)
    }
}

impl Drop for GpgProgram {
    fn drop(&mut self) {
        let home = self.home.path().to_string_lossy().into_owned();
        let _ = run("gpgconf", &["--homedir", &home, "--kill", "all"], self.home.path(), b"");
    }
}

#[cfg(test)]
mod tests {
    use sealist_mail::Timestamp;
    use sealist_openpgp::testing::Person;
    use sealist_openpgp::{KeyIds, SealedPost, SignWith, StorageKey, seal};

    use super::*;

    /// The PKESK that we write for Curve25519, for each pair of hash and cipher that a key may require.
    #[test]
    fn every_key_derivation_is_read() -> anyhow::Result<()> {
        let now = Timestamp::now();
        let storage = StorageKey::generate("team", now.plus_ms(-1000))?;
        let sealed = seal(b"We meet at seven.", b"", SignWith::Nobody, &storage.certificate())?;
        let all = Person::of_every_kdf("anne@example.org", now);
        assert_eq!(all.len(), 9);
        for (kdf, reader) in all {
            // Each test has a key ring of its own, because gpg reports an error for a hidden key id if it had
            // to try two keys.
            let gpg = GpgProgram { home: TempDir::with_prefix("sl-i")? };
            gpg.call(&["--import"], &reader.armored_secret())?;
            let card = reader.certificate().usable(now)?;
            for ids in [KeyIds::Named, KeyIds::Hidden] {
                let copies = SealedPost::new(sealed.clone(), storage.session_key(&sealed)?, ids);
                let text = gpg.call(&["--decrypt"], &copies.copy(&[&card])?.joined());
                assert_eq!(text.map_err(|e| format!("{kdf}: {e}")), Ok(b"We meet at seven.".to_vec()));
            }
        }
        Ok(())
    }
}
