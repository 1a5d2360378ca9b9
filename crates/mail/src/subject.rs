//! Prefixes of a Subject: reply and forward marks, tags of gateways, and the prefix of the list.

/// `Re:` and its relatives.
const REPLY_MARKS: &[&str] = &[
    "re", "aw", "antw", "antwort", "sv", "vs", "odp", "r", "rif", "res", "resp", "rép", "rep", "ré", "ref",
    "ynt", "hv", "ats", "atb", "bls", "απ", "σχετ", "отв", "відп", "回复", "回復", "回覆", "答复", "答覆",
    "返信", "답장", "회신",
];
/// `Fwd:` and its relatives.
const FORWARD_MARKS: &[&str] =
    &["fwd", "fw", "wg", "tr", "rv", "vb", "vl", "enc", "doorst", "pd", "ilt", "i", "转发", "轉寄", "転送"];

/// Puts the list's prefix before the subject. The prefix is not repeated if the subject has it already, even
/// after marks and tags. One reply mark stands before the prefix; tags and forward marks stay after it.
pub fn with_prefix(prefix: &str, subject: &str) -> String {
    let prefix = prefix.trim_end();
    let mut rest = subject.trim();
    let (mut answer, mut kept) = (false, String::new());
    loop {
        if let Some(behind) = rest.strip_prefix(prefix).filter(|_| !prefix.is_empty()) {
            rest = behind.trim_start();
        } else if let Some((front, behind)) = front(rest) {
            match front {
                Front::Reply => answer = true,
                Front::Forward | Front::Tag => {
                    kept += rest[..rest.len() - behind.len()].trim_end();
                    kept.push(' ');
                }
            }
            rest = behind;
        } else {
            break;
        }
    }
    let mark = if answer { "Re: " } else { "" };
    let words = format!("{kept}{rest}");
    let words = words.trim_end();
    let space = if words.is_empty() || prefix.is_empty() { "" } else { " " };
    format!("{mark}{prefix}{space}{words}")
}

/// The subject without its prefixes: `[EXT] Re: help` becomes `help`.
pub fn bare(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some((_, behind)) = front(rest) {
        rest = behind;
    }
    rest
}

enum Front {
    Reply,
    Forward,
    Tag,
}

/// The first prefix of a subject, and the rest.
fn front(subject: &str) -> Option<(Front, &str)> {
    if let Some(behind) = tag(subject) {
        return Some((Front::Tag, behind.trim_start()));
    }
    let (mark, behind) = subject.split_once([':', '：'])?;
    let mark =
        mark.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')'));
    let mark = mark.to_lowercase();
    let kind = if REPLY_MARKS.contains(&mark.as_str()) {
        Front::Reply
    } else if FORWARD_MARKS.contains(&mark.as_str()) {
        Front::Forward
    } else {
        return None;
    };
    Some((kind, behind.trim_start()))
}

/// A tag such as `[EXTERN]` or `***SPAM***` at the beginning.
fn tag(subject: &str) -> Option<&str> {
    if let Some(rest) = subject.strip_prefix('[') {
        return rest.split_once(']').map(|(_, behind)| behind);
    }
    let rest = subject.strip_prefix("**")?;
    let (word, behind) = rest.trim_start_matches('*').split_once("**")?;
    (!word.is_empty()).then(|| behind.trim_start_matches('*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_once() {
        fn check(subject: &str, expected: &str) {
            assert_eq!(with_prefix("[team] ", subject), expected);
        }
        check("hello", "[team] hello");
        check("[team] hello", "[team] hello");
        check("Re: [team] hello", "Re: [team] hello");
        check("Re: [team] Re: hello", "Re: [team] hello");
        check("AW: RE[2]: hello", "Re: [team] hello");
        check("[team] Re: hello", "Re: [team] hello");
        check("[other] hello", "[team] [other] hello");
        check("", "[team]");
        check("regards: x", "[team] regards: x");
        check("RES: [team] hello", "Re: [team] hello");
        check("回复：[team] hello", "Re: [team] hello");
        check("Fwd: [team] hello", "[team] Fwd: hello");
        check("[EXT] Re: [team] hello", "Re: [team] [EXT] hello");
        check("***SPAM*** [team] hello", "[team] ***SPAM*** hello");
        assert_eq!(with_prefix("", "Re: hello"), "Re: hello");
        assert_eq!(with_prefix("", "Fwd: hello"), "Fwd: hello");
    }

    #[test]
    fn what_stands_before_a_subject_is_taken_off() {
        let marks = [
            "",
            "Re: ",
            "RE : ",
            "AW: ",
            "Antw: ",
            "Antwort: ",
            "SV: ",
            "VS: ",
            "ODP: ",
            "R: ",
            "RES: ",
            "YNT: ",
            "Re[2]: ",
            "Re(3): ",
            "Rép : ",
            "TR: ",
            "WG: ",
            "Fwd: ",
            "回复: ",
            "回复：",
            "返信: ",
            "[EXT] Re: ",
            "[EXTERN] ",
            "***SPAM*** ",
            "Re: [EXTERN] AW: ",
            "[team] Re: ",
        ];
        for mark in marks {
            assert_eq!(bare(&format!("{mark}key set abc")), "key set abc", "{mark}");
        }
        for whole in ["regards: x", "[no end", "***", "****", ": x", "set: x"] {
            assert_eq!(bare(whole), whole);
        }
    }
}
