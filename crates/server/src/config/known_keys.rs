//! Finds unknown keys in a configuration file, and the table in which a misplaced key belongs. A line that is
//! appended to the file belongs to its last table, whatever its key is.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::workflows::OwnWorkflow;

/// The table in which the admin names the subtables.
const WORKFLOWS: &str = "workflows";
/// A placeholder for such a subtable.
const WORKFLOW: &str = "workflows.NAME";
/// Two names that are more alike than this are considered a typing error.
const LIKENESS: f64 = 0.85;

/// A key or table that the configuration does not have in that place.
#[derive(Debug)]
pub(crate) struct Unknown {
    line: usize,
    what: String,
    hint: String,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, what, hint } = self;
        write!(f, "line {line}: unknown {what}{hint}")
    }
}

/// The first key or table in `text` that the configuration does not have in that place. Errs if `text` is not
/// TOML.
pub(super) fn first_unknown(text: &str) -> Result<Option<Unknown>, toml::de::Error> {
    let root = DeTable::parse(text)?;
    let reader = TomlReader { text, known: known_tables() };
    let mut found = Vec::new();
    reader.read_root(root.get_ref(), &mut found);
    Ok(found.into_iter().min_by_key(|unknown| unknown.line))
}

/// A table with its keys. The part of the file before the first table has an empty name.
struct KnownTable {
    table: String,
    keys: Vec<String>,
}

fn known_tables() -> Vec<KnownTable> {
    let all = toml::Table::try_from(Config::default()).expect("the configuration is a table of plain values");
    let of_workflow =
        toml::Table::try_from(OwnWorkflow::default()).expect("a workflow is a table of plain values");
    let is_table = |value: &toml::Value| value.is_table();
    let top = all.iter().filter(|(_, value)| !is_table(value)).map(|(key, _)| key.clone()).collect();
    let mut known = vec![KnownTable { table: String::new(), keys: top }];
    for (name, value) in all.iter().filter(|(_, value)| is_table(value)) {
        let keys = value.as_table().into_iter().flat_map(|table| table.keys().cloned()).collect();
        known.push(KnownTable { table: name.clone(), keys });
    }
    known.push(KnownTable { table: WORKFLOW.to_owned(), keys: of_workflow.keys().cloned().collect() });
    known
}

type TomlEntry<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

struct TomlReader<'t> {
    text: &'t str,
    known: Vec<KnownTable>,
}

impl TomlReader<'_> {
    fn read_root(&self, root: &DeTable<'_>, found: &mut Vec<Unknown>) {
        for (key, value) in root {
            let name = key.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(inner) if name == WORKFLOWS => self.read_workflows(inner, found),
                DeValue::Table(inner) if self.is_table(name) => self.read(name, name, inner, found),
                _ if self.is_table(name) => {
                    let header = if name == WORKFLOWS { WORKFLOW } else { name };
                    let hint = format!("; it is a table: write [{header}]");
                    found.push(Unknown { hint, ..self.unknown("", "", (key, value)) });
                }
                _ if self.has("", name) => {}
                _ => found.push(self.unknown("", "", (key, value))),
            }
        }
    }

    fn read_workflows(&self, table: &DeTable<'_>, found: &mut Vec<Unknown>) {
        for (key, value) in table {
            match value.get_ref() {
                DeValue::Table(inner) => {
                    self.read(WORKFLOW, &format!("{WORKFLOWS}.{}", key.get_ref()), inner, found);
                }
                _ => found.push(self.unknown(WORKFLOWS, WORKFLOWS, (key, value))),
            }
        }
    }

    fn read(&self, table: &str, shown: &str, inner: &DeTable<'_>, found: &mut Vec<Unknown>) {
        let strangers = inner.iter().filter(|(key, _)| !self.has(table, key.get_ref()));
        found.extend(strangers.map(|entry| self.unknown(table, shown, entry)));
    }

    fn unknown(&self, table: &str, shown: &str, (key, value): TomlEntry<'_, '_>) -> Unknown {
        let name = key.get_ref().as_ref();
        let line = 1 + self.text[..key.span().start].matches('\n').count();
        let (what, hint) = match value.get_ref() {
            DeValue::Table(_) => {
                let path = if shown.is_empty() { name.to_owned() } else { format!("{shown}.{name}") };
                (format!("table [{path}]"), self.near_table(name))
            }
            _ if shown.is_empty() => (format!("key {name:?} above the first table"), self.hint(table, name)),
            _ => (format!("key {name:?} in the table [{shown}]"), self.hint(table, name)),
        };
        Unknown { line, what, hint }
    }

    /// The table in which the key belongs or, if there is none, the key that was probably meant.
    fn hint(&self, table: &str, key: &str) -> String {
        let homes: Vec<String> =
            self.known.iter().filter(|known| known.keys.iter().any(|own| own == key)).map(place).collect();
        if !homes.is_empty() {
            return format!("; it belongs {}", homes.join(" or "));
        }
        let nearest_of = |known: &KnownTable| {
            let near = known.keys.iter().map(|own| (likeness(key, own), own.clone()));
            near.filter(|(likeness, _)| *likeness > LIKENESS).max_by(|a, b| a.0.total_cmp(&b.0))
        };
        if let Some((_, near)) = self.table(table).and_then(nearest_of) {
            return format!("; did you mean {near:?}?");
        }
        let elsewhere = self.known.iter().filter_map(|known| Some((nearest_of(known)?, known)));
        match elsewhere.max_by(|a, b| a.0.0.total_cmp(&b.0.0)) {
            Some(((_, near), known)) => format!("; did you mean {near:?}? It belongs {}", place(known)),
            None => String::new(),
        }
    }

    fn near_table(&self, name: &str) -> String {
        let near = self.known.iter().map(|known| (likeness(name, &known.table), &known.table));
        let near = near.filter(|(likeness, _)| *likeness > LIKENESS).max_by(|a, b| a.0.total_cmp(&b.0));
        near.map(|(_, table)| format!("; did you mean [{table}]?")).unwrap_or_default()
    }

    fn table(&self, name: &str) -> Option<&KnownTable> {
        self.known.iter().find(|known| known.table == name)
    }

    fn is_table(&self, name: &str) -> bool {
        !name.is_empty() && self.table(name).is_some()
    }

    fn has(&self, table: &str, key: &str) -> bool {
        self.table(table).is_some_and(|known| known.keys.iter().any(|own| own == key))
    }
}

