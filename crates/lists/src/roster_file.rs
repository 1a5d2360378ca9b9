//! Files with people: lines of addresses with names, or a table with columns. Mailman, spreadsheets and
//! address books write them.

use sealist_mail::Address;

/// A person of such a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPerson {
    /// The address.
    pub address: Address,
    /// The name; may be empty.
    pub name: String,
}

/// A line that names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text:?} is no address: a line is `ADDRESS`, `ADDRESS,NAME` or `NAME <ADDRESS>`")]
pub struct UnreadableLine {
    /// Its number, from 1.
    pub line: usize,
    /// What stands there in place of an address.
    pub text: String,
}

/// The people of a file, in its order, each address once: the first line counts. Empty lines and lines that
/// begin with `#` are passed over. The first line may name columns: `email` or `address`, and `name` or
/// `display_name`. Fields are separated by commas, semicolons or tabs, and may stand in quotes. Errs with all
/// lines that cannot be read.
pub fn read_roster(text: &str) -> Result<Vec<ListedPerson>, Vec<UnreadableLine>> {
    let mut columns = Columns { address: 0, name: Some(1) };
    let mut people: Vec<ListedPerson> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut unreadable = Vec::new();
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let lines = lines.map(|(at, line)| (at + 1, line.trim()));
    for (at, (line, words)) in
        lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).enumerate()
    {
        if at == 0
            && let Some(header) = Columns::of_header(words)
        {
            columns = header;
            continue;
        }
        match person(words, &columns) {
            Ok(person) if seen.insert(person.address.key()) => people.push(person),
            Ok(_) => {}
            Err(text) => unreadable.push(UnreadableLine { line, text }),
        }
    }
    if unreadable.is_empty() { Ok(people) } else { Err(unreadable) }
}

/// Where a table has what.
struct Columns {
    address: usize,
    name: Option<usize>,
}

impl Columns {
    fn of_header(line: &str) -> Option<Self> {
        let names: Vec<String> = fields(line).iter().map(|name| name.to_lowercase()).collect();
        let column = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        let address = column(&["email", "e-mail", "mail", "address"])?;
        Some(Self { address, name: column(&["name", "display_name", "display name", "full name"]) })
    }
}

fn person(line: &str, columns: &Columns) -> Result<ListedPerson, String> {
    if let Some((name, address)) = line.strip_suffix('>').and_then(|line| line.rsplit_once('<')) {
        let address = address.trim().parse().map_err(|_| address.to_owned())?;
        return Ok(ListedPerson { address, name: name.trim().trim_matches('"').trim().to_owned() });
    }
    let fields = fields(line);
    let field = |at: usize| fields.get(at).map(String::as_str).unwrap_or_default();
    let address = field(columns.address);
    let address = address.parse().map_err(|_| address.to_owned())?;
    Ok(ListedPerson { address, name: columns.name.map(field).unwrap_or_default().to_owned() })
}

/// The fields of a line, without the quotes around them.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let field = fields.last_mut().expect("there is one from the beginning");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' | ';' | '\t' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_read_however_they_are_written() {
        for (text, expected) in [
            ("", &[][..]),
            ("anne@x.example", &[("anne@x.example", "")]),
            (
                "\u{feff}anne@x.example\r\n\r\n# bart\r\nbart@x.example\r\n",
                &[("anne@x.example", ""), ("bart@x.example", "")],
            ),
            ("anne@x.example,Anne", &[("anne@x.example", "Anne")]),
            ("anne@x.example; \"Anne, the first\"", &[("anne@x.example", "Anne, the first")]),
            ("anne@x.example\tAnne \"A\" B", &[("anne@x.example", "Anne A B")]),
            ("\"anne@x.example\",\"Anne \"\"A\"\"\"", &[("anne@x.example", "Anne \"A\"")]),
            ("Anne Example <anne@x.example>", &[("anne@x.example", "Anne Example")]),
            ("\"Example, Anne\" <anne@x.example>", &[("anne@x.example", "Example, Anne")]),
            ("<anne@x.example>", &[("anne@x.example", "")]),
            ("name,email\nAnne,anne@x.example", &[("anne@x.example", "Anne")]),
            ("Email;Role\nanne@x.example;owner", &[("anne@x.example", "")]),
            ("# all\nAddress\tDisplay_Name\nanne@x.example\tAnne", &[("anne@x.example", "Anne")]),
            // The first line of an address counts.
            ("anne@x.example,Anne\nANNE@x.example,Other", &[("anne@x.example", "Anne")]),
        ] {
            let people = read_roster(text).unwrap();
            let found: Vec<(String, &str)> =
                people.iter().map(|person| (person.address.to_string(), person.name.as_str())).collect();
            let expected: Vec<(String, &str)> =
                expected.iter().map(|(address, name)| ((*address).to_owned(), *name)).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn every_line_that_names_nobody_is_told() {
        let refused =
            read_roster("anne@x.example\nnobody\n\nAnne <>\nbart@x.example,Bart\n,x\n").unwrap_err();
        let lines: Vec<usize> = refused.iter().map(|line| line.line).collect();
        assert_eq!(lines, [2, 4, 6]);
        assert!(refused[0].to_string().starts_with("line 2: \"nobody\" is no address"));
    }
}
