//! Recognises HTML in which every tag is known to be harmless to the rest of the message.
//!
//! The parser is strict: every `<` must begin a tag of one fixed form. So a mail program finds no tag here
//! that was not checked.

use super::colour::{Colour, Palette};
use super::style::{self, Look};
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
/// Elements whose attributes are applied to the surrounding page.
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
/// The attributes of those elements that do not change the page.
const PAGE_ATTRIBUTES: &[&str] = &["dir", "lang", "style"];
/// Elements without content and without an end tag.
const VOID: &[&str] = &["br", "col", "hr", "img", "meta"];
/// Elements whose end tag is optional.
const OPTIONAL: &[&str] =
    &["body", "colgroup", "dd", "dt", "html", "li", "p", "tbody", "td", "tfoot", "th", "thead", "tr"];
/// Elements whose content is not shown, so they must not contain text.
const UNSEEN: &[&str] = &["head", "title"];
const MAX_DEPTH: usize = 150;
const MAX_PX: u16 = 2000;
const ALIGNS: &[&str] = &["baseline", "bottom", "center", "justify", "left", "middle", "right", "top"];
/// Elements that float if they are aligned to a side.
const FLOATING: &[&str] = &["img", "table"];
/// Charsets that contain ASCII.
const CHARSETS: &[&str] = &["utf-8", "us-ascii", "iso-8859-", "windows-125", "koi8-"];

/// Whether nothing in the page can hide, cover or move the parts beside it, and all of its text is visible.
/// Hidden text is refused, because a member who quotes the page would sign words that were never shown.
pub(super) fn is_tame(html: &[u8], content_type: &ContentType) -> bool {
    let charset = content_type.parameter("charset").unwrap_or("us-ascii");
    if !is_plain_charset(charset) || html.iter().any(|b| b.is_ascii_control() && !b"\t\r\n".contains(b)) {
        return false;
    }
    let mut page = Page::default();
    page.read(html).is_some() && page.palette.is_readable()
}

/// The state of the parser.
#[derive(Default)]
struct Page {
    /// The open elements, the outermost first.
    open: Vec<(String, Look)>,
    palette: Palette,
}

/// A tag with its attributes, in lower case.
struct Tag {
    name: String,
    is_end: bool,
    attributes: Vec<(String, String)>,
}

impl Page {
    /// Parses the page. Returns `None` if anything is not known to be harmless, or the elements are not
    /// properly nested.
    fn read(&mut self, html: &[u8]) -> Option<()> {
        let mut rest = html;
        while let Some(at) = rest.iter().position(|b| *b == b'<') {
            self.words(&rest[..at])?;
            let (tag, behind) = tag(&rest[at + 1..])?;
            match tag {
                Some(tag) if tag.is_end => self.end(&tag.name)?,
                Some(tag) => self.begin(tag)?,
                None => {}
            }
            rest = behind;
        }
        self.words(rest)?;
        self.open.iter().all(|(name, _)| OPTIONAL.contains(&name.as_str())).then_some(())
    }

    fn words(&self, words: &[u8]) -> Option<()> {
        let is_unseen = self.open.last().is_some_and(|(name, _)| UNSEEN.contains(&name.as_str()));
        (!is_unseen || words.trim_ascii().is_empty()).then_some(())
    }

    fn begin(&mut self, tag: Tag) -> Option<()> {
        let (around, look) =
            self.open.last().map_or(("", Look::PLAIN), |(name, look)| (name.as_str(), *look));
        let fits = match around {
            "head" => ["meta", "title"].contains(&tag.name.as_str()),
            "title" => false,
            _ => self.open.len() < MAX_DEPTH,
        };
        let mut look = look.of(&tag.name);
        for (attribute, value) in &tag.attributes {
            apply_attribute(&tag.name, attribute, value, &mut look, &mut self.palette)?;
        }
        if !VOID.contains(&tag.name.as_str()) {
            self.open.push((tag.name, look));
        }
        (fits && look.is_seen()).then_some(())
    }

    fn end(&mut self, name: &str) -> Option<()> {
        while let Some((open, _)) = self.open.pop() {
            if open == name {
                return Some(());
            }
            OPTIONAL.contains(&open.as_str()).then_some(())?;
        }
        None
    }
}

