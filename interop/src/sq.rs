//! Sequoia's own command line.

use tempfile::TempDir;

use crate::programs::{OpenPgp, WHO, file, run};

struct Sq {
    folder: TempDir,
}

pub(crate) fn start(key: &str) -> anyhow::Result<Box<dyn OpenPgp>> {
    let sq = Sq { folder: TempDir::with_prefix("sl-i")? };
    sq.call(&["key", "generate", "--userid", WHO, "--cipher-suite", key, "--export", "key"], b"")?;
    Ok(Box::new(sq))
}

impl Sq {
    fn call(&self, arguments: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
        run("sq", &[&["--force"], arguments].concat(), self.folder.path(), input)
    }
}

impl OpenPgp for Sq {
    fn certificate(&self) -> anyhow::Result<Vec<u8>> {
        self.call(&["key", "extract-cert", "key"], b"")
    }

    fn write(&self, to: &[u8], text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let to = file(self.folder.path(), "to", to)?;
        self.call(&["encrypt", "--signer-key", "key", "--recipient-cert", &to], text)
    }

    fn sign(&self, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.call(&["sign", "--detached", "--signer-key", "key"], text)
    }

    fn read(&self, message: &[u8], from: &[u8]) -> anyhow::Result<Vec<u8>> {
        let from = file(self.folder.path(), "from", from)?;
        self.call(
            &["decrypt", "--recipient-key", "key", "--signer-cert", &from, "--signatures", "1"],
            message,
        )
    }
}
