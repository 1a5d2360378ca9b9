//! Tests the configuration examples of the documentation: an admin who copies one gets a configuration that
//! the server accepts.
//!
//! An example is fenced as `toml`. An example without a header has keys of the table that the preceding
//! paragraph names, and each of its lines replaces a line of the file that `quickstart` wrote. An example
//! with a header is appended to that file.

use std::path::{Path, PathBuf};

use super::{Config, commented};
use crate::mta;

/// One example, and the table that the preceding paragraph names.
struct Snippet {
    table: Option<String>,
    text: String,
}

impl Snippet {
    fn has_header(&self) -> bool {
        self.text.lines().any(is_header)
    }
}

fn is_header(line: &str) -> bool {
    line.starts_with('[') && line.trim_end().ends_with(']') && !line.contains(['(', ' '])
}

fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![root.join("README.md"), root.join("SECURITY.md")];
    pages.extend(std::fs::read_dir(root.join("docs")).unwrap().map(|file| file.unwrap().path()));
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    pages.into_iter().map(|page| (page.clone(), std::fs::read_to_string(page).unwrap())).collect()
}

fn snippets(page: &str) -> Vec<Snippet> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("```toml\n") {
        let (text, behind) = after.split_once("```").expect("a fence ends");
        let paragraph = before.trim_end().rsplit("\n\n").next().unwrap_or_default();
        let mut named = paragraph.split("`[").skip(1).filter_map(|rest| rest.split_once("]`"));
        let table = named.next().map(|(table, _)| table.to_owned());
        assert!(named.next().is_none(), "one table alone is named before an example: {paragraph}");
        found.push(Snippet { table, text: text.to_owned() });
        rest = behind;
    }
    found
}

fn read(text: &str, what: &str) -> Config {
    let path = Path::new("/etc/sealist/sealist.toml");
    let config = Config::parse(text, path).unwrap_or_else(|error| panic!("{what}: {error}\n{text}"));
    config.check(path).unwrap_or_else(|error| panic!("{what}: {error}\n{text}"));
    config
}

/// Replaces lines of a file by those of a snippet. A snippet with a header is appended.
fn put_into(file: &mut String, snippet: &Snippet, what: &str) {
    let Some(table) = snippet.table.as_ref().filter(|_| !snippet.has_header()) else {
        file.push_str(&snippet.text);
        return;
    };
    for line in snippet.text.lines() {
        let key = line.split(" = ").next().unwrap();
        let header = format!("[{table}]\n");
        let start =
            file.find(&header).unwrap_or_else(|| panic!("{what}: there is no {header}")) + header.len();
        let end = file[start..].find("\n[").map_or(file.len(), |end| start + end);
        let old = file[start..end].lines().find(|old| old.starts_with(&format!("{key} = ")));
        let old = old.unwrap_or_else(|| panic!("{what}: [{table}] has no {key}")).to_owned();
        let changed = file[start..end].replacen(&format!("\n{old}"), &format!("\n{line}"), 1);
        file.replace_range(start..end, &changed);
    }
}

#[test]
fn every_example_of_the_documentation_is_a_configuration() {
    let mut count = 0;
    for (path, page) in pages() {
        let name = path.display().to_string();
        let example = commented(&Config::default());
        let mut file = example.clone();
        for snippet in snippets(&page).iter().filter(|snippet| snippet.text != example) {
            let alone = match (&snippet.table, snippet.has_header()) {
                (_, true) => snippet.text.clone(),
                (Some(table), false) => format!("[{table}]\n{}", snippet.text),
                (None, false) => panic!("{name}: say to which table this belongs: {}", snippet.text),
            };
            // Other lines that the example needs are in the file that it is for.
            assert!(read(&alone, &name) != Config::default(), "{name}: it changes nothing: {alone}");
            put_into(&mut file, snippet, &name);
            count += 1;
        }
        read(&file, &format!("{name}: all its examples in the file of quickstart"));
    }
    assert!(count >= 5, "{count}");
}

/// Tests the lines that `mta print` prints for `sealist.toml`.
#[test]
fn what_is_printed_for_a_mail_server_is_a_configuration() {
    let name = "team@lists.example".parse().unwrap();
    let printed = mta::lines(&Config::default(), [&name], mta::Server::Mox).unwrap();
    let text: String =
        printed.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert!(printed.contains("below [outgoing] in sealist.toml") && text.contains("host"), "{printed}");
    let mut file = commented(&Config::default());
    put_into(&mut file, &Snippet { table: Some("outgoing".to_owned()), text }, "mox");
    assert_eq!(read(&file, "mox").outgoing.host, "mail.example.org");
}

/// This test would miss an example without a fence.
#[test]
fn no_example_of_the_documentation_stands_outside_a_fence() {
    for (path, page) in pages() {
        let fences = page.split("```");
        let outside: String = fences.step_by(2).collect();
        let stray = outside.lines().find(|line| line.starts_with("    ") && is_header(line.trim()));
        assert_eq!(stray, None, "{}: fence it as toml", path.display());
    }
}
