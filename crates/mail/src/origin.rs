//! Who or what sent a message: a person, a machine, or ourselves.

use crate::address::Address;
use crate::content_type::ContentType;
use crate::headers::Headers;

/// More Received fields than that are a loop ([RFC 5321, section 6.3]).
const MAX_RECEIVED: usize = 50;

/// The kind of sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As far as the header tells, somebody wrote it.
    Person,
    /// A delivery report: to be read at `-bounces`, never to be opened or posted ([RFC 3464]).
    Bounce,
    /// An automatic answer ([RFC 3834]).
    AutoReply,
    /// This list sent it.
    OwnLoop,
    /// It has come through too many servers.
    TooManyHops,
}

/// Judges by the envelope sender (`None`: the null sender) and the outer header. `posting` is the address of
/// the list, `list_id` its identifier.
pub fn classify(sender: Option<&Address>, headers: &Headers, posting: &Address, list_id: &str) -> Origin {
    if is_own(headers, posting, list_id) {
        return Origin::OwnLoop;
    }
    if headers.count("received") > MAX_RECEIVED {
        return Origin::TooManyHops;
    }
    let report = headers
        .text("content-type")
        .and_then(|value| ContentType::parse(&value))
        .is_some_and(|t| t.is("multipart", "report"));
    let daemon = sender.is_some_and(|s| s.local().eq_ignore_ascii_case("mailer-daemon"));
    let automatic = automatic(headers);
    match (sender, report || daemon) {
        (_, true) => Origin::Bounce,
        (None, _) => {
            if automatic {
                Origin::AutoReply
            } else {
                Origin::Bounce
            }
        }
        (Some(_), false) if automatic => Origin::AutoReply,
        _ => Origin::Person,
    }
}

fn is_own(headers: &Headers, posting: &Address, list_id: &str) -> bool {
    let names_us = headers.all("x-loop").any(|f| f.decoded().parse::<Address>().as_ref() == Ok(posting));
    let id = format!("<{}>", list_id.to_lowercase());
    names_us || headers.all("list-id").any(|f| f.decoded().to_lowercase().ends_with(&id))
}

fn automatic(headers: &Headers) -> bool {
    let value = |name: &str| headers.text(name).map(|v| v.trim().to_ascii_lowercase());
    value("auto-submitted").is_some_and(|v| !v.starts_with("no"))
        || value("precedence").is_some_and(|v| matches!(v.as_str(), "auto_reply" | "junk"))
        || headers.count("x-autoreply") > 0
        || headers.count("x-autorespond") > 0
        || value("x-auto-response-suppress")
            .is_some_and(|v| v == "all" && headers.count("auto-submitted") > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sender: &str, header: &str, expected: Origin) {
        let (headers, _) = Headers::parse(header.as_bytes());
        let sender = sender.parse().ok();
        let posting = "team@lists.example".parse().unwrap();
        assert_eq!(classify(sender.as_ref(), &headers, &posting, "team.lists.example"), expected, "{header}");
    }

    #[test]
    fn machines_are_told_from_people() {
        let anne = "anne@x.example";
        check(anne, "Subject: hi\r\n", Origin::Person);
        check(anne, "Auto-Submitted: no\r\n", Origin::Person);
        check(anne, "Precedence: bulk\r\n", Origin::Person);
        check(anne, "Auto-Submitted: auto-replied (vacation)\r\n", Origin::AutoReply);
        check("", "Auto-Submitted: auto-replied\r\n", Origin::AutoReply);
        check("", "Subject: hi\r\n", Origin::Bounce);
        check(
            anne,
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
            Origin::Bounce,
        );
        check("MAILER-DAEMON@x.example", "Subject: failed\r\n", Origin::Bounce);
        check(anne, "X-Loop: Team@lists.example\r\n", Origin::OwnLoop);
        check(anne, "List-Id: The team <team.lists.example>\r\n", Origin::OwnLoop);
        check(anne, "List-Id: Others <b-team.lists.example>\r\n", Origin::Person);
        check(anne, &"Received: x\r\n".repeat(51), Origin::TooManyHops);
        check(anne, &"Received: x\r\n".repeat(50), Origin::Person);
    }
}
