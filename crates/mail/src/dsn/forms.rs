//! Recognises reports that are written only for people. A form is a phrase that such servers print when they
//! have given up.
//!
//! A report about a delay is not a failure. Reports in the languages below are recognised as delays; in all
//! other languages a delay has none of the phrases.

use super::DeliveryReport;

/// How much of the text is read. The report stands at the top, and the returned message follows.
pub(super) const MAX_OCTETS: usize = 16 * 1024;

/// Phrases, in lower case, after which the returned message begins.
const RETURNED: &[&str] = &[
    "below this line is a copy",
    "this is a copy of the message",
    "this is a copy of your message",
    "copy of your message, including",
    "original message follows",
    "original message -----",
    "original message ----",
    "unsent message follows",
    "unsent message below",
    "returned message follows",
    "the following message was",
    "message header follows",
    "message headers follow",
    "\nreturn-path: <",
    "\nreceived: from ",
    "\nreceived: by ",
];

/// Phrases, in lower case, that say that the server still tries.
const LATE: &[&str] = &[
    "warning message only",
    "will be retried",
    "will retry",
    "will keep trying",
    "will continue to be made",
    "will continue to try",
    "delivery attempts will continue",
    "still trying",
    "still being retried",
    "no action is required on your part",
    "has not yet been delivered",
    "not been able to deliver your message yet",
    "do not need to resend",
    "don't need to resend",
    "just a warning",
    "temporarily deferred",
    "is delayed",
    "was delayed",
    "been delayed",
    "'ll keep trying",
    "not been delivered yet",
    "still has not been delivered",
    "only a warning",
    "a warning only",
    // German, French, Spanish and Portuguese, Italian, Dutch, Swedish, Danish and Norwegian, Polish, Russian,
    // Japanese, Chinese.
    "verzögert",
    "verzögerung",
    "noch nicht zugestellt",
    "retardé",
    "été différé",
    "retrasad",
    "demorad",
    "atrasad",
    "ritardo",
    "ritardat",
    "vertraagd",
    "vertraging",
    "fördröj",
    "försen",
    "forsink",
    "opóźni",
    "задерж",
    "отложен",
    "遅延",
    "遅れて",
    "延迟",
    "延遲",
];

/// Subjects of reports about delays. Reports about failures are recognised by their text.
const LATE_SUBJECTS: &[&str] = &[
    "(delay)",
    "delayed",
    "still being retried",
    "status notification: warning",
    "could not send mail for past",
    "could not send message for past",
];

/// Subjects of servers that have given up.
const FAILED_SUBJECTS: &[&str] = &[
    "undeliver",
    "returned mail",
    "returned to sender",
    "returning to sender",
    "returning message to sender",
    "failure notice",
    "(failure)",
    "delivery failure",
    "delivery failed",
    "delivery has failed",
    "failure delivery",
    "failed delivery",
    "mail failure",
    "mail system error",
    "status notification: error",
];

/// Phrases that neither people nor vacation programs write. They count whoever is named in From.
const UNMISTAKABLE: &[&str] =
    &["this is the qmail-send program", "could not be delivered to: <", "could not be delivered to mobile"];

/// Phrases that say that the server has given up.
const FAILED: &[&str] = &[
    "this is a permanent error",
    "undeliverable",
    "permanent failure",
    "permanent fatal errors",
    "delivery failed",
    "delivery has failed",
    "failed permanently",
    "delivery failure",
    "delivery error",
    "returned to sender",
    "returning message to sender",
    "returned mail",
    "could not be delivered",
    "couldn't be delivered",
    "cannot be delivered",
    "can not be delivered",
    "can't be delivered",
    "was not delivered",
    "were not delivered",
    "was undeliverable",
    "did not reach",
    "could not deliver",
    "couldn't deliver",
    "unable to deliver",
    "wasn't able to deliver",
    "was not able to deliver",
    "was aborted after",
    "i've given up",
    "user unknown",
    "unknown user",
    "unknown to us",
    "no such user",
    "user does not exist",
    "mailbox not found",
    "host unknown",
    "mail system error",
];

/// Whether the text is certainly a report of a failure, even if the header does not look like a server's.
pub(super) fn is_unmistakable(text: &str) -> bool {
    let text = flat(text);
    has(&text, UNMISTAKABLE) && !has(&text, LATE)
}

/// Judges the text of a report that a server wrote.
pub(super) fn judge(subject: &str, text: &str) -> DeliveryReport {
    let text = flat(text);
    let subject = subject.to_lowercase();
    if has(&subject, LATE_SUBJECTS) || has(&subject, LATE) || has(&text, LATE) {
        return DeliveryReport::Delayed;
    }
    if has(&subject, FAILED_SUBJECTS) || has(&text, FAILED) || has_permanent_code(&text) {
        return DeliveryReport::Failed;
    }
    DeliveryReport::Other
}

fn has(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| text.contains(phrase))
}

/// The text before the returned message, in lower case, with single blanks and without quoted lines.
fn flat(text: &str) -> String {
    let mut end = text.len().min(MAX_OCTETS);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let lower = text[..end].to_lowercase().replace("\r\n", "\n").replace('\r', "\n").replace('\u{2019}', "'");
    let end = RETURNED.iter().filter_map(|mark| lower.find(mark)).min().unwrap_or(lower.len());
    let own = lower[..end].lines().filter(|line| !line.starts_with("> "));
    own.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// Whether the text has a reply code 5xx or a status 5.x.x ([RFC 3463]) as a separate word.
fn has_permanent_code(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    text.split(|c: char| !is_word(c)).map(|word| word.trim_end_matches(['.', '-'])).any(|word| {
        let numbers: Vec<&str> = word.split('.').collect();
        let digits =
            |number: &&str| (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        match numbers.as_slice() {
            ["5", class, detail] => digits(class) && digits(detail),
            [code] => code.len() == 3 && code.starts_with("55") && digits(code),
            _ => false,
        }
    })
}
