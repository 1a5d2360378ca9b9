//! RNP, the library of Thunderbird.

use sealist_openpgp::Certificate;
use tempfile::TempDir;

use crate::programs::{OpenPgp, file, run};

struct Rnp {
    home: TempDir,
}

pub(crate) fn start(_key: &str) -> anyhow::Result<Box<dyn OpenPgp>> {
    let rnp = Rnp { home: TempDir::with_prefix("sl-i")? };
    rnp.keys(&["--generate-key", "--userid", "anne@example.org", "--password="])?;
    Ok(Box::new(rnp))
}

impl Rnp {
    fn keys(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let home = self.home.path().to_string_lossy().into_owned();
        run("rnpkeys", &[&["--homedir", &home], arguments].concat(), self.home.path(), b"")
    }

    fn call(&self, arguments: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
        let home = self.home.path().to_string_lossy().into_owned();
        let given = file(self.home.path(), "given", input)?;
        let made = self.home.path().join("made");
        let to = made.to_string_lossy().into_owned();
        let common = ["--homedir", &home, "--password=", "--overwrite", "--output", &to];
        run("rnp", &[&common, arguments, &[&given]].concat(), self.home.path(), b"")?;
        Ok(std::fs::read(made)?)
    }

    fn know(&self, certificate: &[u8]) -> anyhow::Result<()> {
        let file = file(self.home.path(), "other", certificate)?;
        self.keys(&["--import-keys", &file]).map(|_| ())
    }
}

impl OpenPgp for Rnp {
    fn certificate(&self) -> anyhow::Result<Vec<u8>> {
        self.keys(&["--export-key", "anne@example.org"])
    }

    fn write(&self, to: &[u8], text: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.know(to)?;
        let reader = Certificate::read_one(to)?.fingerprint().to_string();
        let readers = ["--encrypt", "--recipient", &reader];
        self.call(&[&readers[..], &["--sign", "--userid", "anne@example.org", "--armor"]].concat(), text)
    }

    fn sign(&self, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.call(&["--sign", "--detach", "--userid", "anne@example.org", "--armor"], text)
    }

    fn read(&self, message: &[u8], from: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.know(from)?;
        self.call(&["--decrypt"], message)
    }
}
