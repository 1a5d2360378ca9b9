//! Answers two questions from the header and envelope of a message: is it an answer to our mail, and may it
//! be answered?
//!
//! Only answers are set aside. Mail that a program sends by itself (a build server, a monitor, an issue
//! tracker) is a post like any other, but it is never answered, because nobody reads the answer ([RFC 3834,
//! sections 2 and 5]).

use crate::address::Address;
use crate::content_type::ContentType;
use crate::dsn;
use crate::headers::Headers;

/// More Received fields than this mean a loop ([RFC 5321, section 6.3]).
const MAX_RECEIVED: usize = 50;
/// The most Message-IDs that are read from In-Reply-To and References.
const MAX_IDS: usize = 100;

/// The envelope sender of a message ([RFC 5321, section 4.1.1.2]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvelopeSender {
    /// `<>`: the message must not be answered.
    Null,
    /// An address.
    Known(Address),
    /// The value is not an address that we accept, for instance one with an address literal.
    Unreadable,
}

impl EnvelopeSender {
    /// Reads an envelope sender as it stands between its brackets.
    pub fn read(path: &str) -> Self {
        match path.trim() {
            "" => Self::Null,
            path => path.parse().map_or(Self::Unreadable, Self::Known),
        }
    }

    /// The address, if there is one.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Known(address) => Some(address),
            Self::Null | Self::Unreadable => None,
        }
    }
}

/// What kind of message it is, judged before its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageOrigin {
    /// A person or program wrote it by itself, not as an automatic answer.
    Message,
    /// A delivery report. It is read at `-bounces` and never opened or posted ([RFC 3464]).
    Bounce,
    /// An automatic answer ([RFC 3834]), a receipt ([RFC 8098]), or a complaint ([RFC 5965]).
    AutoReply,
    /// This list sent it.
    OwnLoop,
    /// It passed too many servers.
    TooManyHops,
}

/// Whether the sender of a message may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerable {
    /// The header gives no sign that a program wrote it.
    Yes,
    /// A program wrote it, or it must not be answered. It is not read for commands either.
    Never,
}

/// Classifies a message. `posting` is the address of the list, `list_id` its identifier.
pub fn classify(
    sender: &EnvelopeSender,
    headers: &Headers,
    message: &[u8],
    posting: &Address,
    list_id: &str,
) -> MessageOrigin {
    if is_own(headers, posting, list_id) {
        return MessageOrigin::OwnLoop;
    }
    if headers.count("received") > MAX_RECEIVED {
        return MessageOrigin::TooManyHops;
    }
    let null = *sender == EnvelopeSender::Null;
    match report(headers).as_deref() {
        Some("delivery-status") => return MessageOrigin::Bounce,
        Some("disposition-notification" | "feedback-report") => return MessageOrigin::AutoReply,
        Some("") if null || is_daemon(sender) => return MessageOrigin::Bounce,
        _ => {}
    }
    let answers = headers.all("auto-submitted").any(|field| keyword(&field.decoded()) == "auto-replied")
        || ["x-autoreply", "x-autorespond"].into_iter().any(|name| says_yes(headers, name));
    if is_daemon(sender) || null && dsn::read(None, message).report != dsn::DeliveryReport::Other {
        MessageOrigin::Bounce
    } else if answers {
        MessageOrigin::AutoReply
    } else {
        MessageOrigin::Message
    }
}

/// Whether the sender may be answered.
pub fn answerable(sender: &EnvelopeSender, headers: &Headers) -> Answerable {
    let by_a_program = headers.all("auto-submitted").any(|field| keyword(&field.decoded()) != "no");
    let in_bulk = precedence(headers).is_some();
    let never = *sender == EnvelopeSender::Null
        || is_daemon(sender)
        || by_a_program
        || in_bulk
        || report(headers).is_some()
        || ["x-autoreply", "x-autorespond"].into_iter().any(|name| says_yes(headers, name));
    if never { Answerable::Never } else { Answerable::Yes }
}

