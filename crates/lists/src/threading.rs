//! The fields that name the message that is answered ([RFC 5322, section 3.6.4]).

use sealist_mail::{Field, Headers};

/// The fields.
pub(crate) const THREADING: [&str; 2] = ["In-Reply-To", "References"];

/// The most ids that are kept.
const MAX_IDS: usize = 50;
/// The most ids by which the archive looks for the thread of a post.
const MAX_ANSWERED: usize = 10;
const MAX_ID_OCTETS: usize = 250;
/// The number of hexadecimal digits in our Message-IDs.
const DIGITS: usize = 32;

/// The field of that name, written anew with those ids for which `keep` returns true. `None` if there are
/// none.
pub(crate) fn field(headers: &Headers, name: &str, keep: impl Fn(&str) -> bool) -> Option<Field> {
    let value = String::from_utf8_lossy(&headers.first(name)?).into_owned();
    let ids = value.split_whitespace().filter(|id| is_id(id) && keep(id));
    let ids: Vec<&str> = ids.take(MAX_IDS).collect();
    if ids.is_empty() { None } else { Field::raw(name, &ids.join(" ")).ok() }
}

/// The ids of the messages that a message answers, the nearest first: References from its end, then
/// In-Reply-To. Each stands there once.
pub(crate) fn answered(headers: &Headers) -> Vec<String> {
    let ids = |name: &str| -> Vec<String> {
        let value = headers.first(name).unwrap_or_default();
        let value = String::from_utf8_lossy(&value).into_owned();
        value.split_whitespace().filter(|id| is_id(id)).map(str::to_owned).collect()
    };
    let mut answered: Vec<String> = Vec::new();
    for id in ids("References").into_iter().rev().chain(ids("In-Reply-To").into_iter().rev()) {
        if answered.len() < MAX_ANSWERED && !answered.contains(&id) {
            answered.push(id);
        }
    }
    answered
}

fn is_id(word: &str) -> bool {
    let inner = word.strip_prefix('<').and_then(|word| word.strip_suffix('>'));
    let legal = |b: u8| b.is_ascii_graphic() && !b"<>()\"\\".contains(&b);
    word.len() <= MAX_ID_OCTETS && inner.is_some_and(|inner| inner.bytes().all(legal))
}

/// Whether the id has exactly the form of ids that lists of that host give to their posts, so that it cannot
/// carry text. Whether such a post exists is not checked: an id of a missing post shows nothing, and an
/// attacker who wants to attach a message to a real thread knows a real id.
pub(crate) fn is_own(id: &str, host: &str) -> bool {
    let Some(inner) = id.strip_prefix('<').and_then(|id| id.strip_suffix('>')) else { return false };
    let digits =
        |text: &str| text.len() == DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    inner.split_once('@').is_some_and(|(left, domain)| domain == host && digits(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_of_ours_is_left_out() {
        fn check(value: &str, all: Option<&str>, own: Option<&str>) {
            let (headers, _) = Headers::parse(format!("References: {value}\r\n\r\n").as_bytes());
            let text = |field: Option<Field>| field.map(|field| field.decoded());
            assert_eq!(text(field(&headers, "References", |_| true)).as_deref(), all, "{value}");
            let ours = |id: &str| is_own(id, "lists.example");
            assert_eq!(text(field(&headers, "References", ours)).as_deref(), own, "{value}");
        }
        let id = "<0123456789abcdef0123456789abcdef@lists.example>";
        check(id, Some(id), Some(id));
        check(&format!("<1@x.example>\r\n {id}"), Some(&format!("<1@x.example> {id}")), Some(id));
        check("<secret@lists.example>", Some("<secret@lists.example>"), None);
        let elsewhere = id.replace("lists.example", "x.example");
        check(&elsewhere, Some(&elsewhere), None);
        for other in [
            id.to_uppercase(),
            id.replace("lists.example", "Lists.example"),
            id.replace("@", ".pay@"),
            id.replace("0123", "012"),
            id.replace("abcdef@", "abcde@"),
            id.replace("abcdef@", "zebra0@"),
            id.replace("@", "@x@"),
            id.replace(">", ".>"),
        ] {
            check(&other, Some(&other), None);
        }
        check(&id.replace('<', "<<"), None, None);
        check("words (comment) <a b@x> <\"q\"@x>", None, None);
        check(&format!("<{}@x.example>", "a".repeat(300)), None, None);
        check("", None, None);
    }

    #[test]
    fn the_nearest_message_that_is_answered_comes_first() {
        fn check(fields: &str, expected: &[&str]) {
            let (headers, _) = Headers::parse(format!("{fields}\r\n\r\n").as_bytes());
            assert_eq!(answered(&headers), expected, "{fields}");
        }
        check("Subject: x", &[]);
        check("References: <1@x> <2@x>\r\nIn-Reply-To: <2@x>", &["<2@x>", "<1@x>"]);
        check("References: <1@x> words <2@x>\r\nIn-Reply-To: <3@x>", &["<2@x>", "<1@x>", "<3@x>"]);
        check("In-Reply-To: <3@x>", &["<3@x>"]);
        let many: Vec<String> = (0..100).map(|no| format!("<{no}@x>")).collect();
        let nearest: Vec<String> = (90..100).rev().map(|no| format!("<{no}@x>")).collect();
        let nearest: Vec<&str> = nearest.iter().map(String::as_str).collect();
        check(&format!("References: {}", many.join(" ")), &nearest);
    }
}
