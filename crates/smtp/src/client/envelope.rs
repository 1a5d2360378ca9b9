//! What is handed over, and what became of it.

use bytes::Bytes;

use super::replies::PeerReply;

/// One message for some recipients.
#[derive(Clone)]
pub struct Envelope {
    /// The caller's name for it, given back with the results.
    pub id: u64,
    /// MAIL FROM; `None`: the null sender.
    pub sender: Option<String>,
    /// RCPT TO, in order.
    pub recipients: Vec<String>,
    /// The content in its wire form.
    pub body: Body,
}

/// Content in wire form: CRLF line ends, dots stuffed, a line end at the end. Shared pieces are not copied.
#[derive(Clone)]
pub struct Body(Vec<Bytes>);

impl Body {
    /// Any message: dots are stuffed, and bare line ends made CRLF.
    pub fn from_message(message: &[u8]) -> Self {
        Self(vec![sealist_mail::wire_form(message).into()])
    }

    /// Pieces that together are in wire form already: no line starts with a dot, all end in CRLF. Header
    /// blocks and armor of ours are so.
    pub fn from_wire_pieces(pieces: Vec<Bytes>) -> Self {
        Self(pieces)
    }

    /// The pieces.
    pub(super) fn pieces(&self) -> &[Bytes] {
        &self.0
    }

    /// All octets.
    pub fn octets(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientResult {
    /// The next hop took responsibility.
    Sent(PeerReply),
    /// Refused for now: to be tried again.
    Deferred(PeerReply),
    /// Refused for good.
    Failed(PeerReply),
    /// The connection broke before the message was complete: to be tried again.
    NotSent,
    /// The message was complete and its reply never came: to be tried again, may be a second copy.
    Unknown,
}

impl RecipientResult {
    pub(super) fn refused(reply: PeerReply) -> Self {
        if reply.code >= 500 { Self::Failed(reply) } else { Self::Deferred(reply) }
    }
}
