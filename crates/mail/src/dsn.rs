//! Delivery reports ([RFC 3464]): whether a recipient failed for good. Whom it is about is told by the address to
//! which it came, which only the list can make; what the report says of addresses is not believed.

use crate::entity::Entity;
use crate::headers::Headers;
use crate::multipart::split;

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// The recipient got nothing and will get nothing.
    Failed,
    /// Something else: it is late, or it was delivered.
    Other,
}

/// Reads a message that came as a report. One without fields for programs counts as a failure: servers that write such
/// ones seldom write anything else, unless its Subject speaks of a delay.
pub fn report(message: &[u8]) -> Report {
    let root = Entity::parse(message);
    let actions = actions(&root);
    if actions.is_empty() {
        let subject = root.headers.text("subject").unwrap_or_default().to_lowercase();
        let late =
            ["delay", "warning", "will retry", "still trying"].iter().any(|word| subject.contains(word));
        return if late { Report::Other } else { Report::Failed };
    }
    if actions.iter().any(|action| action == "failed") { Report::Failed } else { Report::Other }
}

/// The Action fields of the groups behind the first ([RFC 3464, section 2.3.3]).
fn actions(root: &Entity<'_>) -> Vec<String> {
    let content_type = root.content_type();
    if !content_type.is("multipart", "report") {
        return Vec::new();
    }
    let parts = content_type.parameter("boundary").and_then(|boundary| split(root.body, boundary).ok());
    let status = parts.into_iter().flatten().map(Entity::parse).find(|part| {
        let kind = part.content_type();
        kind.is("message", "delivery-status") || kind.is("message", "global-delivery-status")
    });
    let Some(fields) = status.and_then(|part| part.decoded_body()) else { return Vec::new() };
    let text = String::from_utf8_lossy(&fields).replace("\r\n", "\n");
    let groups = text.split("\n\n").map(|group| format!("{}\n\n", group.trim_start()));
    let actions = groups.filter_map(|group| Headers::parse(group.as_bytes()).0.text("action"));
    actions.map(|action| action.trim().to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mail: &str, expected: Report) {
        assert_eq!(report(mail.replace('\n', "\r\n").as_bytes()), expected, "{mail}");
    }

    fn dsn(action: &str) -> String {
        format!(
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nWords.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@x.example\nAction: {action}\nStatus: 5.1.1\n--b--\n"
        )
    }

    #[test]
    fn a_report_says_whether_it_is_over() {
        check(&dsn("failed"), Report::Failed);
        check(&dsn("Failed "), Report::Failed);
        check(&dsn("delayed"), Report::Other);
        check(&dsn("delivered"), Report::Other);
        check("Subject: Undelivered mail\n\nSorry.\n", Report::Failed);
        check("Subject: Warning: message delayed 4 hours\n\nSorry.\n", Report::Other);
    }
}
