//! Extracts the text of HTML, as people paste it into a message. Tags are removed, elements that end a line
//! end it, and character entities are decoded. No other part of HTML is interpreted.

/// Elements that begin and end a line.
const LINES: [&str; 16] = [
    "address",
    "blockquote",
    "br",
    "dd",
    "div",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "li",
    "p",
    "pre",
    "table",
    "td",
    "tr",
];
/// Elements whose content is not shown.
const UNSEEN: [&str; 4] = ["head", "script", "style", "title"];
const ENTITIES: [(&str, char); 6] =
    [("amp", '&'), ("apos", '\''), ("gt", '>'), ("lt", '<'), ("nbsp", ' '), ("quot", '"')];
/// The longest name of a character entity, including numeric ones.
const MAX_ENTITY: usize = 10;

/// The text of HTML as it is shown, in lines. White space outside `<pre>` collapses to one blank.
pub fn html_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let (mut is_pre, mut rest) = (false, html);
    while let Some(at) = rest.find('<') {
        words(&rest[..at], is_pre, &mut text);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
            continue;
        }
        let (tag, behind) = rest[1..].split_once('>').unwrap_or((&rest[1..], ""));
        rest = behind;
        let is_end = tag.starts_with('/');
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        if LINES.contains(&name.as_str()) {
            text.push('\n');
        }
        match name.as_str() {
            "pre" => is_pre = !is_end,
            unseen if UNSEEN.contains(&unseen) && !is_end => rest = behind_end_of(unseen, rest),
            _ => {}
        }
    }
    words(rest, is_pre, &mut text);
    text
}

fn behind_end_of<'a>(name: &str, html: &'a str) -> &'a str {
    let ends = html.match_indices("</").map(|(at, _)| &html[at + 2..]);
    let mut ends =
        ends.filter(|end| end.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)));
    ends.next().and_then(|end| end.split_once('>')).map_or("", |(_, behind)| behind)
}

fn words(html: &str, is_pre: bool, text: &mut String) {
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        if let Some((entity, behind)) = entity(rest) {
            text.push(entity);
            rest = behind;
            continue;
        }
        match c {
            '\r' if is_pre => {}
            c if c.is_ascii_whitespace() && !is_pre => {
                if !text.ends_with([' ', '\n']) {
                    text.push(' ');
                }
            }
            c => text.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
}

fn entity(html: &str) -> Option<(char, &str)> {
    let inner = html.strip_prefix('&')?;
    let end = inner.bytes().take(MAX_ENTITY).position(|octet| octet == b';')?;
    let (name, rest) = (&inner[..end], &inner[end + 1..]);
    let of_number = || {
        let number = name.strip_prefix('#')?;
        let hex = number.strip_prefix(['x', 'X']);
        let code = hex.map_or_else(|| number.parse(), |hex| u32::from_str_radix(hex, 16)).ok()?;
        char::from_u32(code).map(|c| if c == '\u{a0}' { ' ' } else { c })
    };
    let named = ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c);
    Some((named.or_else(of_number)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_lines_stay() {
        for (html, text) in [
            ("words", "words"),
            ("a &amp; b&#32;&gt; &#x63;&nbsp;d &unknown; &", "a & b > c d &unknown; &"),
            ("one<br>\r\ntwo<BR/>three", "one\ntwo\nthree"),
            ("<div>one</div><div>two</div>", "\none\n\ntwo\n"),
            ("<pre>one\r\n  two</pre> <b>three</b>", "\none\n  two\nthree"),
            ("<head><style>p { a > b }</style></head>words", "words"),
            ("a<!-- <br> -->b<script>1 < 2</script>c", "abc"),
            ("open <br", "open \n"),
        ] {
            assert_eq!(html_text(html), text, "{html}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(html in ".{0,200}", odd in "[<>&;#x/!a-]{0,40}é") {
            html_text(&html);
            html_text(&odd);
        }
    }
}
