//! The parts of a report, read leniently: servers write reports with boundaries that stand at other lines too, and what
//! came through a gateway is cut off or wrapped. Nothing here decides what a reader sees, so leniency is safe.

use crate::content_type::ContentType;
use crate::entity::Entity;

/// Multiparts inside each other.
const MAX_DEPTH: usize = 6;
/// Parts that are looked at.
const MAX_PARTS: usize = 64;

/// One part that holds no others, or a message that came back.
pub(super) struct ReportPart<'a> {
    pub(super) content_type: ContentType,
    pub(super) entity: Entity<'a>,
    /// Whether a multipart/report holds it.
    pub(super) in_report: bool,
}

/// What the tree of a message holds.
#[derive(Default)]
pub(super) struct ReportParts<'a> {
    /// In their order.
    pub(super) leaves: Vec<ReportPart<'a>>,
    /// The `report-type` of each multipart/report, in lower case ([RFC 6522, section 3]); empty if there is none.
    pub(super) report_types: Vec<String>,
}

/// Walks the tree. Messages that came back are leaves: what stands in them is not the report's.
pub(super) fn parts<'a>(root: Entity<'a>) -> ReportParts<'a> {
    let mut parts = ReportParts::default();
    walk(root, false, 0, &mut parts);
    parts
}

fn walk<'a>(entity: Entity<'a>, in_report: bool, depth: usize, parts: &mut ReportParts<'a>) {
    if parts.leaves.len() >= MAX_PARTS {
        return;
    }
    let content_type = entity.content_type();
    let boundary = content_type.parameter("boundary").filter(|_| content_type.kind() == "multipart");
    let boundary = boundary.filter(|boundary| depth < MAX_DEPTH && !boundary.is_empty());
    let is_report = content_type.is("multipart", "report");
    if is_report {
        let kind = content_type.parameter("report-type").unwrap_or_default();
        parts.report_types.push(kind.trim().to_ascii_lowercase());
    }
    let multipart = content_type.clone();
    let inner = boundary.map(|boundary| split(entity.body, boundary)).unwrap_or_default();
    if inner.is_empty() {
        parts.leaves.push(ReportPart { content_type, entity, in_report });
        return;
    }
    for part in inner {
        walk(Entity::part_of(&multipart, part), in_report || is_report, depth + 1, parts);
    }
}

/// The parts between lines that are exactly the delimiter. One that never ends lasts to the end of the body.
fn split<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let (mut parts, mut begun, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let rest = line.strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary.as_bytes()));
        let last = match rest.map(<[u8]>::trim_ascii_end) {
            Some(b"") => Some(false),
            Some(b"--") => Some(true),
            _ => None,
        };
        if let Some(last) = last {
            parts.extend(begun.map(|begun| &body[begun..at]));
            begun = (!last).then_some(at + line.len());
        }
        at += line.len();
    }
    parts.extend(begun.map(|begun| &body[begun..]));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &[&str]) {
        let parts = split(body.as_bytes(), "b");
        let seen: Vec<&str> = parts.iter().map(|part| std::str::from_utf8(part).unwrap()).collect();
        assert_eq!(seen, expected, "{body:?}");
    }

    #[test]
    fn parts_are_found_in_what_is_cut_off() {
        check("x\n--b\n1\n--b \n2\n--b--\ny", &["1\n", "2\n"]);
        check("--b\n1\n--b\n2", &["1\n", "2"]);
        check("--b\n1\n--bc\n2\n--b", &["1\n--bc\n2\n", ""]);
        check("x", &[]);
        check("", &[]);
    }
}
