//! Replaces parts that could change how the rest of a message is shown.
//!
//! Mail programs show all parts of a message on one page. Style sheets, positions and attributes of the body
//! in one part then change the other parts: they hide them, cover them, or move over them. Thunderbird does
//! this for HTML anywhere in a message, even in an attached message.
//!
//! So a part is kept only if everything in it is known to be harmless ("tame"). Every other part becomes a
//! file. It never becomes text, because words that the page hides from its author would then be shown as the
//! author's words.

mod colour;
mod page;
#[cfg(test)]
mod page_tests;
mod style;

use std::borrow::Cow;

use crate::compose::Part;
use crate::content_type::ContentType;
use crate::entity::Entity;
use crate::multipart::split;
use crate::visible::is_misleading;

const MAX_DEPTH: usize = 8;
/// The most parts that are examined.
const MAX_PARTS: usize = 100;

/// Subtypes of `text` that mail programs show literally. They render others, such as `text/enriched`, as a
/// page.
const TEXTS: &[&str] = &[
    "csv",
    "markdown",
    "plain",
    "tab-separated-values",
    "x-c",
    "x-csrc",
    "x-diff",
    "x-log",
    "x-markdown",
    "x-patch",
    "x-python",
    "x-rust",
    "x-sh",
    "x-shellscript",
    "x-tex",
];
/// Types that mail programs show as pictures or not at all.
const KINDS: &[&str] = &["application", "audio", "font", "image", "model", "video"];
/// Subtypes of `application` that mail programs open in place, whatever they contain.
const OPENED: &[&str] = &["pkcs7-mime", "x-pkcs7-mime", "mac-binhex40", "ms-tnef", "vnd.ms-tnef"];
/// Subtypes of `message` that consist of fields.
const FIELDS: &[&str] = &["delivery-status", "disposition-notification", "feedback-report"];
/// File name endings that mail programs treat as messages or pages.
const ENDINGS: &[&str] = &[".eml", ".msg", ".htm", ".mht", ".xht", ".shtm", ".p7m", ".hqx", ".uue"];

/// The entity with harmful HTML, and with parts that may contain it, turned into files. Returns `None` if
/// nothing has to change. The octets of all other parts stay.
pub fn tamed(entity: &[u8]) -> Option<Vec<u8>> {
    match tame(&Entity::parse(entity), entity, 0, &mut MAX_PARTS.clone()) {
        Cow::Borrowed(_) => None,
        Cow::Owned(tamed) => Some(tamed),
    }
}

/// Like [`tamed`], for a message; its other header fields stay. A signature on a changed part is removed,
/// because it no longer verifies.
pub fn tamed_message(message: &[u8]) -> Option<Vec<u8>> {
    let entity = Entity::parse(message);
    let mut whole = Vec::with_capacity(message.len());
    let mut content = Vec::with_capacity(message.len());
    entity.content_headers().write_to(&mut content);
    content.extend_from_slice(b"\r\n");
    content.extend_from_slice(entity.body);
    let tame = tamed(&content)?;
    let mut headers = entity.headers.clone();
    headers.remove_where(|field| field.name().to_ascii_lowercase().starts_with("content-"));
    headers.write_to(&mut whole);
    whole.extend_from_slice(without_signature(&tame));
    Some(whole)
}

/// The signed part of a multipart/signed; everything else unchanged.
fn without_signature(octets: &[u8]) -> &[u8] {
    let entity = Entity::parse(octets);
    let content_type = entity.content_type();
    let Some(boundary) =
        content_type.parameter("boundary").filter(|_| content_type.is("multipart", "signed"))
    else {
        return octets;
    };
    let body = octets.len() - entity.body.len();
    split(&octets[body..], boundary).ok().and_then(|parts| parts.first().copied()).unwrap_or(octets)
}

/// `octets` are the octets of `entity`.
fn tame<'a>(entity: &Entity<'a>, octets: &'a [u8], depth: usize, left: &mut usize) -> Cow<'a, [u8]> {
    let content_type = entity.content_type();
    let Some(less) = left.checked_sub(1) else { return file(entity) };
    *left = less;
    if depth > MAX_DEPTH || content_type.is_ambiguous() || !entity.has_one_reading() {
        return file(entity);
    }
    if content_type.kind() == "multipart" {
        return container(octets, entity, &content_type, depth, left);
    }
    let is_tame = match (content_type.kind(), content_type.subtype()) {
        ("message", "rfc822") => is_tame_message(entity, depth, left),
        _ if has_ending(entity) => false,
        ("message", subtype) => FIELDS.contains(&subtype) && is_list_of_fields(entity),
        ("text", "html") => entity.decoded_body().is_some_and(|body| page::is_tame(&body, &content_type)),
        ("text", subtype) => TEXTS.contains(&subtype) && is_tame_text(entity),
        ("application", subtype) => !OPENED.contains(&subtype) && !is_markup(subtype),
        (kind, subtype) => KINDS.contains(&kind) && !is_markup(subtype),
    };
    if is_tame { Cow::Borrowed(octets) } else { file(entity) }
}

