//! Reads the folder of templates: the files with which an admin replaces texts.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sealist_lists::texts::{Fault, Override, Texts};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;

/// The largest template. A text is a page, not a book.
const MAX_OCTETS: u64 = 64 * 1024;
/// The deepest path: `lists/LIST-ID/LANGUAGE/NAME.txt`.
const MAX_DEPTH: usize = 4;

/// The texts of a site. Files that cannot be used are logged.
pub(crate) fn open(config: &Config) -> Texts {
    open_with(config, |fault| {
        tracing::warn!(
            event = "template-unusable",
            file = fault.path,
            "cannot use a template, the built-in text is used instead: {}",
            fault.detail
        );
    })
}

/// The files that cannot be used, and why.
pub(crate) fn faults(config: &Config) -> Vec<Fault> {
    let found: Arc<Mutex<Vec<Fault>>> = Arc::default();
    let heard = found.clone();
    open_with(config, move |fault| heard.lock().unwrap_or_else(PoisonError::into_inner).push(fault.clone()));
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *found)
}

/// Reads the folder again at each SIGHUP.
pub(crate) fn reread_at_hangup(texts: Texts, config: &Config) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let config = config.clone();
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            texts.replace(&open(&config));
            tracing::info!(event = "templates-reloaded", "reloaded the templates");
        }
    });
    Ok(())
}

fn open_with(config: &Config, report: impl Fn(&Fault) + Send + Sync + 'static) -> Texts {
    let folder = config.templates();
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    if folder.exists() {
        walk(&folder, &folder, 0, &mut files, &mut unread);
    }
    unread.iter().for_each(&report);
    Texts::new(config.site.language, files, report)
}

fn walk(base: &Path, at: &Path, depth: usize, files: &mut Vec<Override>, unread: &mut Vec<Fault>) {
    let path = at.strip_prefix(base).unwrap_or(at).to_string_lossy().into_owned();
    match read(at) {
        Ok(TemplatePath::File(source)) => files.push(Override { path, source }),
        Ok(TemplatePath::Folder(entries)) if depth < MAX_DEPTH => {
            for entry in entries.iter().filter(|entry| !is_hidden(entry)) {
                walk(base, entry, depth + 1, files, unread);
            }
        }
        Ok(TemplatePath::Folder(_)) => {
            unread.push(Fault { path, detail: "it is a folder in place of a file".to_owned() })
        }
        Err(error) => unread.push(Fault { path, detail: error.to_string() }),
    }
}

enum TemplatePath {
    File(String),
    Folder(Vec<PathBuf>),
}

fn read(path: &Path) -> Result<TemplatePath, Error> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        let entries = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
        let mut entries = entries.collect::<Result<Vec<_>, Error>>()?;
        entries.sort();
        return Ok(TemplatePath::Folder(entries));
    }
    if !metadata.is_file() || metadata.len() > MAX_OCTETS {
        return Err(Error::new(ErrorKind::InvalidData, "it is no file of at most 64 KiB"));
    }
    let text = String::from_utf8(std::fs::read(path)?);
    Ok(TemplatePath::File(text.map_err(|_| Error::new(ErrorKind::InvalidData, "it is not in UTF-8"))?))
}

/// Editors and version control leave such files behind.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with('~')
}
