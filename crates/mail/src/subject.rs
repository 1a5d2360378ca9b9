//! Subject prefixes: once, whatever answers did to them.

/// `Re:` and its relatives.
const REPLY_MARKS: &[&str] = &["re", "aw", "sv", "vs", "antw", "odp", "r"];

/// The subject with the list's prefix before it. A prefix that is there already, also behind `Re:`, is not
/// repeated; answer marks stand before the prefix, once.
pub fn with_prefix(prefix: &str, subject: &str) -> String {
    let prefix = prefix.trim_end();
    let mut rest = subject.trim();
    let mut answer = false;
    loop {
        if let Some(behind) = rest.strip_prefix(prefix).filter(|_| !prefix.is_empty()) {
            rest = behind.trim_start();
        } else if let Some(behind) = strip_reply_mark(rest) {
            answer = true;
            rest = behind;
        } else {
            break;
        }
    }
    let mark = if answer { "Re: " } else { "" };
    let space = if rest.is_empty() { "" } else { " " };
    format!("{mark}{prefix}{space}{rest}")
}

fn strip_reply_mark(subject: &str) -> Option<&str> {
    let (mark, rest) = subject.split_once(':')?;
    let mark = mark.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || c == '[' || c == ']');
    REPLY_MARKS.iter().any(|known| known.eq_ignore_ascii_case(mark)).then(|| rest.trim_start())
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
    }
}
