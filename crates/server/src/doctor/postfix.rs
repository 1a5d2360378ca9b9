//! Finds out where a Postfix on this machine sends the mail of a list, by its `transport_maps`. Postfix
//! accepts mail from this machine for every domain, and sends mail without a table entry to the MX of the
//! domain.

use std::process::Command;

use sealist_lists::model::ListName;

use super::Diagnosis;
use crate::config::Config;

/// A finding if the mail of that list goes elsewhere. `None` if it comes here, or if Postfix cannot be asked.
pub(super) fn examine(config: &Config, list: &ListName) -> Option<Diagnosis> {
    // If all relayed or virtual domains are sent here, no table is needed.
    let own_port = format!(":{}", config.lmtp.listen.port());
    let defaults = run("postconf", &["-h", "relay_transport", "virtual_transport", "local_transport"])?;
    if defaults.lines().any(|transport| transport.ends_with(&own_port)) {
        return None;
    }
    let tables = run("postconf", &["-xh", "transport_maps"])?;
    let transport = [list.to_string(), list.mail_host().to_owned()].iter().find_map(|key| {
        tables_of(&tables).into_iter().find_map(|table| run("postmap", &["-q", key, &table]))
    });
    let fix = "take the lines of `sealist mta print postfix` into main.cf, then `postfix reload`";
    match transport {
        None => {
            let detail = format!("Postfix has no line in transport_maps for mail to {list}");
            Some(Diagnosis::warning("list domain", detail, fix))
        }
        Some(transport) if !transport.trim_end().ends_with(&own_port) => {
            let detail = format!("Postfix sends mail for {list} to {}", transport.trim_end());
            Some(Diagnosis::warning("list domain", detail, fix))
        }
        Some(_) => None,
    }
}

/// The output of a Postfix program, if it succeeds and prints something.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let output =
        Command::new(program).args(arguments).env("PATH", format!("{path}:/usr/sbin")).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then_some(text)
}

/// The tables in such a line, which are separated by blanks and commas outside braces.
fn tables_of(line: &str) -> Vec<String> {
    let mut depth = 0_i32;
    let parts = line.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0 && (c.is_whitespace() || c == ',')
    });
    parts.filter(|table| !table.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::tables_of;

    #[test]
    fn tables_are_told_apart() {
        fn check(line: &str, tables: &[&str]) {
            assert_eq!(tables_of(line), tables, "{line}");
        }
        check("\n", &[]);
        check(
            "hash:/etc/postfix/transport, inline:{ { a = b, c } }\n",
            &["hash:/etc/postfix/transport", "inline:{ { a = b, c } }"],
        );
        check("inline:{a=b} regexp:{ { /x{2}/ y } }", &["inline:{a=b}", "regexp:{ { /x{2}/ y } }"]);
    }
}