/// The Message-IDs, with their brackets, that an old vacation program answers; empty if the message is not
/// such an answer. Such programs write a Precedence field but no Auto-Submitted, and refer to the message
/// that they answer.
pub fn answered_by_precedence(headers: &Headers) -> Vec<String> {
    let old = precedence(headers).is_some_and(|word| word != "list") && headers.count("auto-submitted") == 0;
    let fields = ["in-reply-to", "references"].into_iter().filter(|_| old).flat_map(|name| headers.all(name));
    let mut ids = Vec::new();
    for field in fields {
        let text = field.decoded();
        let words = text.split_whitespace().filter(|word| word.starts_with('<') && word.ends_with('>'));
        ids.extend(words.map(str::to_owned));
    }
    ids.truncate(MAX_IDS);
    ids
}

fn is_own(headers: &Headers, posting: &Address, list_id: &str) -> bool {
    let names_us = headers.all("x-loop").any(|f| f.decoded().parse::<Address>().as_ref() == Ok(posting));
    let id = format!("<{}>", list_id.to_lowercase());
    names_us || headers.all("list-id").any(|f| f.decoded().to_lowercase().ends_with(&id))
}

fn is_daemon(sender: &EnvelopeSender) -> bool {
    sender.address().is_some_and(|address| address.local().eq_ignore_ascii_case("mailer-daemon"))
}

/// The report type of the root, in lower case; empty if a report names none.
fn report(headers: &Headers) -> Option<String> {
    let content_type = ContentType::parse(&headers.text("content-type")?)?;
    let bare = ["disposition-notification", "feedback-report", "delivery-status"];
    if let Some(kind) = bare.into_iter().find(|kind| content_type.is("message", kind)) {
        return Some(kind.to_owned());
    }
    let kind = content_type.parameter("report-type").unwrap_or_default().trim().to_ascii_lowercase();
    content_type.is("multipart", "report").then_some(kind)
}

/// The Precedence in lower case, if it marks bulk mail.
fn precedence(headers: &Headers) -> Option<String> {
    let words = headers.all("precedence").map(|field| keyword(&field.decoded()));
    words.into_iter().find(|word| matches!(word.as_str(), "bulk" | "junk" | "list" | "auto_reply"))
}

fn says_yes(headers: &Headers, name: &str) -> bool {
    headers.all(name).any(|field| !matches!(keyword(&field.decoded()).as_str(), "no" | "false" | "0"))
}

