//! LMTP commands, read strictly ([RFC 5321, section 4.1], [RFC 2033]).

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LmtpCommand {
    Lhlo,
    /// EHLO or HELO: the peer speaks SMTP.
    Helo,
    Mail {
        sender: Option<String>,
        size: Option<u64>,
    },
    Rcpt {
        recipient: String,
    },
    Data,
    Bdat {
        octets: u64,
        last: bool,
    },
    Rset,
    Noop,
    Quit,
    StartTls,
    Verify,
    Help,
}

/// Why a line is not a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    Unknown,
    Syntax,
    Parameter,
    /// The line announces octets without a valid length, so the octets that follow cannot be told from
    /// commands.
    Chunk,
}

/// Whether the line begins with BDAT, valid or not.
pub(super) fn announces_chunk(line: &[u8]) -> bool {
    line.trim_ascii_start().get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT"))
}

impl LmtpCommand {
    /// Parses a line without its line end.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let unclear = |why| if announces_chunk(line) { Malformed::Chunk } else { why };
        Self::read(line).map_err(unclear)
    }

    fn read(line: &[u8]) -> Result<Self, Malformed> {
        let line = std::str::from_utf8(line).map_err(|_| Malformed::Syntax)?;
        if line.chars().any(char::is_control) {
            return Err(Malformed::Syntax);
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let bare = |command: Self| if rest.is_empty() { Ok(command) } else { Err(Malformed::Syntax) };
        match verb.to_ascii_uppercase().as_str() {
            "LHLO" if !rest.is_empty() => Ok(Self::Lhlo),
            "EHLO" | "HELO" => Ok(Self::Helo),
            "MAIL" => mail(rest),
            "RCPT" => rcpt(rest),
            "DATA" => bare(Self::Data),
            "BDAT" => bdat(rest),
            "RSET" => bare(Self::Rset),
            "NOOP" => Ok(Self::Noop),
            "QUIT" => bare(Self::Quit),
            "STARTTLS" => bare(Self::StartTls),
            "VRFY" | "EXPN" => Ok(Self::Verify),
            "HELP" => Ok(Self::Help),
            "LHLO" => Err(Malformed::Syntax),
            _ => Err(Malformed::Unknown),
        }
    }
}

fn mail(rest: &str) -> Result<LmtpCommand, Malformed> {
    let (path, parameters) = path(rest, "FROM:")?;
    let mut size = None;
    for parameter in parameters.split_ascii_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.to_ascii_uppercase().as_str() {
            "SIZE" => size = Some(value.parse().map_err(|_| Malformed::Syntax)?),
            "BODY" if ["7BIT", "8BITMIME"].iter().any(|v| v.eq_ignore_ascii_case(value)) => {}
            "SMTPUTF8" if value.is_empty() => {}
            "RET" | "ENVID" | "AUTH" => {}
            _ => return Err(Malformed::Parameter),
        }
    }
    match path {
        "" => Ok(LmtpCommand::Mail { sender: None, size }),
        path if is_mailbox(path) => Ok(LmtpCommand::Mail { sender: Some(path.to_owned()), size }),
        // If this were accepted as the null sender, it would hide the sender of the message.
        _ => Err(Malformed::Syntax),
    }
}

fn rcpt(rest: &str) -> Result<LmtpCommand, Malformed> {
    let (path, parameters) = path(rest, "TO:")?;
    for parameter in parameters.split_ascii_whitespace() {
        let name = parameter.split('=').next().unwrap_or_default();
        if !["NOTIFY", "ORCPT"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(Malformed::Parameter);
        }
    }
    if path.is_empty() {
        Err(Malformed::Syntax)
    } else {
        Ok(LmtpCommand::Rcpt { recipient: path.to_owned() })
    }
}

/// The address between the angle brackets, without a source route, and the rest of the line.
fn path<'a>(rest: &'a str, keyword: &str) -> Result<(&'a str, &'a str), Malformed> {
    let head = rest.get(..keyword.len()).filter(|head| head.eq_ignore_ascii_case(keyword));
    let rest = head.map(|_| rest[keyword.len()..].trim_start()).ok_or(Malformed::Syntax)?;
    let rest = rest.strip_prefix('<').ok_or(Malformed::Syntax)?;
    let end = end_of_path(rest).ok_or(Malformed::Syntax)?;
    let (path, parameters) = (&rest[..end], &rest[end + 1..]);
    let path = match path.strip_prefix('@') {
        Some(route) => route.split_once(':').map(|(_, mailbox)| mailbox).ok_or(Malformed::Syntax)?,
        None => path,
    };
    let separated = parameters.is_empty() || parameters.starts_with(' ');
    if separated { Ok((path, parameters)) } else { Err(Malformed::Syntax) }
}

/// The position of the closing bracket. Brackets in quotes do not count.
fn end_of_path(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            '<' | ' ' if !quoted => return None,
            _ => {}
        }
    }
    None
}

/// Whether a sender has the form of a mailbox ([RFC 5321, section 4.1.2], [RFC 6531]): a dot-atom or quoted
/// local part, and a domain or an address literal.
fn is_mailbox(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let special = |c: char| c.is_whitespace() || "()<>[]:;@\\,\"".contains(c);
    let is_atom = |atom: &str| !atom.is_empty() && !atom.contains(special);
    let quoted = local.strip_prefix('"').and_then(|local| local.strip_suffix('"'));
    let local_is_good = match quoted {
        Some(content) => end_of_path(&format!("{local}>")) == Some(local.len()) && !content.is_empty(),
        None => local.split('.').all(is_atom),
    };
    let literal = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
    let in_literal = |c: char| c.is_ascii_alphanumeric() || ".:-".contains(c);
    let domain_is_good = match literal {
        Some(literal) => !literal.is_empty() && literal.chars().all(in_literal),
        None => domain.split('.').all(is_atom),
    };
    local_is_good && domain_is_good
}