fn place(known: &KnownTable) -> String {
    match known.table.as_str() {
        "" => "above the first table".to_owned(),
        table => format!("below [{table}]"),
    }
}

/// The likeness of two names. It is 1 if they differ only in case and hyphens.
fn likeness(one: &str, other: &str) -> f64 {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    strsim::jaro_winkler(&plain(one), &plain(other))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::commented;
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("x.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn unknown_keys_are_named_with_the_place_where_they_belong() {
        fn check(text: &str, message: &str) {
            assert_eq!(parse(text).unwrap_err(), format!("x.toml: line {message}"), "{text}");
        }
        check("datadir = 'x'", r#"1: unknown key "datadir" above the first table; did you mean "data_dir"?"#);
        check(
            "[lmtp]\nlissten = 'x'",
            r#"2: unknown key "lissten" in the table [lmtp]; did you mean "listen"?"#,
        );
        check("[log]\nFormat = 'x'", r#"2: unknown key "Format" in the table [log]; did you mean "format"?"#);
        check("[outgoin]\nhost = 'x'", "1: unknown table [outgoin]; did you mean [outgoing]?");
        check("[lmtp.outgoing]\nhost = 'x'", "1: unknown table [lmtp.outgoing]; did you mean [outgoing]?");
        check("[workflow.mine]\nsteps = []", "1: unknown table [workflow]; did you mean [workflows]?");
        check("[zebra]\n", "1: unknown table [zebra]");
        check("zebra = 3", r#"1: unknown key "zebra" above the first table"#);
        check("[log]\n\nzebra = 3", r#"3: unknown key "zebra" in the table [log]"#);
        check("port = 3", r#"1: unknown key "port" above the first table; it belongs below [outgoing]"#);
        check(
            "[queue]\nmax_connections = 3",
            r#"2: unknown key "max_connections" in the table [queue]; it belongs below [lmtp] or below [outgoing]"#,
        );
        check("site = 'x'", r#"1: unknown key "site" above the first table; it is a table: write [site]"#);
        check(
            "[[workflows]]\nsteps = []",
            r#"1: unknown key "workflows" above the first table; it is a table: write [workflows.NAME]"#,
        );
        check(
            "lmtp = { lissten = 1 }",
            r#"1: unknown key "lissten" in the table [lmtp]; did you mean "listen"?"#,
        );
        check("lmtp.host = 1", r#"1: unknown key "host" in the table [lmtp]; it belongs below [outgoing]"#);
        check("[log]\r\n\r\nzebra = 3\r\n", r#"3: unknown key "zebra" in the table [log]"#);
        // The first of several unknown keys in the file is reported, whatever their names are.
        check("[log]\nzebra = 3\nant = 4", r#"2: unknown key "zebra" in the table [log]"#);
        // A key that is appended to the example belongs to the last table.
        let example = commented(&Config::default());
        let last = example.lines().count() + 1;
        for (added, home) in [
            ("contact = 'x'", "\"contact\" in the table [workflows]; it belongs below [site]"),
            ("data_dir = 'x'", "\"data_dir\" in the table [workflows]; it belongs above the first table"),
            ("steps = []", "\"steps\" in the table [workflows]; it belongs below [workflows.NAME]"),
            ("zebra = 3", "\"zebra\" in the table [workflows]"),
            (
                "min_free = 3",
                "\"min_free\" in the table [workflows]; did you mean \"min_free_mib\"? It belongs below [queue]",
            ),
        ] {
            check(&format!("{example}{added}\n"), &format!("{last}: unknown key {home}"));
        }
        check(
            "[workflows.mine]\nsteps = []\nrefresh = 'both'",
            r#"3: unknown key "refresh" in the table [workflows.mine]; it belongs below [keys]"#,
        );
        check(
            "[workflows.mine]\nstep = []",
            r#"2: unknown key "step" in the table [workflows.mine]; did you mean "steps"?"#,
        );
    }

    /// For every key below a wrong header, the message names the key, the header and the right table.
    #[test]
    fn a_key_below_any_other_header_is_told_where_it_belongs() {
        let all = toml::Table::try_from(Config::default()).unwrap();
        let tables = || all.iter().filter_map(|(name, value)| Some((name, value.as_table()?)));
        for (home, keys) in tables() {
            for key in keys.keys() {
                for (other, _) in tables().filter(|(_, table)| !table.contains_key(key)) {
                    let said = parse(&format!("[{other}]\n{key} = 1")).unwrap_err();
                    let named = format!("unknown key {key:?} in the table [{other}]; it belongs below [");
                    assert!(said.contains(&named) && said.contains(&format!("below [{home}]")), "{said}");
                }
            }
        }
    }
}