fn is_plain_charset(charset: &str) -> bool {
    let charset = charset.trim().to_ascii_lowercase();
    CHARSETS.iter().any(|plain| charset.strip_prefix(plain).is_some_and(|rest| rest.len() <= 2))
}

/// Parses one tag of a known element and returns the rest of the page. For a document type there is no tag.
/// Returns `None` for anything else.
fn tag(html: &[u8]) -> Option<(Option<Tag>, &[u8])> {
    let (is_end, html) = match html.strip_prefix(b"/") {
        Some(html) => (true, html),
        None => (false, html),
    };
    if let Some(rest) = html.strip_prefix(b"!").filter(|_| !is_end) {
        return doctype(rest).map(|behind| (None, behind));
    }
    let (name, mut rest) = word(html);
    if !ELEMENTS.contains(&name.as_str()) {
        return None;
    }
    let mut attributes = Vec::new();
    loop {
        let behind = rest.trim_ascii_start();
        let behind = behind.strip_prefix(b"/").unwrap_or(behind);
        if let Some(behind) = behind.strip_prefix(b">") {
            return Some((Some(Tag { name, is_end, attributes }), behind));
        }
        if is_end || behind.len() == rest.len() {
            return None;
        }
        let (attribute, value, behind) = attribute(behind)?;
        attributes.push((attribute, value));
        rest = behind;
    }
}

/// Parses a document type without parameters.
fn doctype(html: &[u8]) -> Option<&[u8]> {
    let (name, rest) = word(html);
    let end = rest.iter().position(|b| b"<>[".contains(b))?;
    (name == "doctype" && rest[end] == b'>').then(|| &rest[end + 1..])
}

/// Letters, digits and hyphens, in lower case, and the rest.
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

/// Applies an attribute to the look of its element. Returns `None` if the attribute is not known to be
/// harmless.
fn apply_attribute(
    element: &str,
    attribute: &str,
    value: &str,
    look: &mut Look,
    palette: &mut Palette,
) -> Option<()> {
    let is_page = PAGE.contains(&element);
    let known = if is_page { PAGE_ATTRIBUTES } else { ATTRIBUTES };
    known.contains(&attribute).then_some(())?;
    let is_harmless = match attribute {
        "style" if is_page => style::is_mild(value),
        "style" => return look.declare(value, palette),
        "color" => return Colour::read(value).map(|colour| palette.text(colour)),
        "bgcolor" => return Colour::read(value).map(|colour| palette.ground(colour)),
        "size" if element == "font" => return look.font(value),
        "dir" => !is_page || value == "auto" || value == "ltr",
        "http-equiv" => value == "content-type",
        "charset" => is_plain_charset(value),
        "content" => value.split_once("charset=").is_none_or(|(_, charset)| is_plain_charset(charset)),
        "width" | "height" => is_length(value),
        "border" | "cellpadding" | "cellspacing" | "hspace" | "size" | "vspace" => is_count(value, 100),
        "cols" | "colspan" | "rows" | "rowspan" | "start" => is_count(value, 1000),
        "align" => {
            ALIGNS.contains(&value) && (!FLOATING.contains(&element) || !["left", "right"].contains(&value))
        }
        // Thunderbird hides elements of this class.
        "class" => !value.contains("citetags") && !value.contains('&'),
        // Only some programs show these values, so they may be names but not sentences.
        "alt" | "summary" | "title" => {
            !value.contains(|c: char| c.is_whitespace() || c == '&') && value.len() <= 100
        }
        _ => true,
    };
    is_harmless.then_some(())
}

fn is_count(value: &str, most: u16) -> bool {
    value.bytes().all(|b| b.is_ascii_digit())
        && (value.is_empty() || value.parse::<u16>().is_ok_and(|count| count <= most))
}

/// Whether the value is a number of pixels or a percentage.
fn is_length(value: &str) -> bool {
    match value.strip_suffix('%') {
        Some(share) => is_count(share, 100),
        None => is_count(value.strip_suffix("px").unwrap_or(value), MAX_PX),
    }
}
