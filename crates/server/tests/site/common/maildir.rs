//! What mail servers deliver.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Waits for so many messages in a maildir and returns them; `log` is shown when they do not come.
pub(crate) fn wait_for(maildir: &Path, count: usize, log: impl Fn() -> String) -> Vec<Vec<u8>> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let files: Vec<PathBuf> = std::fs::read_dir(maildir.join("new"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|file| file.path())
            .collect();
        if files.len() >= count {
            return files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        }
        assert!(Instant::now() < end, "{} of {count} in {}:\n{}", files.len(), maildir.display(), log());
        std::thread::sleep(Duration::from_millis(50));
    }
}
