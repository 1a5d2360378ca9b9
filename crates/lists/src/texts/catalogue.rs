//! The texts of a site: the built-in ones, and the files with which an admin replaces them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use minijinja::{Error, Value};

use super::overrides::{Fault, Override, OverrideTarget, TextScope};
use super::render::{self, NoticeText};
use super::{Language, Text};
use crate::model::{ListName, MailingList};
use crate::rules::Reason;

/// The list and the language for which a text is filled in. Default: English, for no list.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextPlace<'a> {
    /// The list that sends the text. Its own files and those of its domain come first.
    pub list: Option<&'a ListName>,
    /// The recipient's language.
    pub language: Language,
}

/// All texts of a site. Clones share one catalogue.
#[derive(Clone)]
pub struct Texts {
    catalogue: Arc<RwLock<Arc<Catalogue>>>,
}

struct Catalogue {
    language: Language,
    files: BTreeMap<OverrideTarget, File>,
    report: Box<dyn Fn(&Fault) + Send + Sync>,
}

struct File {
    path: String,
    source: String,
    failed: OnceLock<()>,
}

/// The origin of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextSource {
    /// A file in the folder of templates, by its path in that folder.
    File(String),
    /// A built-in text in that language.
    BuiltIn(Language),
}

impl Default for Texts {
    /// The built-in texts, with English as the default language.
    fn default() -> Self {
        Self::new(Language::default(), Vec::new(), |_| ())
    }
}

impl Texts {
    /// The texts of a site with that language. A file that cannot be used is reported once, and the built-in
    /// text is used instead. The same happens if a file fails on the values of a notice.
    pub fn new(
        language: Language,
        overrides: Vec<Override>,
        report: impl Fn(&Fault) + Send + Sync + 'static,
    ) -> Self {
        let mut files = BTreeMap::new();
        for given in overrides {
            match given.check() {
                Ok((target, source)) => {
                    files.insert(target, File { path: given.path, source, failed: OnceLock::new() });
                }
                Err(detail) => report(&Fault { path: given.path, detail }),
            }
        }
        let catalogue = Catalogue { language, files, report: Box::new(report) };
        Self { catalogue: Arc::new(RwLock::new(Arc::new(catalogue))) }
    }

    /// Replaces the texts of this catalogue and all its clones by those of `other`.
    pub fn replace(&self, other: &Self) {
        let new = other.now();
        *self.catalogue.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// The language of the site.
    pub fn language(&self) -> Language {
        self.now().language
    }

    /// The place of a notice of that list: in the recipient's own language, otherwise the list's, otherwise
    /// the site's.
    pub fn place<'a>(&self, list: &'a MailingList, reader: Option<Language>) -> TextPlace<'a> {
        let language = reader.or(list.settings.preferred_language).unwrap_or_else(|| self.language());
        TextPlace { list: Some(&list.name), language }
    }

    /// Fills in the text of a notice.
    pub fn notice(&self, text: Text, place: &TextPlace<'_>, values: Value) -> NoticeText {
        self.fill(text, place, &values, |source| Some(render::notice(source, &values)))
    }

    /// Fills in a text that is part of a message.
    pub fn lines(&self, text: Text, place: &TextPlace<'_>, values: Value) -> String {
        self.fill(text, place, &values, |source| Some(render::lines(source, &values)))
    }

    /// Fills in one of the sentences of a text.
    pub fn sentence(&self, text: Text, name: &str, place: &TextPlace<'_>, values: Value) -> String {
        self.fill(text, place, &values, |source| {
            render::sentence(source, name).map(|words| render::lines(words, &values))
        })
    }

    /// The sentence for a reason. For a reason of a newer version it shows the name.
    pub fn reason(&self, reason: Reason, place: &TextPlace<'_>) -> String {
        let sentence = if matches!(reason, Reason::Unknown(_)) { "unknown" } else { reason.name() };
        self.sentence(Text::Reasons, sentence, place, super::context! { what => reason.name() })
    }

    /// The sentence that says what an attribute of a list does; empty for a name that is none.
    pub fn attribute(&self, name: &str, place: &TextPlace<'_>) -> String {
        self.sentence(Text::Attributes, name, place, Value::from_serialize(()))
    }

    /// The source of a text at that place, before it is filled in, and its origin.
    pub fn source(&self, text: Text, place: &TextPlace<'_>) -> (TextSource, String) {
        let catalogue = self.now();
        catalogue
            .files(text, place)
            .map(|file| (TextSource::File(file.path.clone()), file.source.clone()))
            .chain(
                built_in(text, place)
                    .map(|(language, source)| (TextSource::BuiltIn(language), source.to_owned())),
            )
            .next()
            .expect("every text has an English file: tested")
    }

    /// The admin's files that are used, by their paths in the folder of templates.
    pub fn files(&self) -> Vec<String> {
        self.now().files.values().map(|file| file.path.clone()).collect()
    }

    fn now(&self) -> Arc<Catalogue> {
        self.catalogue.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fills in the most specific source that can be filled in.
    fn fill<T>(
        &self,
        text: Text,
        place: &TextPlace<'_>,
        values: &Value,
        make: impl Fn(&str) -> Option<Result<T, Error>>,
    ) -> T {
        debug_assert_eq!(missing(text, values), Vec::<&str>::new(), "{text:?} promises these values");
        let catalogue = self.now();
        for file in catalogue.files(text, place) {
            match make(&file.source) {
                Some(Ok(made)) => return made,
                Some(Err(error)) => catalogue.report_once(file, &error),
                None => {}
            }
        }
        built_in(text, place)
            .find_map(|(_, source)| make(source)?.ok())
            .expect("the texts of the program are complete and rendered in a test")
    }
}

impl Catalogue {
    fn files(&self, text: Text, place: &TextPlace<'_>) -> impl Iterator<Item = &File> {
        let scopes = TextScope::around(place.list);
        let language = place.language;
        scopes.into_iter().filter_map(move |scope| self.files.get(&OverrideTarget { scope, language, text }))
    }

    fn report_once(&self, file: &File, error: &Error) {
        if file.failed.set(()).is_ok() {
            (self.report)(&Fault { path: file.path.clone(), detail: render::cause_of(error) });
        }
    }
}

/// The built-in texts: in that language, then in English.
fn built_in(text: Text, place: &TextPlace<'_>) -> impl Iterator<Item = (Language, &'static str)> {
    let languages = [place.language, Language::En].into_iter();
    languages.filter_map(move |language| Some((language, text.built_in(language)?)))
}

/// The documented values that are missing, which an admin's file could therefore not use.
fn missing(text: Text, values: &Value) -> Vec<&'static str> {
    let there = |name: &&&str| values.get_attr(name).is_ok_and(|value| !value.is_undefined());
    text.values().iter().filter(|name| !there(name)).copied().collect()
}