/// Parses the length of a chunk. Only digits are accepted, because other programs may read a number with a
/// sign differently ([RFC 3030, section 2]).
fn bdat(rest: &str) -> Result<LmtpCommand, Malformed> {
    let (octets, last) = rest.split_once(' ').unwrap_or((rest, ""));
    let last = match last.trim() {
        "" => false,
        word if word.eq_ignore_ascii_case("LAST") => true,
        _ => return Err(Malformed::Syntax),
    };
    let digits = Some(octets).filter(|octets| octets.bytes().all(|octet| octet.is_ascii_digit()));
    let octets = digits.and_then(|digits| digits.parse().ok()).ok_or(Malformed::Syntax)?;
    Ok(LmtpCommand::Bdat { octets, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<LmtpCommand, Malformed>) {
        assert_eq!(LmtpCommand::parse(line.as_bytes()), expected, "{line:?}");
    }

    fn mail(sender: Option<&str>, size: Option<u64>) -> Result<LmtpCommand, Malformed> {
        Ok(LmtpCommand::Mail { sender: sender.map(str::to_owned), size })
    }

    #[test]
    fn commands_are_read() {
        check("LHLO mx.example", Ok(LmtpCommand::Lhlo));
        check("ehlo mx.example", Ok(LmtpCommand::Helo));
        check("MAIL FROM:<a@x.example>", mail(Some("a@x.example"), None));
        check("mail from: <> SIZE=12 BODY=8BITMIME SMTPUTF8", mail(None, Some(12)));
        check("MAIL FROM:<@route.example:a@x.example>", mail(Some("a@x.example"), None));
        check(
            "RCPT TO:<b@x.example> NOTIFY=NEVER ORCPT=rfc822;b@x.example",
            Ok(LmtpCommand::Rcpt { recipient: "b@x.example".into() }),
        );
        check("BDAT 10", Ok(LmtpCommand::Bdat { octets: 10, last: false }));
        check("bdat 0 last", Ok(LmtpCommand::Bdat { octets: 0, last: true }));
        check("STARTTLS", Ok(LmtpCommand::StartTls));
    }

    #[test]
    fn a_sender_is_a_mailbox_or_nobody() {
        for sender in [
            "a@x.example",
            "\"a b\"@x.example",
            "\"a>b\"@x.example",
            "\"a\\\"> b\"@x.example",
            "\"a@b\"@x.example",
            "anne@[127.0.0.1]",
            "anne@[IPv6:::1]",
            "a+b=c/d@x.example",
            "änne@bücher.example",
            "SRS0=x=y=z.example=a@x.example",
            "a@localhost",
        ] {
            check(&format!("MAIL FROM:<{sender}> SIZE=1"), mail(Some(sender), Some(1)));
        }
        for sender in [
            "root",
            "a@",
            "@",
            "@x.example",
            "a@x.example.",
            "a@x..example",
            "a,b@x.example",
            "a b@x.example",
            ".a@x.example",
            "a..b@x.example",
            "a@x,y",
            "\"@x.example",
            "\"\"@x.example",
            "\"a\"b@x.example",
            "a@b@x.example",
            "a@[x",
            "a@[]",
            "a@x]",
            "a;b@x.example",
            "<a@x.example",
            "\"a\\\"@x.example",
            " ",
        ] {
            check(&format!("MAIL FROM:<{sender}>"), Err(Malformed::Syntax));
        }
    }

    #[test]
    fn everything_else_is_not() {
        check("LHLO", Err(Malformed::Syntax));
        check("MAIL FROM:a@x.example", Err(Malformed::Syntax));
        check("MAIL FROM:<a@x.example>SIZE=1", Err(Malformed::Syntax));
        check("MAIL FROM:<a@x.example> SIZE=x", Err(Malformed::Syntax));
        check("MAIL FROM:<a@x.example> BODY=BINARYMIME", Err(Malformed::Parameter));
        check("MAIL FROM:<a@x.example> X=1", Err(Malformed::Parameter));
        check("RCPT TO:<>", Err(Malformed::Syntax));
        check("RCPT TO:<a b@x.example>", Err(Malformed::Syntax));
        check("DATA now", Err(Malformed::Syntax));
        check("", Err(Malformed::Unknown));
        check("XYZZY", Err(Malformed::Unknown));
        check("RSET\0", Err(Malformed::Syntax));
    }

    #[test]
    fn a_chunk_of_unclear_length_is_none() {
        for line in [
            "BDAT",
            "BDAT x",
            "bdat +5",
            "BDAT +5 LAST",
            "BDAT -1 LAST",
            "BDAT 18446744073709551616 LAST",
            "BDAT 5 FIRST",
            "BDAT 5 LAST now",
            "BDAT 0x5",
            "BDAT 5,0",
            "BDAT 5.",
            "BDAT \u{ff15}",
            "BDAT\t5",
            "BDAT5 LAST",
            " BDAT 5",
            "BDAT 5\r",
            "BDAT LAST 5",
        ] {
            check(line, Err(Malformed::Chunk));
        }
        assert_eq!(LmtpCommand::parse(b"BDAT 5\xff"), Err(Malformed::Chunk));
    }
}
