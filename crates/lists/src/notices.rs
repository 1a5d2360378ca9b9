//! Notices: messages of a list to one person. Only notices about a held message, to people who may decide
//! about it, contain parts of a message.
//!
//! Notices come from `-request`, which is a user id of the list's key. They are marked as automatic ([RFC
//! 3834]) and show no Subject outside the encryption.

use sealist_mail::{Address, Field, Headers, Mailbox, Part, Timestamp};

use crate::model::{Channel, MailingList, SubAddress};
use crate::payload::{self, HIDDEN_SUBJECT, OuterLayer, Payload};
use crate::texts::NoticeText;

/// A notice and its recipient.
pub struct Notice<'a> {
    /// The list that sends the notice.
    pub list: &'a MailingList,
    /// The recipient.
    pub to: Mailbox,
    /// The text.
    pub notice: NoticeText,
    /// File name, media type and content of an attachment.
    pub attachment: Option<(String, &'static str, Vec<u8>)>,
    /// Attached messages: file name and octets.
    pub messages: Vec<(String, Vec<u8>)>,
    /// The address for answers. `None`: the owners.
    pub reply_to: Option<Address>,
}

/// Builds the notice. `entropy` must be fresh and random.
pub fn build(notice: Notice<'_>, channel: Channel, now: Timestamp, entropy: [u8; 16]) -> Payload {
    let name = &notice.list.name;
    let from = Mailbox { name: Some(notice.list.display_name()), address: name.address(SubAddress::Request) };
    let id: String = entropy.iter().map(|octet| format!("{octet:02x}")).collect();
    let reply_to = notice.reply_to.unwrap_or_else(|| name.address(SubAddress::Owner));
    let constant = |name, value: &str| Field::raw(name, value).expect("our own words have no line end");
    let headers: Headers = [
        Field::mailboxes("From", &[from]),
        Field::mailboxes("To", &[notice.to]),
        Field::text("Subject", &notice.notice.subject),
        constant("Date", &now.rfc5322()),
        constant("Message-ID", &format!("<{id}@{}>", name.mail_host())),
        Field::mailboxes("Reply-To", &[Mailbox { name: None, address: reply_to }]),
        constant("Auto-Submitted", "auto-generated"),
        constant("X-Loop", &name.posting().to_string()),
    ]
    .into_iter()
    .collect();
    let mut parts = vec![Part::text(&notice.notice.body).into_bytes()];
    parts.extend(
        notice.attachment.map(|(name, kind, bytes)| Part::attachment(&name, kind, &bytes).into_bytes()),
    );
    parts.extend(notice.messages.iter().map(|(name, bytes)| Part::message(name, bytes).into_bytes()));
    let mut outer = headers.clone();
    let layer = match channel {
        Channel::Open if signs(notice.list) => OuterLayer::Signed,
        Channel::Open => OuterLayer::Bare,
        Channel::Sealed => {
            outer.set(Field::text("Subject", HIDDEN_SUBJECT));
            OuterLayer::Encrypted
        }
    };
    payload::assemble(&headers, &outer, parts, layer, entropy)
}

fn signs(list: &MailingList) -> bool {
    list.settings.signs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ListNo;
    use crate::registry::Registry;
    use crate::texts::{Text, TextPlace, Texts, context};
    use expect_test::expect;

    fn notice(style: &str, channel: Channel) -> String {
        let list = MailingList {
            no: ListNo(1),
            name: "team@lists.example".parse().unwrap(),
            settings: Registry::built_in().styles.named(style).unwrap().settings(),
        };
        let notice = Texts::default().notice(
            Text::Shunted,
            &TextPlace::default(),
            context! { list => "Team", address => "team@lists.example", messages => vec!["x"], more => 0 },
        );
        let to = Mailbox { name: None, address: "anne@example.org".parse().unwrap() };
        let built = build(
            Notice { list: &list, to, notice, attachment: None, messages: Vec::new(), reply_to: None },
            channel,
            Timestamp(1_790_000_000_000),
            [7; 16],
        );
        String::from_utf8([built.outer, built.entity].concat()).unwrap().replace('\r', "")
    }

    #[test]
    fn an_open_notice_is_one_plain_part() {
        let text = notice("legacy-default", Channel::Open);
        let (head, _) = text.split_once("These messages").unwrap();
        expect![[r#"
            From: Team <team-request@lists.example>
            To: anne@example.org
            Subject: Team: messages could not be handled
            Date: Mon, 21 Sep 2026 14:13:20 +0000
            Message-ID: <07070707070707070707070707070707@lists.example>
            Reply-To: team-owner@lists.example
            Auto-Submitted: auto-generated
            X-Loop: team@lists.example
            Content-Type: text/plain; charset="utf-8"
            Content-Disposition: inline
            Content-Transfer-Encoding: 7bit

        "#]]
        .assert_eq(head);
    }

    #[test]
    fn a_sealed_notice_shows_no_subject_outside() {
        let text = notice("pgp-default", Channel::Sealed);
        let (outer, inner) = text.split_at(text.find("X-Loop").unwrap());
        assert!(outer.contains("Subject: [...]\n"));
        assert!(inner.contains("Subject: Team: messages could not be handled\n"));
    }
}
