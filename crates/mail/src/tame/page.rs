//! HTML of which every tag is known to keep to its own place.
//!
//! The reading is strict: each `<` begins a tag of one form. So a mail program finds no tag here that was not looked at.

use crate::content_type::ContentType;

const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "hr",
    "html",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "meta",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
];
/// Their attributes are taken over by the page around them.
const PAGE: &[&str] = &["html", "head", "body"];
const ATTRIBUTES: &[&str] = &[
    "align",
    "alt",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "charset",
    "cite",
    "class",
    "color",
    "cols",
    "colspan",
    "content",
    "data-smartmail",
    "dir",
    "face",
    "height",
    "href",
    "hspace",
    "http-equiv",
    "id",
    "lang",
    "moz-do-not-send",
    "name",
    "noshade",
    "nowrap",
    "rel",
    "rows",
    "rowspan",
    "size",
    "src",
    "start",
    "style",
    "summary",
    "target",
    "title",
    "type",
    "valign",
    "vspace",
    "width",
    "wrap",
];
/// Those of the attributes that do nothing to a page.
const PAGE_ATTRIBUTES: &[&str] = &["dir", "lang", "style"];
/// Style that changes how an element looks, and never where it stands.
const STYLES: &[&str] = &[
    "background-color",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "text-align",
    "text-decoration",
    "white-space",
];
/// Style of the room around an element. It is never negative, so that the element keeps to its own place.
const ROOM: &[&str] = &[
    "border",
    "border-color",
    "border-left",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
];
/// Style of how lines are broken. A page may have it, too.
const BREAKS: &[&str] =
    &["-webkit-line-break", "-webkit-nbsp-mode", "line-break", "overflow-wrap", "word-break", "word-wrap"];
/// In these, the octets of ASCII are ASCII.
const CHARSETS: &[&str] = &["utf-8", "us-ascii", "iso-8859-", "windows-125", "koi8-"];

/// Whether nothing in the page can hide, cover or move what a mail program shows beside it.
pub(super) fn is_tame(html: &[u8], content_type: &ContentType) -> bool {
    let charset = content_type.parameter("charset").unwrap_or("us-ascii");
    if !is_plain_charset(charset) || html.iter().any(|b| b.is_ascii_control() && !b"\t\r\n".contains(b)) {
        return false;
    }
    let mut rest = html;
    while let Some(at) = rest.iter().position(|b| *b == b'<') {
        match tag(&rest[at + 1..]) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    true
}

fn is_plain_charset(charset: &str) -> bool {
    let charset = charset.trim().to_ascii_lowercase();
    CHARSETS.iter().any(|plain| charset.strip_prefix(plain).is_some_and(|rest| rest.len() <= 2))
}

/// What stands behind a tag that is tame; `None` if it is not.
fn tag(html: &[u8]) -> Option<&[u8]> {
    let (is_end, html) = match html.strip_prefix(b"/") {
        Some(html) => (true, html),
        None => (false, html),
    };
    if let Some(rest) = html.strip_prefix(b"!").filter(|_| !is_end) {
        return doctype(rest);
    }
    let (name, mut rest) = word(html);
    if !ELEMENTS.contains(&name.as_str()) {
        return None;
    }
    loop {
        let behind = rest.trim_ascii_start();
        let behind = behind.strip_prefix(b"/").unwrap_or(behind);
        if let Some(behind) = behind.strip_prefix(b">") {
            return Some(behind);
        }
        if is_end || behind.len() == rest.len() {
            return None;
        }
        let (attribute, value, behind) = attribute(behind)?;
        if !is_allowed(&name, &attribute, &value) {
            return None;
        }
        rest = behind;
    }
}

/// A document type without anything in it.
fn doctype(html: &[u8]) -> Option<&[u8]> {
    let (name, rest) = word(html);
    let end = rest.iter().position(|b| b"<>[".contains(b))?;
    (name == "doctype" && rest[end] == b'>').then(|| &rest[end + 1..])
}

/// Letters, digits and hyphens, in lower case.
fn word(html: &[u8]) -> (String, &[u8]) {
    let end = html.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'-').unwrap_or(html.len());
    (String::from_utf8_lossy(&html[..end]).to_ascii_lowercase(), &html[end..])
}

fn attribute(html: &[u8]) -> Option<(String, String, &[u8])> {
    let (name, rest) = word(html);
    let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") else {
        return Some((name, String::new(), rest));
    };
    let value = value.trim_ascii_start();
    let (value, rest) = match value.first()? {
        quote @ (b'"' | b'\'') => {
            let end = value[1..].iter().position(|b| b == quote)?;
            (&value[1..=end], &value[end + 2..])
        }
        _ => {
            let end = value.iter().position(|b| b.is_ascii_whitespace() || *b == b'>')?;
            (&value[..end], &value[end..])
        }
    };
    let is_clean = !value.iter().any(|b| b"<>".contains(b));
    is_clean.then(|| (name, String::from_utf8_lossy(value).to_ascii_lowercase(), rest))
}

