//! Replies with enhanced status codes ([RFC 5321, section 4.2], [RFC 2034], [RFC 3463]).

use std::borrow::Cow;
use std::fmt;

/// The server's reply to one command or for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code: three digits.
    pub code: u16,
    /// The enhanced code: class, subject and detail.
    pub enhanced: (u8, u16, u16),
    /// One line of ASCII for people. It never holds text of a message.
    pub text: Cow<'static, str>,
}

impl Reply {
    /// Makes a reply.
    pub fn new(code: u16, enhanced: (u8, u16, u16), text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, enhanced, text: text.into() }
    }

    /// 250 2.0.0.
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(250, (2, 0, 0), text)
    }

    /// 451 4.3.0: a fault on our side. The peer retries.
    pub fn try_again() -> Self {
        Self::new(451, (4, 3, 0), "local error, try again later")
    }

    /// 452 4.3.1: no room now. The peer retries.
    pub fn no_room() -> Self {
        Self::new(452, (4, 3, 1), "not enough room at the moment, try again later")
    }

    /// 550 5.1.1: no such address.
    pub fn no_such_address() -> Self {
        Self::new(550, (5, 1, 1), "no such list here")
    }

    /// Whether the code is 2xx or 3xx.
    pub fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// Whether the code is 4xx.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }
}

/// Writes the reply without the line end.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, subject, detail) = self.enhanced;
        write!(f, "{} {class}.{subject}.{detail} {}", self.code, self.text)
    }
}