fn is_tame_message(entity: &Entity<'_>, depth: usize, left: &mut usize) -> bool {
    let message = Entity::parse(entity.body);
    entity.has_bare_parts()
        && message.has_whole_header(entity.body)
        && matches!(tame(&message, entity.body, depth + 1, left), Cow::Borrowed(_))
}

/// Whether no field declares a type. Some programs take each block of fields for a message.
fn is_list_of_fields(entity: &Entity<'_>) -> bool {
    entity.has_bare_parts() && !entity.body.to_ascii_lowercase().windows(8).any(|word| word == b"content-")
}

/// Whether the text is harmless. Thunderbird searches text without a declared type for encoded files.
fn is_tame_text(entity: &Entity<'_>) -> bool {
    entity.headers.count("content-type") > 0 || entity.decoded_body().is_some_and(|body| !holds_file(&body))
}

/// Whether the subtype is `xml`, `x+xml`, or a kind of HTML. Office documents have `xml` in the middle.
fn is_markup(subtype: &str) -> bool {
    subtype.ends_with("xml") || subtype.contains("html")
}

/// The same multipart with each of its parts made tame.
fn container<'a>(
    octets: &'a [u8],
    entity: &Entity<'_>,
    content_type: &ContentType,
    depth: usize,
    left: &mut usize,
) -> Cow<'a, [u8]> {
    let boundary = content_type.parameter("boundary").filter(|_| entity.has_bare_parts());
    let body = octets.len() - entity.body.len();
    let Some(parts) = boundary.and_then(|boundary| split(&octets[body..], boundary).ok()) else {
        return file(entity);
    };
    let (mut tamed, mut done) = (Vec::new(), 0);
    for part in parts {
        let inner = Entity::part_of(content_type, part);
        if let Cow::Owned(part_tamed) = tame(&inner, part, depth + 1, left) {
            let at = part.as_ptr().addr() - octets.as_ptr().addr();
            tamed.extend_from_slice(&octets[done..at]);
            tamed.extend_from_slice(&part_tamed);
            done = at + part.len();
        }
    }
    if done == 0 {
        return Cow::Borrowed(octets);
    }
    tamed.extend_from_slice(&octets[done..]);
    Cow::Owned(tamed)
}

