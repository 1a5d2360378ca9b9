//! Finds the author that a message claims to have ([RFC 5322, section 3.6.2]).

use crate::address::{Mailbox, count_mailboxes, parse_mailboxes};
use crate::headers::Headers;

/// Why a message has no single author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorProblem {
    /// There is no From field.
    #[error("there is no From field")]
    NoFrom,
    /// There are several From fields.
    #[error("there are several From fields")]
    SeveralFrom,
    /// The field names several addresses.
    #[error("the From field names several addresses")]
    SeveralAddresses,
    /// The field names no address that can be read.
    #[error("the From field names no address")]
    Unreadable,
}

/// The only mailbox of the only From field.
pub fn sole_author(headers: &Headers) -> Result<Mailbox, AuthorProblem> {
    let mut fields = headers.all("from");
    let field = fields.next().ok_or(AuthorProblem::NoFrom)?;
    if fields.next().is_some() {
        return Err(AuthorProblem::SeveralFrom);
    }
    let value = field.value();
    if count_mailboxes(&value) > 1 {
        return Err(AuthorProblem::SeveralAddresses);
    }
    let mut mailbox = parse_mailboxes(&value).into_iter().next().ok_or(AuthorProblem::Unreadable)?;
    // Many programs show a name that contains an address instead of the real address, so such a name is
    // dropped.
    if mailbox.name.as_deref().is_some_and(|name| name.contains('@')) {
        mailbox.name = None;
    }
    Ok(mailbox)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Result<(Option<&str>, &str), AuthorProblem>) {
        let (headers, _) = Headers::parse(header.as_bytes());
        let author = sole_author(&headers);
        let seen = author.as_ref().map(|m| (m.name.as_deref(), m.address.to_string())).map_err(|e| *e);
        assert_eq!(seen, expected.map(|(n, a)| (n, a.to_owned())), "{header}");
    }

    #[test]
    fn one_field_with_one_address() {
        check("From: Anne <anne@x.example>\r\n\r\n", Ok((Some("Anne"), "anne@x.example")));
        check("from:anne@x.example\r\n\r\n", Ok((None, "anne@x.example")));
        check("From : anne@x.example\r\n\r\n", Ok((None, "anne@x.example")));
        check("Subject: x\r\n\r\n", Err(AuthorProblem::NoFrom));
        check("From: a@x.example\r\nFROM: b@x.example\r\n\r\n", Err(AuthorProblem::SeveralFrom));
        check("From: a@x.example\r\nFrom : b@x.example\r\n\r\n", Err(AuthorProblem::SeveralFrom));
        check("From: a@x.example, b@x.example\r\n\r\n", Err(AuthorProblem::SeveralAddresses));
        check("From: \r\n\r\n", Err(AuthorProblem::Unreadable));
        check("From: nobody\r\n\r\n", Err(AuthorProblem::Unreadable));
    }

    #[test]
    fn an_address_in_the_name_is_dropped() {
        check("From: \"ceo@x.example\" <eve@y.example>\r\n\r\n", Ok((None, "eve@y.example")));
    }
}
