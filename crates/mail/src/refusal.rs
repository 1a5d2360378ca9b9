//! Finds out what a refusal concerns ([RFC 5321], [RFC 3463]): the recipient, the message, or the route.

/// The SMTP command at which the next hop refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SmtpStage {
    /// At MAIL or earlier.
    Sender,
    /// At RCPT.
    Recipient,
    /// At DATA, or after the content.
    Content,
}

/// What a refusal concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// The address, or the mailbox behind it.
    Recipient,
    /// The message or its content. Other recipients would be refused, too.
    Message,
    /// Servers, routes or protocols. The refusal says nothing about the recipient.
    Route,
}

/// Rows of the beginning of a status (without its class), the stages, and the concern. The first row that
/// matches decides.
const BY_STATUS: &[(&str, &[SmtpStage], Concern)] = {
    use Concern::{Message, Recipient, Route};
    use SmtpStage::{Content, Recipient as AtRecipient, Sender};
    &[
        ("", &[Sender], Route),
        // This status concerns the sender's address.
        (".1.7", &[AtRecipient, Content], Route),
        (".1.8", &[AtRecipient, Content], Route),
        (".1.", &[AtRecipient, Content], Recipient),
        // The message is longer than this mailbox accepts.
        (".2.3", &[AtRecipient, Content], Message),
        (".2.", &[AtRecipient, Content], Recipient),
        (".3.4", &[AtRecipient, Content], Message),
        (".5.", &[AtRecipient], Route),
        (".6.", &[AtRecipient, Content], Message),
        (".7.", &[AtRecipient, Content], Message),
        ("", &[AtRecipient], Recipient),
        ("", &[Content], Message),
    ]
};

/// Reply codes that, without a status, say nothing about the recipient: unknown commands and parameters, and
/// a required login.
const OF_PROTOCOL: &[&str] =
    &["421", "454", "455", "500", "501", "502", "503", "504", "521", "530", "535", "538", "555"];

/// Statuses for a mailbox that does not exist. They concern one recipient, even if many recipients are
/// refused alike.
const NO_SUCH_MAILBOX: &[&str] = &["5.1.1", "5.1.10"];

/// A refusal, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopRefusal {
    /// What the refusal concerns.
    pub concern: Concern,
    /// The status, or the reply code if there is no status. Refusals of the same kind are counted together.
    pub kind: String,
}

impl HopRefusal {
    /// Parses a reply such as `550 5.1.1 No such user` to a command of that stage.
    pub fn read(stage: SmtpStage, reply: &str) -> Self {
        let mut words = reply.split_whitespace();
        let code = words.next().unwrap_or_default();
        // Some servers repeat the status at the beginning of each line of a reply.
        let status =
            words.next().map(|word| word.trim_end_matches([':', ',', ';'])).filter(|word| is_status(word));
        let concern = match status {
            None if stage == SmtpStage::Recipient && OF_PROTOCOL.contains(&code) => Concern::Route,
            status => of_status(stage, status.unwrap_or_default()),
        };
        Self { concern, kind: status.unwrap_or(code).to_owned() }
    }

    /// Whether the reply says that the mailbox does not exist. Such a refusal counts even if other recipients
    /// fail alike.
    pub fn is_no_such_mailbox(&self) -> bool {
        Self::is_no_such_mailbox_status(&self.kind)
    }

    /// Like [`HopRefusal::is_no_such_mailbox`], for a status alone.
    pub fn is_no_such_mailbox_status(status: &str) -> bool {
        NO_SUCH_MAILBOX.contains(&status)
    }
}

fn of_status(stage: SmtpStage, status: &str) -> Concern {
    let detail = status.get(1..).unwrap_or_default();
    let fits = |(start, stages, _): &&(&str, &[SmtpStage], Concern)| {
        // `.1.7` must not match `.1.70`.
        let same = if start.ends_with('.') || start.is_empty() {
            detail.starts_with(start)
        } else {
            detail == *start
        };
        same && stages.contains(&stage)
    };
    BY_STATUS.iter().find(fits).map_or(Concern::Route, |(_, _, concern)| *concern)
}

/// `class.subject.detail` ([RFC 3463, section 2]).
fn is_status(word: &str) -> bool {
    let numbers: Vec<&str> = word.split('.').collect();
    let digits =
        |number: &&str| (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    numbers.len() == 3 && matches!(numbers[0], "4" | "5") && numbers.iter().all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Concern::{Message, Recipient, Route};

    /// The expected concerns of a reply at MAIL, at RCPT and at the content.
    fn check(reply: &str, expected: [Concern; 3]) {
        let seen = [SmtpStage::Sender, SmtpStage::Recipient, SmtpStage::Content]
            .map(|stage| HopRefusal::read(stage, reply).concern);
        assert_eq!(seen, expected, "{reply}");
    }

    #[test]
    fn a_refusal_counts_against_whom_it_concerns() {
        for status in [
            "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.0", "5.2.1", "5.2.2", "4.2.2",
            "4.1.1",
        ] {
            check(&format!("550 {status} words"), [Route, Recipient, Recipient]);
            check(&format!("554 {status}: words"), [Route, Recipient, Recipient]);
        }
        for status in
            ["5.2.3", "5.3.4", "5.6.0", "5.6.1", "5.6.7", "5.7.0", "5.7.1", "5.7.26", "4.7.1", "4.3.4"]
        {
            check(&format!("550 {status} words"), [Route, Message, Message]);
        }
        for status in ["5.1.7", "5.1.8"] {
            check(&format!("553 {status} bad sender"), [Route, Route, Route]);
        }
        check("550 5.1.70 words", [Route, Recipient, Recipient]);
        check("554 5.5.1 no valid recipients", [Route, Route, Message]);
        check("550 5.0.0 words", [Route, Recipient, Message]);
        check("554 5.4.1 words", [Route, Recipient, Message]);
        check("550 no such user", [Route, Recipient, Message]);
        check("550", [Route, Recipient, Message]);
        check("551 moved", [Route, Recipient, Message]);
        check("554 spam", [Route, Recipient, Message]);
        check("552 too large", [Route, Recipient, Message]);
        check("450 try later", [Route, Recipient, Message]);
        check("550 10.0.0.1 is listed", [Route, Recipient, Message]);
        for code in ["421", "500", "501", "502", "503", "530", "555"] {
            check(&format!("{code} words"), [Route, Route, Message]);
        }
        check("the connection broke", [Route, Recipient, Message]);
    }

    #[test]
    fn refusals_are_alike_by_status_or_code() {
        let kind = |reply: &str| HopRefusal::read(SmtpStage::Recipient, reply).kind;
        assert_eq!(kind("550 5.1.1 one"), kind("550 5.1.1 two\n5.1.1 three"));
        assert_eq!(kind("550 one"), "550");
        assert!(HopRefusal::read(SmtpStage::Recipient, "550 5.1.1 x").is_no_such_mailbox());
        assert!(!HopRefusal::read(SmtpStage::Recipient, "550 5.1.2 x").is_no_such_mailbox());
        assert!(!HopRefusal::read(SmtpStage::Recipient, "550 x").is_no_such_mailbox());
    }
}
