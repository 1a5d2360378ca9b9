//! The machine-readable fields of a delivery report ([RFC 3464], [RFC 6533]).

use crate::address::Address;
use crate::encoded_word;
use crate::headers::Headers;

use super::DeliveryReport;

/// The most recipient groups that are read. Our copies have one recipient or a few, so a longer report is not
/// about them.
const MAX_GROUPS: usize = 100;

/// The part of a report about one recipient ([RFC 3464, section 2.3]).
pub(super) struct Group {
    pub(super) report: DeliveryReport,
    /// The final and the original recipient, if they are readable.
    pub(super) recipients: Vec<Address>,
    /// For instance `5.1.1`. Empty if the report has no status.
    pub(super) status: String,
}

/// The recipient groups that have an Action field.
pub(super) fn groups(fields: &[u8]) -> Vec<Group> {
    let text = String::from_utf8_lossy(fields).replace("\r\n", "\n").replace('\r', "\n");
    let mut groups: Vec<Group> = Vec::new();
    for block in text.split("\n\n").take(MAX_GROUPS) {
        // Some servers leave out the empty line between two recipients.
        let (mut one, mut seen) = (String::new(), false);
        for line in block.lines() {
            let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
            if name == "action" && seen {
                groups.extend(group(&std::mem::take(&mut one)));
            }
            seen |= name == "action";
            one.push_str(line);
            one.push('\n');
        }
        groups.extend(group(&one));
    }
    groups
}

fn group(block: &str) -> Option<Group> {
    let (fields, _) = Headers::parse(format!("{}\n\n", block.trim_start()).as_bytes());
    let value = |name: &str| fields.text(name).map(|value| plain(&value));
    let report = match value("action")?.as_str() {
        "failed" => DeliveryReport::Failed,
        // This value is not in the standard. The server has given up, unless the status says that it still
        // tries.
        "expired" if !value("status").is_some_and(|status| status.starts_with(['2', '4'])) => {
            DeliveryReport::Failed
        }
        "delayed" => DeliveryReport::Delayed,
        _ => DeliveryReport::Other,
    };
    let recipients = ["final-recipient", "original-recipient"].iter().filter_map(|name| {
        let value = fields.text(name)?;
        // For instance `rfc822; anne@example.org`.
        let address = value.split_once(';').map_or(value.as_str(), |(_, address)| address);
        without_comments(address).trim().trim_matches(['<', '>']).parse().ok()
    });
    let status = value("status").unwrap_or_default();
    Some(Group { report, recipients: recipients.collect(), status })
}

/// The first word in lower case, without comments.
fn plain(value: &str) -> String {
    let value = without_comments(&encoded_word::decode(value.as_bytes()));
    value.split_whitespace().next().unwrap_or_default().trim_end_matches([';', '.']).to_ascii_lowercase()
}

fn without_comments(value: &str) -> String {
    let mut depth = 0_usize;
    let mut keep = |letter: &char| {
        match letter {
            '(' => depth += 1,
            ')' => {
                let inside = depth > 0;
                depth = depth.saturating_sub(1);
                return !inside;
            }
            _ => {}
        }
        depth == 0
    };
    value.chars().filter(|letter| keep(letter)).collect()
}
