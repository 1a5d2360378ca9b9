//! Names that people give themselves. Others see them before "via".

use sealist_mail::looks_like;

/// The longest name. Longer names are refused, not cut.
const MAX_CHARS: usize = 60;
/// Names that describe a role and not a person.
const ROLES: &[&str] = &[
    "admin",
    "administrator",
    "list",
    "listmaster",
    "mailer-daemon",
    "member",
    "moderator",
    "owner",
    "postmaster",
    "root",
    "security",
    "support",
];

/// The name with single blanks, if it cannot be taken for anything but a name: letters, blanks and the
/// characters `. ' ’ -`, but no address, no bracket and no role. An empty text is not a name.
pub fn person_name(given: &str) -> Option<String> {
    let name = given.split_whitespace().collect::<Vec<_>>().join(" ");
    let notices =
        |c: char| c.is_alphabetic() || matches!(c, ' ' | '.' | '\'' | '’' | '-' | '\u{300}'..='\u{36f}');
    let lower = name.to_lowercase();
    let role = lower.split(' ').any(|word| word == "via" || ROLES.iter().any(|role| looks_like(word, role)));
    let starts = name.chars().next().is_none_or(char::is_alphabetic);
    let fits = name.chars().count() <= MAX_CHARS && name.chars().all(notices) && starts && !role;
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_for_nothing_else() {
        for name in ["Anne Müller", "O’Brien", "J. R. R. Tolkien", "Jean-Luc", "Ελένη", "李小龙", "Anne", ""]
        {
            assert_eq!(person_name(name).as_deref(), Some(name));
        }
        assert_eq!(person_name("  Anne \t Müller ").as_deref(), Some("Anne Müller"));
        let refused = [
            "anne@example.org",
            "Anne <x>",
            "Anne (owner)",
            "[team]",
            "\"Anne\"",
            "Anne, Bart",
            "Anne: x",
            "the owner",
            "Anne via Team",
            "Anne\u{202e}x",
            "Anne\u{200b}",
            "http://x.example",
            "-Anne",
            "root",
            "the оwner",
            "Аdmin",
            "mailer-daemon",
        ];
        for name in refused {
            assert_eq!(person_name(name), None, "{name}");
        }
        assert_eq!(person_name(&"a".repeat(61)), None);
    }
}
