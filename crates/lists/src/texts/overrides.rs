//! Files with which an admin replaces a text, in Mailman's layout: `lists/LIST-ID/LANGUAGE/NAME.txt`,
//! `domains/HOST/LANGUAGE/NAME.txt`, `site/LANGUAGE/NAME.txt` in the folder of templates.

use super::render::problem;
use super::{Language, Text};
use crate::model::ListName;

/// A file whose content the caller has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Its path in the folder of templates, with slashes.
    pub path: String,
    /// Its content.
    pub source: String,
}

/// A file that is not used, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its path in the folder of templates.
    pub path: String,
    /// What is wrong with it, for people.
    pub detail: String,
}

/// The lists whose notices a file changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TextScope {
    /// One list, by its identifier.
    List(String),
    /// The lists of a mail host.
    Domain(String),
    /// All lists.
    Site,
}

/// The text that a file replaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OverrideTarget {
    pub(super) scope: TextScope,
    pub(super) language: Language,
    pub(super) text: Text,
}

impl TextScope {
    /// The scopes that contain a list, the most specific first.
    pub(super) fn around(list: Option<&ListName>) -> Vec<Self> {
        let own = list.map(|list| [Self::List(list.list_id()), Self::Domain(list.mail_host().to_owned())]);
        own.into_iter().flatten().chain([Self::Site]).collect()
    }
}

impl Override {
    /// Which text the file replaces and its content, or what is wrong with it.
    pub(super) fn check(&self) -> Result<(OverrideTarget, String), String> {
        let target = target(&self.path)?;
        let source = self.source.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        match problem(target.text, &source) {
            None => Ok((target, source)),
            Some(detail) => Err(detail),
        }
    }
}

fn target(path: &str) -> Result<OverrideTarget, String> {
    let parts: Vec<&str> = path.split('/').collect();
    let (scope, language, file) = match parts.as_slice() {
        ["lists", list_id, language, file] => (TextScope::List((*list_id).to_owned()), language, file),
        ["domains", host, language, file] => (TextScope::Domain((*host).to_owned()), language, file),
        ["site", language, file] => (TextScope::Site, language, file),
        _ => {
            return Err(
                "it must be in lists/LIST-ID/LANGUAGE, domains/HOST/LANGUAGE or site/LANGUAGE".to_owned()
            );
        }
    };
    let known = Language::NAMES.join(", ");
    let language = Language::from_name(language)
        .ok_or_else(|| format!("{language:?} is no language here; there are {known}"))?;
    let name = file.strip_suffix(".txt").ok_or("its name must be that of a text and end in .txt")?;
    let text = Text::from_name(name).ok_or_else(|| format!("there is no text {name:?}{}", nearest(name)))?;
    Ok(OverrideTarget { scope, language, text })
}

fn nearest(name: &str) -> String {
    let likeness = |text: &Text| strsim::jaro_winkler(name, text.name());
    let best = Text::ALL.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    best.filter(|text| likeness(text) > 0.75)
        .map(|text| format!("; did you mean {:?}?", text.name()))
        .unwrap_or_default()
}
