//! Splits a report into its parts, leniently. Some servers write reports with boundaries inside other lines,
//! and gateways cut reports off or wrap them. Nothing here decides what a recipient of a post sees, so
//! leniency is safe.

use crate::content_type::ContentType;
use crate::entity::Entity;

/// The deepest nesting of multiparts that is read.
const MAX_DEPTH: usize = 6;
/// The most parts that are read.
const MAX_PARTS: usize = 64;

/// A part without parts of its own, or the returned message.
pub(super) struct ReportPart<'a> {
    pub(super) content_type: ContentType,
    pub(super) entity: Entity<'a>,
    /// Whether the part is inside a multipart/report.
    pub(super) in_report: bool,
}

/// The parts of a message and the types of its reports.
#[derive(Default)]
pub(super) struct ReportParts<'a> {
    /// The leaves in order.
    pub(super) leaves: Vec<ReportPart<'a>>,
    /// The `report-type` of each multipart/report, in lower case ([RFC 6522, section 3]). Empty if a report
    /// has none.
    pub(super) report_types: Vec<String>,
}

/// Walks the tree. A returned message is a leaf, because its parts do not belong to the report.
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

/// The parts between lines that are exactly the delimiter. A part without a closing delimiter ends with the
/// body.
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
