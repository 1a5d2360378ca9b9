//! Which keys there are, and which one a stranger resembles.

use super::Config;

pub(super) struct Unknown {
    pub(super) key: String,
    pub(super) nearest: Option<String>,
}

/// The first key of `table` that the configuration does not have.
pub(super) fn first_unknown(table: &toml::Table) -> Option<Unknown> {
    let known =
        toml::Table::try_from(Config::default()).expect("the configuration is a table of plain values");
    compare("", table, &known)
}

fn compare(prefix: &str, table: &toml::Table, known: &toml::Table) -> Option<Unknown> {
    table.iter().find_map(|(key, value)| match (value, known.get(key)) {
        // Whose names the admin chooses.
        (_, Some(toml::Value::Table(known))) if known.is_empty() => None,
        (_, None) => Some(Unknown {
            key: format!("{prefix}{key}"),
            nearest: nearest(key, known).map(|name| format!("{prefix}{name}")),
        }),
        (toml::Value::Table(inner), Some(toml::Value::Table(known))) => {
            compare(&format!("{prefix}{key}."), inner, known)
        }
        _ => None,
    })
}

fn nearest<'a>(key: &str, known: &'a toml::Table) -> Option<&'a String> {
    known
        .keys()
        .map(|name| (strsim::jaro_winkler(key, name), name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
