//! `sealist texts`: the texts that people read in mail, and the files that they come from.

use anyhow::Context as _;
use clap::Subcommand;
use sealist_app::App;
use sealist_lists::model::{ListName, MailingList};
use sealist_lists::texts::{Language, Text, TextForm, TextPlace, TextSource, described};
use serde_json::{Value, json};

use super::{CommandOutput, find_list};

#[derive(Subcommand)]
pub(crate) enum TextCommands {
    /// Lists all texts: what each is for, and which file is used in which language.
    List {
        /// Lists them as this list uses them.
        #[arg(long)]
        list: Option<ListName>,
    },
    /// Prints a text as it is in its file, with the values that it may use. Copy it into a file of your own
    /// to change it.
    Show {
        /// The name of the text, as `texts list` prints it.
        name: String,
        /// The language: en, de or fr. Default: the language of the list, or of the site.
        #[arg(long)]
        language: Option<String>,
        /// Prints the text as this list uses it.
        #[arg(long)]
        list: Option<ListName>,
    },
}

pub(super) async fn run(app: &App, command: TextCommands) -> anyhow::Result<CommandOutput> {
    match command {
        TextCommands::List { list } => {
            let list = named_if_any(app, list).await?;
            let (text, data): (String, Vec<Value>) =
                Text::ALL.iter().map(|text| row(app, *text, list.as_ref())).unzip();
            Ok((text, data.into()))
        }
        TextCommands::Show { name, language, list } => {
            let text = Text::from_name(&name)
                .with_context(|| format!("there is no text {name:?}; `sealist texts list` has all"))?;
            let language = language.map(|language| {
                Language::from_name(&language).with_context(|| format!("{language:?} is none of en, de, fr"))
            });
            let list = named_if_any(app, list).await?;
            Ok(show(app, text, &place(app, list.as_ref(), language.transpose()?)))
        }
    }
}

async fn named_if_any(app: &App, list: Option<ListName>) -> anyhow::Result<Option<MailingList>> {
    Ok(match list {
        Some(list) => Some(find_list(app, &list).await?),
        None => None,
    })
}

fn place<'a>(app: &App, list: Option<&'a MailingList>, language: Option<Language>) -> TextPlace<'a> {
    match list {
        Some(list) => app.texts.place(list, language),
        None => TextPlace { list: None, language: language.unwrap_or(app.texts.language()) },
    }
}

fn row(app: &App, text: Text, list: Option<&MailingList>) -> (String, Value) {
    let mut lines = format!("{}\n    {}\n", text.name(), text.purpose());
    let mut files = serde_json::Map::new();
    for &language in Language::ALL {
        let origin = called(&app.texts.source(text, &place(app, list, Some(language))).0);
        lines.push_str(&format!("    {}  {origin}\n", language.name()));
        files.insert(language.name().to_owned(), origin.into());
    }
    (lines, json!({ "name": text.name(), "purpose": text.purpose(), "files": files }))
}

/// The values are printed after the text as a comment, which a file may keep.
fn show(app: &App, text: Text, place: &TextPlace<'_>) -> CommandOutput {
    let (origin, source) = app.texts.source(text, place);
    let values: Vec<_> = text.values().iter().filter_map(|name| described(name)).collect();
    let lines = values.iter().map(|value| format!("{:<12} {}\n", value.name, value.meaning));
    let comment = match text.form() {
        _ if values.is_empty() => String::new(),
        TextForm::Sentences => lines.map(|line| format!("# {line}")).collect(),
        TextForm::Notice | TextForm::Block => format!("{{# Values:\n{}#}}\n", lines.collect::<String>()),
    };
    let meanings: serde_json::Map<_, _> =
        values.iter().map(|value| (value.name.to_owned(), value.meaning.into())).collect();
    let data = json!({ "name": text.name(), "file": called(&origin), "source": source, "values": meanings });
    (format!("{source}{comment}"), data)
}

fn called(origin: &TextSource) -> String {
    match origin {
        TextSource::File(path) => path.clone(),
        TextSource::BuiltIn(language) => format!("built in ({})", language.name()),
    }
}
