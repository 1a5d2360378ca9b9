//! Handler `decorate`: reads `footer`, in which `{list}` and `{address}` are replaced. The footer is a part
//! of its own inside the signature and the encryption, so that the author's parts stay unchanged.

use crate::draft::PostDraft;

/// The placeholders.
pub const FOOTER_VALUES: &[&str] = &["{list}", "{address}"];

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let footer = &draft.list.settings.footer;
    if footer.is_empty() {
        return;
    }
    let posting = draft.list.name.posting().to_string();
    draft.footer = Some(footer.replace("{list}", &draft.list.display_name()).replace("{address}", &posting));
}

/// The unknown placeholders of a footer, without duplicates.
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
