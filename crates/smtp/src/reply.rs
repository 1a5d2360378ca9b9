//! Replies with enhanced status codes ([RFC 5321, section 4.2], [RFC 2034], [RFC 3463]).

use std::borrow::Cow;
use std::fmt;

/// What the server answers to one command or for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// Class, subject and detail.
    pub enhanced: (u8, u16, u16),
    /// One line of ASCII for people; never holds message text.
    pub text: Cow<'static, str>,
}

impl Reply {
    /// A reply of those parts.
    pub fn new(code: u16, enhanced: (u8, u16, u16), text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, enhanced, text: text.into() }
    }

    /// 250 2.0.0.
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(250, (2, 0, 0), text)
    }

    /// 451 4.3.0: a fault of ours; the peer tries again.
    pub fn try_again() -> Self {
        Self::new(451, (4, 3, 0), "local error, try again later")
    }

    /// 452 4.3.1: no room now; the peer tries again.
    pub fn no_room() -> Self {
        Self::new(452, (4, 3, 1), "not enough room at the moment, try again later")
    }

    /// 550 5.1.1: no such address.
    pub fn no_such_address() -> Self {
        Self::new(550, (5, 1, 1), "no such list here")
    }

    /// Whether it is a 2xx or 3xx.
    pub fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// Whether it is a 4xx.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }
}

/// Without the line end.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, subject, detail) = self.enhanced;
        write!(f, "{} {class}.{subject}.{detail} {}", self.code, self.text)
    }
}