fn is_allowed(element: &str, attribute: &str, value: &str) -> bool {
    let is_page = PAGE.contains(&element);
    let known = if is_page { PAGE_ATTRIBUTES } else { ATTRIBUTES };
    known.contains(&attribute)
        && match attribute {
            "style" => is_mild(value, is_page),
            "dir" => !is_page || value == "auto" || value == "ltr",
            "http-equiv" => value == "content-type",
            "charset" => is_plain_charset(value),
            "content" => value.split_once("charset=").is_none_or(|(_, charset)| is_plain_charset(charset)),
            _ => true,
        }
}

/// Whether each declaration is one of those, with a value of one form. Escapes, comments, functions and negative numbers have
/// no place in it.
fn is_mild(style: &str, is_page: bool) -> bool {
    let declarations = style.split(';').map(str::trim).filter(|declaration| !declaration.is_empty());
    declarations.into_iter().all(|declaration| {
        let Some((name, value)) = declaration.split_once(':') else { return false };
        let name = name.trim_end();
        let known = BREAKS.contains(&name) || (!is_page && STYLES.contains(&name));
        let of_form = |b: u8| b.is_ascii_alphanumeric() || b" #%.,-'\"".contains(&b);
        let is_room = !is_page && ROOM.contains(&name) && !value.contains('-');
        (known || is_room) && value.bytes().all(of_form)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: bool) {
        assert_eq!(
            is_tame(html.as_bytes(), &ContentType::read(b"text/html; charset=utf-8")),
            expected,
            "{html}"
        );
    }

    #[test]
    fn what_mail_programs_write_is_tame() {
        check("", true);
        check("words &lt;b&gt; &amp; more > less", true);
        check(
            "<!DOCTYPE html><html><head><meta http-equiv=\"content-type\" content=\"text/html; charset=UTF-8\"></head>\r\n<body><p>Grüße<br></p><blockquote type=\"cite\" cite=\"mid:1@x.example\"><pre class=\"moz-quote-pre\" wrap=\"\">x</pre></blockquote></body></html>",
            true,
        );
        check("<html><head></head><body dir=\"auto\">x<div></div></body></html>", true);
        check(
            "<div dir=\"ltr\">Hi <b>all</b><br/><img src='cid:1@x' alt=\"a b\" width=10 height=20></div>",
            true,
        );
        check(
            "<body style=\"overflow-wrap: break-word; -webkit-nbsp-mode: space; line-break: after-white-space;\">x",
            true,
        );
        check(
            "<span style='color: #ff0000; font-size:12px; font-family: \"Arial\", sans-serif'>x</span>",
            true,
        );
        check(
            "<blockquote style=\"margin: 0px 0px 0px 0.8ex; border-left: 1px solid #ccc; padding-left:1ex\">x</blockquote>",
            true,
        );
        check(
            "<p style='margin-left: 40px; white-space: pre-wrap'><a moz-do-not-send=\"true\" href=\"https://x.example\">x</a></p>",
            true,
        );
        check(
            "<a href=\"https://x.example/?a=1&amp;b=2#c\" target=_blank>x</a><hr><font color=red size=+1>x</font>",
            true,
        );
    }

    #[test]
    fn what_reaches_further_is_not() {
        for html in [
            "<style>.moz-text-plain{display:none}</style>",
            "<STYLE/>x",
            "<link rel=stylesheet href=data:text/css,*%7Bdisplay:none%7D>",
            "<div style='position:absolute;top:0'>x</div>",
            "<div style='margin-top:-500px'>x</div>",
            "<div style='padding:0;margin:0 0 -9em'>x</div>",
            "<body style='margin:0'>",
            "<div style='display:none'>",
            "<div style='c\\6flor:red'>",
            "<div style='color:red/**/;position:fixed'>",
            "<div style='color:red&#59;position:fixed'>",
            "<div style='color:red;font-size:500px;line-height:0'>",
            "<div style='transform:translate(0,-9em)'>",
            "<div style='background-color:white;float:left'>",
            "<body text=white bgcolor=white>",
            "<body style='color:white'>",
            "<body hidden>",
            "<html hidden>",
            "<html dir=rtl>",
            "<body class=x>",
            "<br clear-x>",
            "<div hidden>",
            "<dialog open>x</dialog>",
            "<svg overflow=visible><rect y=-1000 height=1000 width=1000 /></svg>",
            "<math><mpadded voffset=200px>x</mpadded></math>",
            "<iframe srcdoc=x></iframe>",
            "<base href=https://x.example/>",
            "<meta http-equiv=refresh content=0>",
            "<meta charset=utf-7>",
            "<meta http-equiv=content-type content='text/html; charset=iso-2022-jp'>",
            "<marquee behavior=alternate>x",
            "<textarea>",
            "<plaintext>",
            "<!-- x -->",
            "<![CDATA[x]]>",
            "<?xml x?>",
            "<!doctype html [<style>]>",
            "<p title='<style>'>",
            "<p title=\"x",
            "<p",
            "<p\x0bstyle=x>",
            "<p style=x",
            "</p style='display:none'>",
            "<p/style='position:fixed'>",
            "< style>",
            "a < b",
            "<x-y>",
            "\0",
            "\x1b$B",
        ] {
            check(html, false);
        }
        for charset in ["utf-7", "utf-16", "iso-2022-jp", "x", "utf-8-x-y", "hz-gb-2312"] {
            let content_type = ContentType::read(format!("text/html; charset={charset}").as_bytes());
            assert!(!is_tame(b"x", &content_type), "{charset}");
        }
    }
}
