//! What is handed over, and what became of it.

use bytes::Bytes;
use sealist_mail::{Dots, SmtpStage, wire_form};

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
    pub body: WireBody,
}

/// Content in wire form: CRLF line ends, dots stuffed, a line end at the end. Shared pieces are not copied.
#[derive(Clone)]
pub struct WireBody {
    pieces: Vec<Bytes>,
    dots: Dots,
}

impl WireBody {
    /// Any message: dots are stuffed, and bare line ends made CRLF.
    pub fn from_message(message: &[u8]) -> Self {
        let (wire, dots) = wire_form(message);
        Self { pieces: vec![wire.into()], dots }
    }

    /// Pieces that together are in wire form already, with those dots.
    pub fn from_wire_pieces(pieces: Vec<Bytes>, dots: Dots) -> Self {
        Self { pieces, dots }
    }

    /// The pieces.
    pub(super) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Whether it is another where no dots are stuffed.
    pub(super) fn has_stuffed_dots(&self) -> bool {
        self.dots == Dots::Stuffed
    }

    /// Whether it is ASCII.
    pub(super) fn is_seven_bit(&self) -> bool {
        self.pieces.iter().all(|piece| piece.is_ascii())
    }

    /// All octets.
    pub fn octets(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientResult {
    /// The next hop took responsibility.
    Sent(PeerReply),
    /// Refused for now: to be tried again.
    Deferred(PeerReply, SmtpStage),
    /// Refused for good.
    Failed(PeerReply, SmtpStage),
    /// The content has octets above 127, which the next hop does not take ([RFC 6152]): to be encoded and handed over again.
    NeedsSevenBit,
    /// The connection broke before the message was complete: to be tried again.
    NotSent,
    /// The message was complete and its reply never came: to be tried again, may be a second copy.
    Unknown,
}

impl RecipientResult {
    pub(super) fn refused(reply: PeerReply, stage: SmtpStage) -> Self {
        if reply.code >= 500 { Self::Failed(reply, stage) } else { Self::Deferred(reply, stage) }
    }
}