/// The part as a file that no mail program opens in place.
fn file(entity: &Entity<'_>) -> Cow<'static, [u8]> {
    let body = entity.decoded_body().unwrap_or(Cow::Borrowed(entity.body));
    Cow::Owned(Part::attachment("attachment.bin", "application/octet-stream", &body).into_bytes())
}

/// Whether a file name of the part, in any form, has one of the endings.
fn has_ending(entity: &Entity<'_>) -> bool {
    let mut names = Vec::new();
    for (field, before) in [("content-type", ""), ("content-disposition", "x/")] {
        let Some(text) = entity.headers.text(field) else { continue };
        let parsed = ContentType::read(format!("{before}{text}").as_bytes());
        names.extend(
            ["name", "filename"].iter().filter_map(|name| parsed.parameter(name)).map(str::to_lowercase),
        );
        names.push(text.to_lowercase());
    }
    // Programs drop characters that file systems do not accept.
    let seen = |name: &String| name.replace(|c: char| c.is_whitespace() || is_misleading(c), "");
    names.iter().map(seen).any(|name| ENDINGS.iter().any(|ending| name.contains(ending)))
}

/// Whether a line begins an encoded file: uuencode with an octal mode and a name, or yEnc.
fn holds_file(text: &[u8]) -> bool {
    let is_mode = |line: &[u8]| {
        let digits = line.iter().take_while(|b| (b'0'..=b'7').contains(*b)).count();
        digits >= 3 && line.get(digits) == Some(&b' ')
    };
    let begins = |line: &[u8]| {
        line.strip_prefix(b"begin ").map(<[u8]>::trim_ascii_start).is_some_and(is_mode)
            || line.starts_with(b"=ybegin")
    };
    text.split(|octet| *octet == b'\n' || *octet == b'\r').any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: &str = "<style>*{display:none}</style><p>Words</p>";

    fn mixed(kind: &str, parts: &[&str]) -> String {
        let parts: String = parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect();
        format!("Content-Type: multipart/{kind}; boundary=b\r\n\r\n{parts}--b--\r\n")
    }

    fn page(html: &str) -> String {
        format!("Content-Type: text/html; charset=utf-8\r\n\r\n{html}")
    }

    fn typed(kind: &str, body: &str) -> String {
        format!("Content-Type: {kind}\r\n\r\n{body}")
    }

    /// Parts in which programs find a page, or which they turn into one.
    #[test]
    fn no_type_brings_a_page_anywhere() {
        let message = format!("Subject: x\r\n{}", page(STYLE));
        let fields = format!("Action: failed\r\n\r\n{}", page(STYLE));
        let types = [
            (
                "message",
                "rfc822 RFC822 news global x-foo http sip partial external-body global-headers",
                &message,
            ),
            (
                "message",
                "delivery-status disposition-notification feedback-report global-delivery-status",
                &fields,
            ),
            (
                "text",
                "html xml x-html html2 enriched richtext x-vcard vcard calendar rtf sgml css x-foo",
                &message,
            ),
            ("text", "html", &STYLE.to_owned()),
            ("application", "xml xhtml+xml x-html vnd.wap.xhtml+xml atom+xml pkcs7-mime ms-tnef", &message),
            ("image", "svg+xml svg-xml x-xml", &message),
            ("x-foo", "html xml bar", &message),
        ];
        let mut parts: Vec<String> = Vec::new();
        for (kind, subtypes, body) in types {
            for subtype in subtypes.split(' ') {
                let part = typed(&format!("{kind}/{subtype}"), body);
                parts.push(part.replacen("\r\n", "; name=x\r\nContent-Disposition: attachment\r\n", 1));
                parts.push(part);
            }
        }
        parts.extend(["html", "", "text", "text/", "message/rfc822 x"].map(|odd| typed(odd, &message)));
        parts.push(typed("application/octet-stream; name=\"a.ht\tml\"", &message));
        parts.push(typed("application/octet-stream; name=\"a.ht\u{ad}ml\"", &message));
        for part in &parts {
            check_positions(part);
        }
        let untyped = [format!("\r\n{message}"), format!("Content-Disposition: inline\r\n\r\n{message}")];
        for part in untyped {
            let digest = mixed("digest", &[&part]);
            check_positions(&digest.replace("--b", "--d").replace("=b", "=d"));
            check_gone(&digest);
            check_gone(&mixed("digest", &[&format!("\r\nSubject: x\r\n{digest}")]));
        }
    }

    fn check_positions(part: &str) {
        check_gone(part);
        for kind in ["mixed", "alternative", "related", "digest", "x-foo", "signed"] {
            check_gone(&mixed(kind, &["Content-Type: text/plain\r\n\r\nhello", part]));
        }
        let message = format!("Subject: x\r\n{part}");
        check_gone(&mixed("mixed", &[&typed("message/rfc822", &message)]));
        check_gone(&mixed("digest", &[&format!("\r\n{message}")]));
    }

    fn check_gone(entity: &str) {
        let tame = tamed(entity.as_bytes()).unwrap_or_else(|| panic!("{entity}"));
        let text = String::from_utf8_lossy(&tame);
        assert!(!text.contains("<style") && !text.contains("text/html"), "{entity}\n{text}");
        assert_eq!(tamed(&tame), None, "{text}");
    }

    #[test]
    fn a_message_begins_with_a_header_alone() {
        for (message, expected) in [
            ("Subject: x\r\n\r\nwords", true),
            ("Subject: x\r\n y\r\nTo: a@x.example\r\n\r\nwords", true),
            ("Words.", false),
            ("Words.\r\n\r\nwords", false),
            ("Subject: x\r\nWords.\r\n\r\nwords", false),
            ("Subject: x\r\nTwo words: x\r\n\r\nwords", false),
            ("Subject: x", false),
        ] {
            for part in [mixed("digest", &[&format!("\r\n{message}")]), typed("message/rfc822", message)] {
                assert_eq!(tamed(part.as_bytes()).is_none(), expected, "{part}");
            }
        }
    }

    #[test]
    fn what_is_tame_stays_as_it_is() {
        let plain = "Content-Type: text/plain; charset=utf-8\r\n\r\n<style>x</style>";
        let message = format!("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n{plain}");
        let pdf =
            "Content-Type: application/pdf; name=x.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA";
        let key = "Content-Type: application/pgp-keys; name=\"OpenPGP_0x1.asc\"\r\n\r\nx";
        for entity in [
            "\r\nwords".to_owned(),
            "\r\nWe\r\nbegin at nine o'clock.\r\nbegin 7 or\r\nbegin\r\n".to_owned(),
            plain.to_owned(),
            page("<p>Words</p>"),
            mixed("alternative", &[plain, &page("<p>Words</p>")]),
            mixed("mixed", &[plain, pdf, key, &message]),
            mixed("digest", &[&format!("\r\nSubject: x\r\n{plain}")]),
            mixed("digest", &[plain]),
            mixed("mixed", &[&message.replacen("\r\n", "; name=\"message-1.eml\"\r\n", 1)]),
            typed("message/delivery-status", "Reporting-MTA: dns; x.example\r\n\r\nAction: failed"),
            typed("text/x-patch", "+<style>"),
            typed("image/png", "x"),
            typed("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "x"),
        ] {
            assert_eq!(tamed(entity.as_bytes()), None, "{entity}");
        }
    }

    #[test]
    fn what_acts_on_other_parts_becomes_a_file() {
        let wild = page(STYLE);
        let message = |kind: &str| format!("Content-Type: {kind}\r\n\r\nSubject: x\r\n{wild}");
        let encoded = |encoding: &str, body: &str| {
            format!("Content-Type: text/html\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}")
        };
        let inner = mixed("mixed", &[&wild]).replace("--b", "--c").replace("=b", "=c");
        for part in [
            wild.clone(),
            wild.to_uppercase(),
            encoded("base64", "PHN0eWxlPip7ZGlzcGxheTpub25lfTwvc3R5bGU+V29yZHM="),
            encoded("quoted-printable", "=3Cstyle>*{display:none}</style>Words"),
            encoded("x-other", STYLE),
            message("message/rfc822"),
            message("message/rfc822\r\nContent-Disposition: attachment"),
            message("message/rfc822\r\nContent-Transfer-Encoding: base64"),
            message("message/partial; id=1"),
            message("application/octet-stream; name=x.eml"),
            message("application/octet-stream; name*=us-ascii''x%2eeml"),
            message("application/octet-stream; name*0=x.e; name*1=ml"),
            message("application/octet-stream; name=\"=?utf-8?q?x=2Eeml?=\""),
            message("application/octet-stream\r\nContent-Disposition: attachment; filename=X.EML"),
            message("application/octet-stream\r\nContent-Disposition: inline; filename*=utf-8''x%2Ehtml"),
            message("application/pkcs7-mime; smime-type=signed-data"),
            message("application/xhtml+xml"),
            wild.replacen("Content-Type:", "Content-Type: text/plain\r\nContent-Type:", 1),
            inner.clone(),
            inner.replace("--c--", "--c"),
            inner.replacen("boundary=c", "boundary=d; boundary=c", 1),
            inner.replacen("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1),
            "Content-Type: text/html; charset=utf-7\r\n\r\n+ADw-style+AD4-".to_owned(),
            "\r\nbegin 644 x.html\r\n#AAAA\r\nend\r\n".to_owned(),
        ] {
            let whole = mixed("alternative", &["\r\nhello", &part]);
            for entity in [&part, &whole] {
                let tame = tamed(entity.as_bytes()).unwrap_or_else(|| panic!("{entity}"));
                let text = String::from_utf8_lossy(&tame).to_lowercase();
                let left =
                    ["<style", "text/html", "rfc822", ".eml"].iter().find(|word| text.contains(**word));
                assert_eq!(left, None, "{entity}\n{text}");
                assert_eq!(tamed(&tame), None, "{text}");
            }
            let whole = tamed(whole.as_bytes()).unwrap();
            assert!(String::from_utf8(whole).unwrap().contains("\r\nhello\r\n"), "the other part stays");
        }
        let hidden = page("<p>Friday.</p><div style='display:none'>I resign.</div>");
        let text = String::from_utf8(tamed(hidden.as_bytes()).unwrap()).unwrap();
        assert!(
            text.contains("attachment.bin") && !text.contains("resign") && !text.contains("text/"),
            "{text}"
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_what_is_tamed_is_tame(
            entity in "(Content-Type: (text/html|multipart/x; boundary=b|message/rfc822)\r\n){0,2}\r\n(--b\r\n|\r\n|<style>|x|é){0,9}(--b--)?"
        ) {
            if let Some(tame) = tamed(entity.as_bytes()) {
                proptest::prop_assert_eq!(tamed(&tame), None);
            }
        }
    }
}