/// The first word of a value in lower case, without comments and parameters ([RFC 3834, section 5]).
fn keyword(value: &str) -> String {
    let mut depth = 0_usize;
    let mut bare = String::new();
    for character in value.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => bare.push(character),
            _ => {}
        }
    }
    let word = bare.split(';').next().unwrap_or_default().split_whitespace().next().unwrap_or_default();
    word.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNE: &str = "<anne@x.example>";

    fn check(sender: &str, header: &str, expected: (MessageOrigin, Answerable)) {
        let message = format!("{header}\r\nwords\r\n");
        let (headers, _) = Headers::parse(message.as_bytes());
        let sender = EnvelopeSender::read(sender.trim_matches(['<', '>']));
        let posting = "team@lists.example".parse().unwrap();
        let origin = classify(&sender, &headers, message.as_bytes(), &posting, "team.lists.example");
        assert_eq!((origin, answerable(&sender, &headers)), expected, "{message}");
    }

    #[test]
    fn what_people_write_is_answered() {
        for header in [
            "Subject: hi\r\n",
            "Auto-Submitted: no\r\n",
            "Auto-Submitted: (not by a program (at all)) no\r\n",
            "Auto-Submitted: NO; owner=x\r\n",
            "X-Autoreply: no\r\n",
            "X-Auto-Response-Suppress: All\r\n",
            "Precedence: first-class\r\n",
            "List-Id: Others <b-team.lists.example>\r\n",
            "Content-Type: multipart/mixed; boundary=b\r\n",
        ] {
            check(ANNE, header, (MessageOrigin::Message, Answerable::Yes));
        }
        for sender in ["<anne@[127.0.0.1]>", "<anne@[IPv6:::1]>", "<\"a b\"@x.example>", "<root>"] {
            check(sender, "Subject: hi\r\n", (MessageOrigin::Message, Answerable::Yes));
        }
        check(ANNE, &"Received: x\r\n".repeat(50), (MessageOrigin::Message, Answerable::Yes));
    }

    #[test]
    fn what_programs_write_is_a_post_and_not_answered() {
        for header in [
            "Auto-Submitted: auto-generated\r\n",
            "Auto-Submitted: Auto-Generated (by cron); owner-token=1\r\n",
            "Auto-Submitted: auto-notified\r\n",
            "Auto-Submitted:\r\n",
            "Auto-Submitted: something-new\r\n",
            "Precedence: bulk\r\n",
            "Precedence: junk\r\n",
            "Precedence: list\r\n",
            "Precedence: auto_reply\r\n",
            "Content-Type: multipart/report; report-type=tlsrpt; boundary=b\r\n",
            "Content-Type: multipart/report; boundary=b\r\n",
        ] {
            check(ANNE, header, (MessageOrigin::Message, Answerable::Never));
        }
        check("<>", "Subject: hi\r\n", (MessageOrigin::Message, Answerable::Never));
        check("<>", "Auto-Submitted: auto-generated\r\n", (MessageOrigin::Message, Answerable::Never));
    }

    #[test]
    fn answers_are_put_aside() {
        for header in [
            "Auto-Submitted: auto-replied\r\n",
            "Auto-Submitted: Auto-Replied (vacation); x=y\r\n",
            "Auto-Submitted: (x) auto-replied\r\n",
            "X-Autoreply: yes\r\n",
            "X-Autorespond: Re: hi\r\n",
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n",
            "Content-Type: multipart/report; boundary=b; report-type=\"feedback-report\"\r\n",
            "Content-Type: message/disposition-notification\r\n",
        ] {
            for sender in [ANNE, "<>"] {
                check(sender, header, (MessageOrigin::AutoReply, Answerable::Never));
            }
        }
    }

    #[test]
    fn reports_are_bounces() {
        let status = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n";
        for sender in [ANNE, "<>", "<MAILER-DAEMON@x.example>"] {
            check(sender, status, (MessageOrigin::Bounce, Answerable::Never));
        }
        check(
            "<>",
            "Content-Type: multipart/report; boundary=b\r\n",
            (MessageOrigin::Bounce, Answerable::Never),
        );
        check("<MAILER-DAEMON@x.example>", "Subject: failed\r\n", (MessageOrigin::Bounce, Answerable::Never));
    }

    #[test]
    fn loops_end() {
        for header in ["X-Loop: Team@lists.example\r\n", "List-Id: The team <team.lists.example>\r\n"] {
            check(ANNE, header, (MessageOrigin::OwnLoop, Answerable::Yes));
        }
        check(ANNE, &"Received: x\r\n".repeat(51), (MessageOrigin::TooManyHops, Answerable::Yes));
    }

    #[test]
    fn an_unreadable_sender_is_not_the_null_sender() {
        assert_eq!(EnvelopeSender::read(""), EnvelopeSender::Null);
        let anne = EnvelopeSender::Known("anne@x.example".parse().unwrap());
        assert_eq!(EnvelopeSender::read("anne@x.example"), anne);
        for path in ["root", "anne@[127.0.0.1]", "> words", "<>", "<anne@x.example>"] {
            assert_eq!(EnvelopeSender::read(path), EnvelopeSender::Unreadable, "{path:?}");
        }
    }

    #[test]
    fn old_vacation_programs_name_what_they_answer() {
        let check = |header: &str, expected: &[&str]| {
            assert_eq!(answered_by_precedence(&Headers::parse(header.as_bytes()).0), expected, "{header}");
        };
        check(
            "Precedence: bulk\r\nIn-Reply-To: <1@x> (yours)\r\nReferences: <0@x>\r\n <1@x>\r\n",
            &["<1@x>", "<0@x>", "<1@x>"],
        );
        check("Precedence: junk\r\nIn-Reply-To: <1@x>\r\n", &["<1@x>"]);
        check("Precedence: auto_reply\r\nIn-Reply-To: <1@x>\r\n", &["<1@x>"]);
        check("Precedence: list\r\nIn-Reply-To: <1@x>\r\n", &[]);
        check("In-Reply-To: <1@x>\r\n", &[]);
        check("Precedence: bulk\r\n", &[]);
        check("Precedence: bulk\r\nAuto-Submitted: auto-generated\r\nIn-Reply-To: <1@x>\r\n", &[]);
    }
}
