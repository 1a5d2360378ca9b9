//! Names that people give themselves: what others see before "via".

use sealist_mail::looks_like;

/// Longer names are cut nowhere, they are refused.
const MAX_CHARS: usize = 60;
/// Names of what people are, not of who they are.
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

/// The name with single blanks, if it can be taken for nothing but a name: letters, blanks, and what stands in names
/// (`. ' ’ -`), no address, no bracket, no role. An empty one is no name at all.
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
