//! Reads delivery reports ([RFC 3464] and the forms of servers that do not follow it): did a recipient fail
//! permanently?
//!
//! A message counts as a report only if it says so itself. Other automatic mail (a vacation notice, a
//! receipt, a complaint), unreadable mail, and mail that people write is never a failure. `Auto-Submitted`
//! alone decides nothing, because Exim's failure reports carry `auto-replied`, as vacation notices do.

use std::borrow::Cow;

mod fields;
mod forms;
mod parts;
#[cfg(test)]
mod tests;

use crate::address::Address;
use crate::entity::Entity;
use crate::headers::Headers;

use parts::{ReportPart, parts};

/// The most Message-IDs that are read from the returned message.
const MAX_IDS: usize = 8;

/// What a message at a bounce address says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryReport {
    /// The recipient did not get the message and will not get it.
    Failed,
    /// The server will try again.
    Delayed,
    /// Something else.
    #[default]
    Other,
}

/// What was read from a message at a bounce address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BounceReading {
    /// What it says.
    pub report: DeliveryReport,
    /// Whether a server wrote it, so that nobody answers it: any kind of report, or another automatic answer.
    pub automatic: bool,
    /// The recipients that failed, as the report names them. The report may be forged.
    pub failed: Vec<Address>,
    /// The status of the first recipient that failed ([RFC 3463]). Empty if the report has none.
    pub status: String,
    /// The Message-IDs of the returned message, with their brackets. They may be forged.
    pub returned: Vec<String>,
}

/// Reads a message that came to a bounce address. `sender` is the envelope sender; `None` is the null sender.
pub fn read(sender: Option<&Address>, message: &[u8]) -> BounceReading {
    let root = Entity::parse(message);
    let (headers, body) = (root.headers.clone(), root.body);
    let parts = parts(root);
    let daemon = is_daemon(sender, &headers) || (sender.is_none() && forms::is_unmistakable(&words(&parts)));
    let automatic =
        daemon || sender.is_none() || !parts.report_types.is_empty() || answers_by_itself(&headers);
    let Judged { report, failed, status } = judge(&headers, daemon, &parts);
    let returned = if report == DeliveryReport::Failed { message_ids(body) } else { Vec::new() };
    BounceReading { report, automatic, failed, status, returned }
}

#[derive(Default)]
struct Judged {
    report: DeliveryReport,
    failed: Vec<Address>,
    status: String,
}

fn judge(headers: &Headers, daemon: bool, parts: &parts::ReportParts<'_>) -> Judged {
    let another = |kind: &String| !kind.is_empty() && kind != "delivery-status";
    if parts.report_types.iter().any(another) || parts.leaves.iter().any(is_other_report) {
        return Judged::default();
    }
    let status = parts.leaves.iter().filter(|leaf| is_status(leaf) && (leaf.in_report || daemon));
    let mut groups: Vec<_> = status.flat_map(|leaf| fields::groups(&decoded(leaf))).collect();
    if groups.is_empty() && daemon {
        // If a gateway took the parts apart, the fields are in the text.
        let text = words(parts);
        if text.to_ascii_lowercase().contains("\nfinal-recipient:") {
            groups = fields::groups(text.as_bytes());
        }
        if groups.is_empty() {
            let subject = headers.text("subject").unwrap_or_default();
            return Judged { report: forms::judge(&subject, &text), ..Judged::default() };
        }
    }
    let (failed, others): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|group| group.report == DeliveryReport::Failed);
    match failed.first() {
        Some(first) => Judged {
            report: DeliveryReport::Failed,
            status: first.status.clone(),
            failed: failed.iter().flat_map(|group| group.recipients.clone()).collect(),
        },
        None if others.iter().any(|group| group.report == DeliveryReport::Delayed) => {
            Judged { report: DeliveryReport::Delayed, ..Judged::default() }
        }
        None => Judged::default(),
    }
}

fn is_status(leaf: &ReportPart<'_>) -> bool {
    leaf.content_type.is("message", "delivery-status")
        || leaf.content_type.is("message", "global-delivery-status")
}

/// Receipts ([RFC 8098]) and complaints ([RFC 5965]).
fn is_other_report(leaf: &ReportPart<'_>) -> bool {
    ["disposition-notification", "global-disposition-notification", "feedback-report"]
        .iter()
        .any(|kind| leaf.content_type.is("message", kind))
}

fn decoded<'a>(leaf: &ReportPart<'a>) -> Cow<'a, [u8]> {
    leaf.entity.decoded_body().unwrap_or(Cow::Borrowed(leaf.entity.body))
}

/// The texts of the report for people: those before the returned message.
fn words(parts: &parts::ReportParts<'_>) -> String {
    let mut text = String::from("\n");
    for leaf in &parts.leaves {
        match leaf.content_type.kind() {
            "text" if leaf.content_type.subtype() == "rfc822-headers" => break,
            "text" => {
                text.push_str(&String::from_utf8_lossy(&decoded(leaf)));
                text.push('\n');
            }
            "message" if is_status(leaf) => {}
            "message" => break,
            "multipart" => text.push_str(&String::from_utf8_lossy(leaf.entity.body)),
            _ => {}
        }
        if text.len() > forms::MAX_OCTETS {
            break;
        }
    }
    text
}

/// Names that mail servers use in From and in envelope senders.
const DAEMONS: &[&str] = &[
    "mailer-daemon",
    "mailer_daemon",
    "mailerdaemon",
    "mail-daemon",
    "mailer daemon",
    "postmaster",
    "post_master",
    "mail delivery s",
    "mail deliver system",
    "mail.delivery.system",
];

/// Whether a mail server wrote the message: the envelope sender is null or belongs to a server, and From
/// names no person.
fn is_daemon(sender: Option<&Address>, headers: &Headers) -> bool {
    let known = |text: &str| DAEMONS.iter().any(|name| text.to_lowercase().contains(name));
    if sender.is_some_and(|sender| !known(sender.local())) {
        return false;
    }
    let mut froms = headers.all("from").peekable();
    let nobody = froms.peek().is_none();
    nobody || froms.all(|from| matches!(from.decoded().trim(), "" | "<>") || known(&from.decoded()))
}

fn answers_by_itself(headers: &Headers) -> bool {
    let value = |name: &str| headers.text(name).map(|value| value.trim().to_ascii_lowercase());
    value("auto-submitted").is_some_and(|value| !value.starts_with("no"))
        || value("precedence").is_some_and(|value| matches!(value.as_str(), "auto_reply" | "bulk" | "junk"))
        || headers.count("x-autoreply") > 0
        || headers.count("x-autorespond") > 0
        || headers.count("x-auto-response-suppress") > 0
}

/// The Message-IDs in lines that look like a Message-ID field.
fn message_ids(body: &[u8]) -> Vec<String> {
    let lines = body.split(|octet| *octet == b'\n');
    let mut continued = false;
    let mut ids = Vec::new();
    for line in lines {
        let text = String::from_utf8_lossy(&line[..line.len().min(1000)]);
        let text = text.trim();
        let is_field = text.get(..11).is_some_and(|name| name.eq_ignore_ascii_case("message-id:"));
        let value = if is_field { text.get(11..) } else { continued.then_some(text) };
        continued = is_field && text.len() == 11;
        let id = value.and_then(|value| value.trim().strip_prefix('<')?.split_once('>'));
        ids.extend(id.map(|(id, _)| format!("<{id}>")));
        if ids.len() == MAX_IDS {
            break;
        }
    }
    ids
}
