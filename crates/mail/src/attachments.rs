//! The files of a message, for people to look at: their names, types and sizes.

use serde::{Deserialize, Serialize};

use crate::content_type::ContentType;
use crate::entity::Entity;
use crate::multipart::split;
use crate::visible::one_line;

/// The most files that are listed. Mail that people write has fewer.
const MAX_FILES: usize = 50;
const MAX_PARTS: usize = 200;
const MAX_DEPTH: usize = 8;
/// Characters of a file name.
const MAX_NAME: usize = 100;

/// A file in a message. The author wrote all of it, so that nothing here says what the octets are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedFile {
    /// The name on one line; empty if the part has none.
    pub file_name: String,
    /// `type/subtype` in lower case; `application/octet-stream` where the field has two readings.
    pub media_type: String,
    /// Octets as they travel, so with the transfer encoding.
    pub octets: u64,
}

/// The files of a message in order: each leaf that has a name or is no text, at most 50. The search ends at
/// 200 parts and at a depth of 8.
pub fn attachments(root: &Entity<'_>) -> Vec<AttachedFile> {
    let mut search = FileSearch { parts: 0, files: Vec::new() };
    search.walk(root, 0);
    search.files
}

struct FileSearch {
    parts: usize,
    files: Vec<AttachedFile>,
}

impl FileSearch {
    fn walk(&mut self, entity: &Entity<'_>, depth: usize) {
        self.parts += 1;
        if self.parts > MAX_PARTS || depth > MAX_DEPTH || self.files.len() == MAX_FILES {
            return;
        }
        let content_type = entity.content_type();
        let parts = match (content_type.kind(), content_type.parameter("boundary")) {
            ("multipart", Some(boundary)) => split(entity.body, boundary).ok(),
            _ => None,
        };
        match parts {
            Some(parts) => {
                parts.iter().for_each(|part| self.walk(&Entity::part_of(&content_type, part), depth + 1));
            }
            None => self.files.extend(file(entity, &content_type)),
        }
    }
}

/// The leaf as a file, unless it is a text without a name, or a multipart that has no parts.
fn file(entity: &Entity<'_>, content_type: &ContentType) -> Option<AttachedFile> {
    let disposition = entity.headers.text("content-disposition").unwrap_or_default();
    // A disposition has parameters in the same syntax as a type ([RFC 2183]).
    let disposition = ContentType::parse(&format!("x/{disposition}"));
    let name = disposition.as_ref().and_then(|d| d.parameter("filename")).or(content_type.parameter("name"));
    let is_file = name.is_some() || !["text", "multipart"].contains(&content_type.kind());
    if !is_file {
        return None;
    }
    let media_type = match content_type.is_ambiguous() {
        true => "application/octet-stream".to_owned(),
        false => format!("{}/{}", content_type.kind(), content_type.subtype()),
    };
    let file_name = one_line(name.unwrap_or_default()).chars().take(MAX_NAME).collect();
    Some(AttachedFile { file_name, media_type, octets: entity.body.len() as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_with_names_types_and_sizes() {
        fn check(message: &str, expected: &[(&str, &str, u64)]) {
            let message = message.replace('\n', "\r\n");
            let found = attachments(&Entity::parse(message.as_bytes()));
            let found: Vec<(&str, &str, u64)> =
                found.iter().map(|file| (&file.file_name[..], &file.media_type[..], file.octets)).collect();
            assert_eq!(found, expected, "{message}");
        }
        check("Subject: x\n\nwords", &[]);
        check("Content-Type: text/html\n\n<p>", &[]);
        check("Content-Type: text/plain; name=a.txt\n\nabc", &[("a.txt", "text/plain", 3)]);
        check("Content-Type: IMAGE/PNG\n\nabc", &[("", "image/png", 3)]);
        check(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nwords\n--b\nContent-Type: application/pdf\n\
             Content-Disposition: attachment; filename=\"r \u{202e}fdp.pdf\"\n\nabcd\n--b\n\
             Content-Type: multipart/alternative; boundary=c\n\n--c\n\nx\n--c\n\
             Content-Disposition: attachment; filename=b.bin\n\nab\n--c--\n--b--\n",
            &[("r fdp.pdf", "application/pdf", 4), ("b.bin", "text/plain", 2)],
        );
        let many = "--b\nContent-Type: image/png\n\nx\n".repeat(300);
        let many =
            format!("Content-Type: multipart/mixed; boundary=b\n\n{many}--b--\n").replace('\n', "\r\n");
        assert_eq!(attachments(&Entity::parse(many.as_bytes())).len(), MAX_FILES);
        let behind = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}--b\nContent-Type: image/png\n\nx\n--b--\n",
            "--b\n\nx\n".repeat(MAX_PARTS),
        );
        check(&behind, &[]);
        let named = "n".repeat(MAX_NAME + 1);
        let shown = &named[..MAX_NAME];
        check(&format!("Content-Type: image/png; name={named}\n\nx"), &[(shown, "image/png", 1)]);
        let deep = (0..20).rev().fold("Content-Type: image/png\n\nx".to_owned(), |inner, depth| {
            format!("Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n{inner}\n--b{depth}--\n")
        });
        check(&deep, &[]);
    }
}
