//! LMTP commands, read strictly ([RFC 5321, section 4.1], [RFC 2033]).

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
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

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    Unknown,
    Syntax,
    Parameter,
}

impl Command {
    /// Reads a line without its line end.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Malformed> {
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

fn mail(rest: &str) -> Result<Command, Malformed> {
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
    Ok(Command::Mail { sender: (!path.is_empty()).then(|| path.to_owned()), size })
}

fn rcpt(rest: &str) -> Result<Command, Malformed> {
    let (path, parameters) = path(rest, "TO:")?;
    for parameter in parameters.split_ascii_whitespace() {
        let name = parameter.split('=').next().unwrap_or_default();
        if !["NOTIFY", "ORCPT"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(Malformed::Parameter);
        }
    }
    if path.is_empty() { Err(Malformed::Syntax) } else { Ok(Command::Rcpt { recipient: path.to_owned() }) }
}

/// The address between the angle brackets, a source route dropped, and what follows.
fn path<'a>(rest: &'a str, keyword: &str) -> Result<(&'a str, &'a str), Malformed> {
    let head = rest.get(..keyword.len()).filter(|head| head.eq_ignore_ascii_case(keyword));
    let rest = head.map(|_| rest[keyword.len()..].trim_start()).ok_or(Malformed::Syntax)?;
    let (path, parameters) =
        rest.strip_prefix('<').and_then(|r| r.split_once('>')).ok_or(Malformed::Syntax)?;
    let path = match path.strip_prefix('@') {
        Some(route) => route.split_once(':').map(|(_, mailbox)| mailbox).ok_or(Malformed::Syntax)?,
        None => path,
    };
    let separated = parameters.is_empty() || parameters.starts_with(' ');
    if path.contains(['<', ' ']) || !separated { Err(Malformed::Syntax) } else { Ok((path, parameters)) }
}

fn bdat(rest: &str) -> Result<Command, Malformed> {
    let (octets, last) = rest.split_once(' ').unwrap_or((rest, ""));
    let last = match last.trim() {
        "" => false,
        word if word.eq_ignore_ascii_case("LAST") => true,
        _ => return Err(Malformed::Syntax),
    };
    Ok(Command::Bdat { octets: octets.parse().map_err(|_| Malformed::Syntax)?, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<Command, Malformed>) {
        assert_eq!(Command::parse(line.as_bytes()), expected, "{line:?}");
    }

    fn mail(sender: Option<&str>, size: Option<u64>) -> Result<Command, Malformed> {
        Ok(Command::Mail { sender: sender.map(str::to_owned), size })
    }

    #[test]
    fn commands_are_read() {
        check("LHLO mx.example", Ok(Command::Lhlo));
        check("ehlo mx.example", Ok(Command::Helo));
        check("MAIL FROM:<a@x.example>", mail(Some("a@x.example"), None));
        check("mail from: <> SIZE=12 BODY=8BITMIME SMTPUTF8", mail(None, Some(12)));
        check("MAIL FROM:<@route.example:a@x.example>", mail(Some("a@x.example"), None));
        check(
            "RCPT TO:<b@x.example> NOTIFY=NEVER ORCPT=rfc822;b@x.example",
            Ok(Command::Rcpt { recipient: "b@x.example".into() }),
        );
        check("BDAT 10", Ok(Command::Bdat { octets: 10, last: false }));
        check("bdat 0 last", Ok(Command::Bdat { octets: 0, last: true }));
        check("STARTTLS", Ok(Command::StartTls));
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
        check("BDAT x", Err(Malformed::Syntax));
        check("", Err(Malformed::Unknown));
        check("XYZZY", Err(Malformed::Unknown));
        check("RSET\0", Err(Malformed::Syntax));
    }
}
