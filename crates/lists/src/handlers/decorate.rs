//! Handler `decorate`: reads `footer`; `{list}` and `{address}` in it are filled in. The footer is a part
//! of its own, inside signature and encryption, so that no part of the author's is changed.

use crate::draft::PostDraft;

/// What is filled in.
pub const FOOTER_VALUES: &[&str] = &["{list}", "{address}"];

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let footer = &draft.list.settings.footer;
    if footer.is_empty() {
        return;
    }
    let posting = draft.list.name.posting().to_string();
    draft.footer = Some(footer.replace("{list}", &draft.list.display_name()).replace("{address}", &posting));
}

/// Words in braces of a footer that nothing stands for, each once.
pub fn unknown_placeholders(footer: &str) -> Vec<String> {
    let mut unknown: Vec<String> = Vec::new();
    for behind in footer.split('{').skip(1) {
        let Some((name, _)) = behind.split_once('}') else { continue };
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let placeholder = format!("{{{name}}}");
        let meant = format!("{{{}}}", name.trim());
        let is_one = name.contains(char::is_alphabetic) && name.chars().all(is_name);
        if (is_one || FOOTER_VALUES.contains(&meant.as_str()))
            && !FOOTER_VALUES.contains(&placeholder.as_str())
            && !unknown.contains(&placeholder)
        {
            unknown.push(placeholder);
        }
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_stands_for_is_found() {
        for (footer, unknown) in [
            ("", &[][..]),
            ("{list} at {address}", &[]),
            ("{ }, {}, {1}, { b }, } {, {a", &[]),
            ("{nope}", &["{nope}"]),
            ("{List} {list_name}{nope}{nope}", &["{List}", "{list_name}", "{nope}"]),
            ("{{list}} {address }", &["{address }"]),
        ] {
            assert_eq!(unknown_placeholders(footer), unknown, "{footer}");
        }
    }
}
